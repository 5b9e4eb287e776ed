/* The phases of a history batch that look at a record's other versions: earliest_start, update and
 * delete. (A replace writes one version, as in a table without history.) For apply.c.
 *
 * The key of a version is the record's key and KEY_START_BYTES of `_fivetran_start`: versions stand
 * next to each other in order of time, and entries come in that order, too. */
#ifndef WEIR_WORKER_APPLY_HISTORY_H
#define WEIR_WORKER_APPLY_HISTORY_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/file_kind.h"
#include "worker/run/run.h"
#include "worker/store/store.h"

struct history;

/* The transaction's table must be a history table (key_is_history). */
struct history *history_new(struct store_txn *txn);

/* Applies one entry of a file of that kind, which is not FILE_KIND_REPLACE. A damaged row or entry
 * is ERROR_STORE; failures of the transaction are kept by it. */
MUST_CHECK bool history_apply(struct history *history, enum file_kind kind,
                              const struct run_entry *entry, struct error *err);

void history_free(struct history **history);

#endif

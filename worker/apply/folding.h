/* Folds the entries of one key into one row, which is read once and written once.
 *
 * Without history, and in the replace phase always, entries come in key order, and those of one key
 * in the order of files and rows. Where an entry is a whole row already, it is written as it comes.
 * For apply.c. */
#ifndef WEIR_WORKER_APPLY_FOLDING_H
#define WEIR_WORKER_APPLY_FOLDING_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/file_kind.h"
#include "worker/run/run.h"
#include "worker/store/store.h"

struct folding;

struct folding *folding_new(struct store_txn *txn);

/* Applies one entry of a file of that kind; the kinds of one key may differ. What it leaves of its
 * key's row is written when an entry of another key comes. A damaged row is ERROR_STORE; failures
 * of the transaction are kept by it and told here, too. */
MUST_CHECK bool folding_apply(struct folding *folding, enum file_kind kind,
                              const struct run_entry *entry, struct error *err);

/* Writes the row of the last key. */
MUST_CHECK bool folding_finish(struct folding *folding, struct error *err);

void folding_free(struct folding **folding);

#endif

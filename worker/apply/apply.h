/* Applies the merged runs of one phase to a table, in key order.
 *
 * The step after run (sorted entries) and before store (rows in LMDB). Nothing here sees outside
 * bytes: files were checked when they were decoded. */
#ifndef WEIR_WORKER_APPLY_APPLY_H
#define WEIR_WORKER_APPLY_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/file_kind.h"
#include "worker/run/run.h"
#include "worker/store/store.h"

/* Applies all that `merger` yields as a phase of that kind, of a history batch or a plain one.
 * `watch` is ticked on the way. *rows_out counts entries. Failures of the transaction itself are
 * kept by it and told here, too. */
MUST_CHECK bool apply_phase(struct store_txn *txn, enum file_kind kind, bool history,
                            struct run_merger *merger, const struct run_watch *watch,
                            uint64_t *rows_out, struct error *err);

#endif

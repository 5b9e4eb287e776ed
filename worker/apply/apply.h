/* Applies the merged runs of a batch's phases to a table, in key order.
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

struct apply_phase {
    enum file_kind kind;
    struct run_merger *merger; /* of its runs, borrowed */
};

/* Applies the phases of a history batch or a plain one in the order in which they stand here, in
 * one pass over the table: each record has met all phases before the next one meets the first. That
 * comes to the same as one pass for each phase, since no phase looks at another record, and reads
 * and writes each page once.
 *
 * `watch` is ticked on the way. *rows_out counts entries. Failures of the transaction itself are
 * kept by it and told here, too. */
MUST_CHECK bool apply_phases(struct store_txn *txn, bool history, const struct apply_phase *phases,
                             size_t count, const struct run_watch *watch, uint64_t *rows_out,
                             struct error *err);

#endif

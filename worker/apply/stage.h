/* The apply stage of a large batch: all its phases become one change of the table.
 *
 * A batch that is on few of the table's pages changes them where they are, in one LMDB transaction.
 * One that is on most of them, or whose table is empty, fills a new generation with former and new
 * rows in order of keys: each page is written once and in order, and memory is needed for few at a
 * time. That takes a disk which holds the table twice. Either way readers see all of the batch or
 * nothing, and so does who comes after a kill. */
#ifndef WEIR_WORKER_APPLY_STAGE_H
#define WEIR_WORKER_APPLY_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/table.h"
#include "worker/store/store.h"

struct stage;

struct stage_key {
    const uint8_t *bytes;
    size_t length;
};

/* What is known of a batch before it is applied. */
struct stage_batch {
    uint64_t entries;       /* of all phases */
    struct stage_key *keys; /* that its entries lie around evenly; get sorted */
    size_t keys_count;
};

/* Begins; `store` is borrowed, the caller holds the table's lease. *already_out: this operation was
 * committed before (a retry); *stage_out is untouched then. `watch` is told of rows that are gone
 * over without being asked for, until stage_complete() has returned. */
MUST_CHECK bool stage_begin(struct store *store, const struct table *table,
                            const uint8_t operation_id[16], const struct stage_batch *batch,
                            const struct store_watch *watch, struct stage **stage_out,
                            bool *already_out, struct error *err);

/* What the phases are applied to, borrowed. */
struct store_txn *stage_txn(struct stage *stage);

/* All phases have been applied: what is left of the former rows is copied, so that the commit,
 * which cannot be cancelled, only waits for the disk. */
MUST_CHECK bool stage_complete(struct stage *stage, struct error *err);

/* Makes the batch durable and visible. On failure nothing was changed. The stage is released either
 * way. *spilled_out as in store_txn_commit(). */
MUST_CHECK bool stage_commit(struct stage **stage, bool *spilled_out, struct error *err);

/* Drops all changes. NULL is fine. */
void stage_abort(struct stage **stage);

#endif

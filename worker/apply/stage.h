/* The apply stage of a large batch: all its phases become one change of the table.
 *
 * A table that has rows is changed where it is, in one LMDB transaction. A table that is empty, as
 * on a first sync, gets its rows in a new generation: filling that takes little memory, and writes
 * no page twice. Either way readers see all of the batch or nothing, and so does who comes after a
 * kill. */
#ifndef WEIR_WORKER_APPLY_STAGE_H
#define WEIR_WORKER_APPLY_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/table.h"
#include "worker/store/store.h"

struct stage;

/* Begins; `store` is borrowed, the caller holds the table's lease. *already_out: this operation was
 * committed before (a retry); *stage_out is untouched then. */
MUST_CHECK bool stage_begin(struct store *store, const struct table *table,
                            const uint8_t operation_id[16], struct stage **stage_out,
                            bool *already_out, struct error *err);

/* What the phases are applied to, borrowed. */
struct store_txn *stage_txn(struct stage *stage);

/* Makes the batch durable and visible. On failure nothing was changed. The stage is released either
 * way. *spilled_out as in store_txn_commit(). */
MUST_CHECK bool stage_commit(struct stage **stage, bool *spilled_out, struct error *err);

/* Drops all changes. NULL is fine. */
void stage_abort(struct stage **stage);

#endif

/* The rows of the generation before, while a batch fills a new one.
 *
 * Reading them costs about half of what writing them does: they are read in a thread of their own,
 * ahead of the one that writes. */
#ifndef WEIR_WORKER_APPLY_FORMER_H
#define WEIR_WORKER_APPLY_FORMER_H

#include "common/attributes.h"
#include "common/error.h"
#include "worker/store/store.h"

struct former;

/* Begins to read what the registry names as the table. ERROR_STORE: it is none any more. */
MUST_CHECK bool former_open(struct store *store, const struct table *table,
                            struct former **former_out, struct error *err);

/* What store_txn_begin_filling() takes: good until former_close(). */
const struct store_rows *former_rows(const struct former *former);

/* Ends the reading, whether all was read or not. NULL is fine. */
void former_close(struct former **former);

#endif

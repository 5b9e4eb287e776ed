/* Whether a batch's table, as the request describes it, agrees with the table that is stored. */
#ifndef WEIR_WORKER_JOB_BATCH_CHECK_H
#define WEIR_WORKER_JOB_BATCH_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/table.h"
#include "registry.pb-c.h"
#include "worker/store/store.h"

/* Finds the request's table in the registry and compares. ERROR_REQUEST, naming table and column,
 * if there is no such table, if it lacks a column of the request, or if a column has another type
 * or is in the key in one of them only; `history`: also if it is no history table. Columns that the
 * request leaves out and other decimal params are fine.
 *
 * *table_out is for the caller to release with table_free(), *ids_out (the ids of the request's
 * columns, in its order) with mem_free(). */
MUST_CHECK bool check_batch_table(struct store *store, const Weir__TableEntry *request,
                                  bool history, struct table **table_out, uint32_t **ids_out,
                                  size_t *ids_count_out, struct error *err);

#endif

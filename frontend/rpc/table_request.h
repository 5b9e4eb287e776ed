/* A request's table as our own: names and columns checked by the protocol's rules. */
#ifndef WEIR_FRONTEND_RPC_TABLE_REQUEST_H
#define WEIR_FRONTEND_RPC_TABLE_REQUEST_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/table.h"
#include "destination_sdk.pb-c.h"

/* Checks the names of a table: not empty, and short enough for the registry (ERROR_REQUEST,
 * ERROR_LIMIT). */
MUST_CHECK bool table_request_check_names(const char *schema_name, const char *table_name,
                                          struct error *err);

/* The table that a request describes, for the caller to release with table_free(); column ids are
 * unset. Where no column has primary_key, `_fivetran_id` is the key if it is there. Fails with
 * ERROR_REQUEST or ERROR_LIMIT, naming table and column. `table` may be NULL: absent. */
MUST_CHECK bool table_request_read(const char *schema_name, const FivetranSdk__V2__Table *table,
                                   struct table **table_out, struct error *err);

/* The protocol's message for `table`, for the caller to release with
 * fivetran_sdk__v2__table__free_unpacked(). */
FivetranSdk__V2__Table *table_request_answer(const struct table *table);

#endif

/* Alters a table: its columns, their types and params, its primary key. */
#ifndef WEIR_WORKER_REWRITE_ALTER_H
#define WEIR_WORKER_REWRITE_ALTER_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/table.h"
#include "worker/rewrite/rewrite.h"

/* Makes the stored table as `wished`, which holds the whole table and the operation id. Columns
 * that it lacks are dropped if `drop_columns`, else they stay, outside the key.
 *
 * Columns and params change in the registry alone; types and keys stream the rows into a new
 * generation, which takes the old one's place in one transaction. ERROR_REQUEST, with nothing
 * changed: no such table, values that do not fit, rows that would share a key, NULL in a key. */
MUST_CHECK bool alter_table(const struct rewrite_means *means, const struct table *wished,
                            bool drop_columns, struct error *err);

#endif

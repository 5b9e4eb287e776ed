/* Versions of records: the columns that a history table has, and their values in a draft. */
#ifndef WEIR_WORKER_REWRITE_VERSIONS_H
#define WEIR_WORKER_REWRITE_VERSIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/table.h"
#include "worker/rewrite/draft.h"
#include "worker/value/moment.h"

#define VERSION_START  "_fivetran_start"
#define VERSION_END    "_fivetran_end"
#define VERSION_ACTIVE "_fivetran_active"
#define COLUMN_SYNCED  "_fivetran_synced"
#define COLUMN_DELETED "_fivetran_deleted"
#define COLUMN_RECORD  "_fivetran_id"

/* Where the three columns stand in a table. */
struct versions {
    size_t start;
    size_t end;
    size_t active;
};

enum {
    VERSION_COLUMNS = 3
};

/* How many of the three columns the table has, of any type. */
size_t versions_count_columns(const struct table *table);

/* The places of the columns of a history table: all three, of the right types, start in the key.
 * ERROR_REQUEST otherwise. */
MUST_CHECK bool versions_find(const struct table *table, struct versions *versions_out,
                              struct error *err);

/* Says that the table is no history table, and what one is. Always returns false. */
bool versions_refuse(struct error *err);

/* The moment in a cell. False: it is NULL. */
bool versions_read(const struct draft *row, size_t index, struct moment *moment_out);

/* Sets the cell to the moment, or to true or false. */
void versions_write(struct draft *row, size_t index, struct moment moment);
void versions_set_flag(struct draft *row, size_t index, bool flag);

/* Whether the BOOLEAN in a cell is true; NULL is not. */
bool versions_flag(const struct draft *row, size_t index);

#endif

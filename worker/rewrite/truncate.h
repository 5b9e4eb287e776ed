/* Truncates a table: deletes the rows whose synced column is before a moment, or marks them. */
#ifndef WEIR_WORKER_REWRITE_TRUNCATE_H
#define WEIR_WORKER_REWRITE_TRUNCATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "worker/apply/apply.h"
#include "worker/rewrite/rewrite.h"
#include "worker/value/moment.h"

struct truncate_terms {
    const char *schema_name;
    const char *table_name;
    const char *synced_column;   /* UTC_DATETIME */
    const char *deleted_column;  /* BOOLEAN, becomes true; NULL: rows are deleted */
    bool has_before;             /* false: no row is meant */
    struct moment before;        /* rows strictly before it; NULL stays */
    const uint8_t *operation_id; /* 16 bytes */
};

/* Truncates in one transaction; a table that does not exist is a success. An empty, unknown or
 * otherwise typed column is ERROR_REQUEST. *rows_out: how many rows were meant;
 * *spilled_out: as for store_txn_commit(). */
MUST_CHECK bool truncate_table(const struct rewrite_means *means,
                               const struct truncate_terms *terms, uint64_t *rows_out,
                               bool *spilled_out, struct error *err);

#endif

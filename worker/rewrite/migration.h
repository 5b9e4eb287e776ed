/* Migrations: the operations of the Migrate RPC on stored tables.
 *
 * Each is one atomic switch-over and safe to repeat: what has its effect already is a success and
 * changes nothing. migration_table.c lists them; the migrate_*.c files carry them out. */
#ifndef WEIR_WORKER_REWRITE_MIGRATION_H
#define WEIR_WORKER_REWRITE_MIGRATION_H

#include <stdint.h>

#include "common/attributes.h"
#include "common/column.h"
#include "common/error.h"
#include "job.pb-c.h"
#include "worker/rewrite/rewrite.h"

/* What is asked for, borrowed. Texts are never NULL; one that an operation does not use is empty.
 */
struct migration {
    Weir__MigrationKind kind;
    const char *schema_name;
    const char *table_name;
    const char *to_table;
    const char *column;
    const char *to_column;
    enum column_type column_type;
    const char *value;
    const char *operation_timestamp;
    const char *soft_deleted_column;
    const uint8_t *operation_id; /* 16 bytes */
};

/* Carries it out. ERROR_REQUEST, with nothing changed: what the rules of the operation refuse. */
MUST_CHECK bool migration_run(const struct rewrite_means *means, const struct migration *migration,
                              struct error *err);

#endif

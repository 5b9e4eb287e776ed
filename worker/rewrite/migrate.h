/* The migrations, one function each, and what they share; included by worker/rewrite only. */
#ifndef WEIR_WORKER_REWRITE_MIGRATE_H
#define WEIR_WORKER_REWRITE_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attributes.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/table.h"
#include "worker/rewrite/migration.h"
#include "worker/rewrite/rewrite.h"

/* Carries out one kind of migration on `table`, the stored table of the migration's name (NULL:
 * there is none, which only kinds that `suit_no_table` are asked). */
typedef bool migrate(const struct rewrite_means *means, const struct migration *migration,
                     const struct table *table, struct error *err);

struct migration_kind {
    Weir__MigrationKind kind;
    const char *what; /* "drop table" */
    migrate *run;
    bool suits_no_table;
};

extern const struct migration_kind migration_kinds[];
extern const size_t migration_kinds_count;

migrate migrate_drop_table;
migrate migrate_rename_table;
migrate migrate_copy_table;
migrate migrate_rename_column;
migrate migrate_copy_column;
migrate migrate_add_column;
migrate migrate_update_column;
migrate migrate_add_column_in_history_mode;
migrate migrate_drop_column_in_history_mode;
migrate migrate_copy_table_to_history_mode;
migrate migrate_soft_delete_to_history;
migrate migrate_history_to_soft_delete;

/* A copy of `table` that carries the migration's operation id; the caller changes and frees it. */
struct table *migrate_begin(const struct migration *migration, const struct table *table);

/* Finds the table that a copy is made into: *former_out is an earlier copy, which the new one
 * replaces, or NULL. Prepares *target_out, a copy of `table` under its name. The caller frees both.
 * ERROR_REQUEST if another table has the name. */
MUST_CHECK bool migrate_begin_copy(const struct rewrite_means *means,
                                   const struct migration *migration, const struct table *table,
                                   struct table **former_out, struct table **target_out,
                                   struct error *err);

/* The place of the column in the table; it must be there (ERROR_REQUEST). */
MUST_CHECK bool migrate_find_column(const struct table *table, const char *name, size_t *index_out,
                                    struct error *err);

/* The place of a column of that type outside the key, which is added unless it is there.
 * ERROR_REQUEST: it is there with another type, or in the key; the name is empty. */
MUST_CHECK bool migrate_want_column(struct table *table, const char *name, enum column_type type,
                                    size_t *index_out, struct error *err);

/* Drops the column; the key closes up. */
void migrate_drop_column(struct table *table, const char *name);

/* Appends the value that `text` means to a column of `type`; *null_out: it means NULL.
 * `null_text`: the text NULL means NULL for every type. ERROR_REQUEST if it is no such value. */
MUST_CHECK bool migrate_read_value(enum column_type type, const char *text, bool null_text,
                                   struct buffer *out, bool *null_out, struct error *err);

#endif

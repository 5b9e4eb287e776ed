/* See migration.h: finds the kind and the table, and what the kinds share. */
#include "worker/rewrite/migration.h"

#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/text.h"
#include "worker/rewrite/migrate.h"
#include "worker/value/type.h"

static const struct migration_kind *find_kind(Weir__MigrationKind kind);
static bool run(const struct rewrite_means *means, const struct migration *migration,
                const struct migration_kind *kind, struct error *err);
static void drop_from_key(struct table *table, struct column *column);

bool migration_run(const struct rewrite_means *means, const struct migration *migration,
                   struct error *err)
{
    const struct migration_kind *kind = find_kind(migration->kind);

    if (kind == NULL) {
        return error_set(err, ERROR_INTERNAL, "this worker does not know the migration %d",
                         (int)migration->kind);
    }
    return run(means, migration, kind, err) ||
           error_wrap(err, "could not %s table \"%s.%s\"", kind->what,
                      text_name(migration->schema_name).text,
                      text_name(migration->table_name).text);
}

struct table *migrate_begin(const struct migration *migration, const struct table *table)
{
    struct table *after = table_copy(table);

    memcpy(after->operation_id, migration->operation_id, LIMIT_OPERATION_ID_BYTES);
    return after;
}

bool migrate_find_column(const struct table *table, const char *name, size_t *index_out,
                         struct error *err)
{
    const struct column *column = table_find_column(table, name, strlen(name));

    if (column == NULL) {
        return error_set(err, ERROR_REQUEST, "there is no column \"%s\"", text_name(name).text);
    }
    *index_out = (size_t)(column - table->columns);
    return true;
}

bool migrate_want_column(struct table *table, const char *name, enum column_type type,
                         size_t *index_out, struct error *err)
{
    struct column *column = table_find_column(table, name, strlen(name));

    if (name[0] == '\0') {
        return error_set(err, ERROR_REQUEST, "the column has no name");
    }
    if (!column_type_is_known(type)) {
        return error_set(err, ERROR_REQUEST, "column \"%s\" has no known type",
                         text_name(name).text);
    }
    if (column == NULL) {
        if (table->columns_count >= LIMIT_COLUMNS) {
            return error_set(err, ERROR_LIMIT, "it has %zu columns, which is the limit",
                             table->columns_count);
        }
        column = table_add_column(table, name);
        column->id = table->next_column_id++;
        column->type = type;
    }
    if (column->type != type) {
        return error_set(err, ERROR_REQUEST, "column \"%s\" is there as %s, not as %s",
                         text_name(name).text, column_type_name(column->type),
                         column_type_name(type));
    }
    if (column->key_position > 0) {
        return error_set(err, ERROR_REQUEST, "column \"%s\" is in the primary key",
                         text_name(name).text);
    }
    *index_out = (size_t)(column - table->columns);
    return true;
}

void migrate_drop_column(struct table *table, const char *name)
{
    struct column *column = table_find_column(table, name, strlen(name));

    if (column != NULL) {
        drop_from_key(table, column);
        table_drop_column(table, (size_t)(column - table->columns));
    }
}

bool migrate_read_value(enum column_type type, const char *text, bool null_text, struct buffer *out,
                        bool *null_out, struct error *err)
{
    const struct type *reader = type_of(type);
    const char *problem = NULL;

    /* For the types to which no text is a value whatever it says, NULL and nothing are NULL. */
    *null_out = (strcmp(text, "NULL") == 0 && (null_text || !reader->accepts_empty)) ||
                (text[0] == '\0' && !reader->accepts_empty);
    if (*null_out || reader->parse(text, strlen(text), out, &problem) != PARSE_FAILED) {
        return true;
    }
    return error_set(err, ERROR_REQUEST, "the value %s", problem);
}

static const struct migration_kind *find_kind(Weir__MigrationKind kind)
{
    for (size_t i = 0; i < migration_kinds_count; i++) {
        if (migration_kinds[i].kind == kind) {
            return &migration_kinds[i];
        }
    }
    return NULL;
}

static bool run(const struct rewrite_means *means, const struct migration *migration,
                const struct migration_kind *kind, struct error *err)
{
    OWNED(table_free) struct table *table = NULL;

    if (!registry_find(means->store, migration->schema_name, migration->table_name, &table, err)) {
        return false;
    }
    if (table == NULL && !kind->suits_no_table) {
        return error_set(err, ERROR_REQUEST, "there is no such table");
    }
    return kind->run(means, migration, table, err);
}

static void drop_from_key(struct table *table, struct column *column)
{
    uint32_t position = column->key_position;

    column->key_position = 0;
    for (size_t i = 0; position > 0 && i < table->columns_count; i++) {
        table->columns[i].key_position -= table->columns[i].key_position > position ? 1 : 0;
    }
}

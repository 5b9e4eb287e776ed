/* Migrations of columns: rename, copy, add with a value, set. */
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "worker/rewrite/migrate.h"
#include "worker/value/key.h"

/* A column that gets one value in every row, or the value of another column. */
struct filling {
    size_t index;
    size_t from_index; /* SIZE_MAX: the value */
    struct buffer value;
    bool is_null;
};

static bool run_filling(const struct rewrite_means *means, const struct table *table,
                        struct table *after, struct filling *filling, struct error *err);
static bool fill(void *context, struct draft *row, struct rewrite_output *output,
                 struct error *err);
static void filling_clear(struct filling *filling);

bool migrate_rename_column(const struct rewrite_means *means, const struct migration *migration,
                           const struct table *table, struct error *err)
{
    OWNED(table_free) struct table *after = migrate_begin(migration, table);
    const char *to = migration->to_column;
    const struct column *target = table_find_column(table, to, strlen(to));
    struct column *column = table_find_column(after, migration->column, strlen(migration->column));
    const struct rewrite rewrite = {
        .source = table, .replaced = table, .target = after, .change = rewrite_keep};

    if (column == NULL && target != NULL) {
        return true; /* a retry */
    }
    if (column == NULL) {
        return error_set(err, ERROR_REQUEST, "there is no column \"%s\"",
                         text_name(migration->column).text);
    }
    if (target != NULL) {
        return error_set(err, ERROR_REQUEST, "column \"%s\" exists", text_name(to).text);
    }
    if (to[0] == '\0') {
        return error_set(err, ERROR_REQUEST, "the new column has no name");
    }
    mem_free(column->name);
    column->name = mem_text(to);
    /* Names make a history table; its keys have a form of their own. */
    return key_is_history(table) == key_is_history(after)
               ? registry_switch(means->store, table, after, err)
               : rewrite_run(means, &rewrite, err);
}

bool migrate_copy_column(const struct rewrite_means *means, const struct migration *migration,
                         const struct table *table, struct error *err)
{
    OWNED(table_free) struct table *after = migrate_begin(migration, table);
    OWNED(filling_clear) struct filling filling = {0};
    const struct column *from = NULL;
    bool is_new =
        table_find_column(table, migration->to_column, strlen(migration->to_column)) == NULL;
    struct column *to = NULL;

    if (!migrate_find_column(table, migration->column, &filling.from_index, err)) {
        return false;
    }
    from = &table->columns[filling.from_index];
    if (!migrate_want_column(after, migration->to_column, from->type, &filling.index, err)) {
        return false;
    }
    to = &after->columns[filling.index];
    if (is_new) {
        to->has_decimal = from->has_decimal;
        to->precision = from->precision;
        to->scale = from->scale;
        to->string_byte_length = from->string_byte_length;
    }
    return run_filling(means, table, after, &filling, err);
}

bool migrate_add_column(const struct rewrite_means *means, const struct migration *migration,
                        const struct table *table, struct error *err)
{
    OWNED(table_free) struct table *after = migrate_begin(migration, table);
    OWNED(filling_clear) struct filling filling = {.from_index = SIZE_MAX};

    if (!migrate_want_column(after, migration->column, migration->column_type, &filling.index,
                             err)) {
        return false;
    }
    if (!migrate_read_value(migration->column_type, migration->value, false, &filling.value,
                            &filling.is_null, err)) {
        return error_wrap(err, "column \"%s\"", text_name(migration->column).text);
    }
    return run_filling(means, table, after, &filling, err);
}

bool migrate_update_column(const struct rewrite_means *means, const struct migration *migration,
                           const struct table *table, struct error *err)
{
    OWNED(table_free) struct table *after = migrate_begin(migration, table);
    OWNED(filling_clear) struct filling filling = {.from_index = SIZE_MAX};
    enum column_type type = COLUMN_UNSPECIFIED;

    if (!migrate_find_column(table, migration->column, &filling.index, err)) {
        return false;
    }
    type = table->columns[filling.index].type;
    if (!migrate_want_column(after, migration->column, type, &filling.index, err)) {
        return false;
    }
    if (!migrate_read_value(type, migration->value, true, &filling.value, &filling.is_null, err)) {
        return error_wrap(err, "column \"%s\"", text_name(migration->column).text);
    }
    return run_filling(means, table, after, &filling, err);
}

static bool run_filling(const struct rewrite_means *means, const struct table *table,
                        struct table *after, struct filling *filling, struct error *err)
{
    const struct rewrite rewrite = {
        .source = table,
        .replaced = table,
        .target = after,
        .change = fill,
        .context = filling,
    };

    return rewrite_run(means, &rewrite, err);
}

static bool fill(void *context, struct draft *row, struct rewrite_output *output, struct error *err)
{
    const struct filling *filling = context;
    struct draft_cell cell = {filling->value.bytes, filling->value.length, filling->is_null};

    if (filling->from_index != SIZE_MAX) {
        cell = *draft_cell(row, filling->from_index);
    }
    draft_set(row, filling->index, cell);
    return rewrite_emit(output, row, err);
}

static void filling_clear(struct filling *filling)
{
    buffer_clear(&filling->value);
}

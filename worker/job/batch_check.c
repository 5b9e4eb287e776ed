/* Comparing a request's table with the stored one.
 *
 * A stale idea of the table on Fivetran's side would put values into columns of another meaning, so
 * it fails the batch before a file is read. */
#include "worker/job/batch_check.h"

#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "worker/value/key.h"

static bool check_table(const struct table *table, bool history, struct error *err);
static const struct column *find_column(const struct table *table, size_t likely, const char *name);
static bool check_column(const Weir__ColumnEntry *request, const struct column *column,
                         struct error *err);
static bool fail_in_table(const Weir__TableEntry *request, struct error *err);

bool check_batch_table(struct store *store, const Weir__TableEntry *request, bool history,
                       struct table **table_out, uint32_t **ids_out, size_t *ids_count_out,
                       struct error *err)
{
    OWNED(table_free) struct table *table = NULL;
    OWNED(mem_release) uint32_t *ids = mem_zero_array(request->n_columns, sizeof *ids);

    if (!registry_find(store, request->schema_name, request->table_name, &table, err)) {
        return false;
    }
    if (!check_table(table, history, err)) {
        return fail_in_table(request, err);
    }
    for (size_t i = 0; i < request->n_columns; i++) {
        const Weir__ColumnEntry *asked = request->columns[i];
        const struct column *column = find_column(table, i, asked->name);

        if (!check_column(asked, column, err)) {
            return fail_in_table(request, err);
        }
        ids[i] = column->id;
    }
    *table_out = MOVE(table);
    *ids_out = MOVE(ids);
    *ids_count_out = request->n_columns;
    return true;
}

static bool check_table(const struct table *table, bool history, struct error *err)
{
    if (table == NULL) {
        (void)error_set(err, ERROR_REQUEST, "there is no such table");
        return error_hint(err, "Re-sync the table, so that it is created.");
    }
    if (history && !key_is_history(table)) {
        (void)error_set(err, ERROR_REQUEST,
                        "it has no history: \"_fivetran_start\" last in its key, \"_fivetran_end\" "
                        "and \"_fivetran_active\" outside it");
        return error_hint(err, "Re-sync the table in history mode.");
    }
    return true;
}

/* Fivetran mostly sends columns in the order of CreateTable: a table of thousands is then not
 * searched thousands of times. */
static const struct column *find_column(const struct table *table, size_t likely, const char *name)
{
    if (likely < table->columns_count && strcmp(table->columns[likely].name, name) == 0) {
        return &table->columns[likely];
    }
    return table_find_column(table, name, strlen(name));
}

static bool check_column(const Weir__ColumnEntry *request, const struct column *column,
                         struct error *err)
{
    struct text_shown shown = text_name(request->name);
    const char *name = shown.text;

    if (column == NULL) {
        return error_set(err, ERROR_REQUEST, "it has no column \"%s\"", name);
    }
    if (request->type != (uint32_t)column->type) {
        return error_set(err, ERROR_REQUEST, "column \"%s\" is %s, the request says %s", name,
                         column_type_name(column->type),
                         column_type_name((enum column_type)request->type));
    }
    if ((request->key_position > 0) != (column->key_position > 0)) {
        return error_set(err, ERROR_REQUEST,
                         "column \"%s\" is %s the primary key, the request says %s", name,
                         column->key_position > 0 ? "in" : "not in",
                         request->key_position > 0 ? "that it is" : "that it is not");
    }
    return true;
}

static bool fail_in_table(const Weir__TableEntry *request, struct error *err)
{
    return error_wrap(err, "could not write to table \"%s.%s\"",
                      text_name(request->schema_name).text, text_name(request->table_name).text);
}

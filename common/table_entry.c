/* struct table to and from its protobuf message. */
#include "common/table_entry.h"

#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/text.h"

static Weir__ColumnEntry *column_entry_new(const struct column *column);
static bool check(const struct table *table, struct error *err);

Weir__TableEntry *table_entry_new(const struct table *table)
{
    Weir__TableEntry *entry = mem_alloc(sizeof *entry);

    weir__table_entry__init(entry);
    entry->schema_name = mem_text(table->schema_name);
    entry->table_name = mem_text(table->name);
    entry->table_id = table->id;
    entry->generation = table->generation;
    entry->next_column_id = table->next_column_id;
    entry->n_columns = table->columns_count;
    entry->columns = mem_zero_array(table->columns_count, sizeof(Weir__ColumnEntry *));
    for (size_t i = 0; i < table->columns_count; i++) {
        entry->columns[i] = column_entry_new(&table->columns[i]);
    }
    entry->last_operation_id.len = sizeof table->operation_id;
    entry->last_operation_id.data = mem_copy(table->operation_id, sizeof table->operation_id);
    if (table->copy_of != NULL) {
        entry->copy_of_table = mem_text(table->copy_of);
    }
    return entry;
}

bool table_entry_read(const Weir__TableEntry *entry, struct table **table_out, struct error *err)
{
    OWNED(table_free) struct table *table = mem_zero(sizeof *table);

    table->schema_name = mem_text(entry->schema_name);
    table->name = mem_text(entry->table_name);
    table->id = entry->table_id;
    table->generation = entry->generation;
    table->next_column_id = entry->next_column_id;
    if (entry->last_operation_id.len == sizeof table->operation_id) {
        memcpy(table->operation_id, entry->last_operation_id.data, sizeof table->operation_id);
    }
    if (entry->copy_of_table[0] != '\0') {
        table->copy_of = mem_text(entry->copy_of_table);
    }
    for (size_t i = 0; i < entry->n_columns; i++) {
        const Weir__ColumnEntry *from = entry->columns[i];
        struct column *column = table_add_column(table, from->name);

        column->id = from->id;
        column->type = (enum column_type)from->type;
        column->key_position = from->key_position;
        column->has_decimal = from->has_decimal;
        column->precision = from->precision;
        column->scale = from->scale;
        column->string_byte_length = from->string_byte_length;
    }
    if (!check(table, err)) {
        return false;
    }
    *table_out = MOVE(table);
    return true;
}

static Weir__ColumnEntry *column_entry_new(const struct column *column)
{
    Weir__ColumnEntry *entry = mem_alloc(sizeof *entry);

    weir__column_entry__init(entry);
    entry->id = column->id;
    entry->name = mem_text(column->name);
    entry->type = column->type;
    entry->key_position = column->key_position;
    entry->has_decimal = column->has_decimal;
    entry->precision = column->precision;
    entry->scale = column->scale;
    entry->string_byte_length = column->string_byte_length;
    return entry;
}

static bool check(const struct table *table, struct error *err)
{
    if (table->columns_count > LIMIT_COLUMNS) {
        return error_set(err, ERROR_INTERNAL, "table \"%s\" has %zu columns, the limit is %d",
                         text_name(table->name).text, table->columns_count, (int)LIMIT_COLUMNS);
    }
    for (size_t i = 0; i < table->columns_count; i++) {
        const struct column *column = &table->columns[i];

        if (!column_type_is_known(column->type)) {
            return error_set(err, ERROR_INTERNAL, "column \"%s\" has the unknown type %u",
                             text_name(column->name).text, (unsigned)column->type);
        }
        if (column->key_position > table->columns_count) {
            return error_set(err, ERROR_INTERNAL,
                             "column \"%s\" has the impossible key position %u",
                             text_name(column->name).text, column->key_position);
        }
    }
    return true;
}

/* Tables as plain values. */
#include "common/table.h"

#include <string.h>

#include "common/mem.h"
#include "common/require.h"

void table_free(struct table **table)
{
    struct table *freed = *table;

    *table = NULL;
    if (freed == NULL) {
        return;
    }
    for (size_t i = 0; i < freed->columns_count; i++) {
        mem_free(freed->columns[i].name);
    }
    mem_free(freed->columns);
    mem_free(freed->schema_name);
    mem_free(freed->name);
    mem_free(freed->copy_of);
    mem_free(freed);
}

struct table *table_copy(const struct table *table)
{
    struct table *copy = mem_copy(table, sizeof *table);

    copy->schema_name = mem_text(table->schema_name);
    copy->name = mem_text(table->name);
    copy->copy_of = table->copy_of != NULL ? mem_text(table->copy_of) : NULL;
    copy->columns = mem_copy(table->columns, table->columns_count * sizeof *table->columns);
    copy->columns_capacity = copy->columns_count;
    for (size_t i = 0; i < copy->columns_count; i++) {
        copy->columns[i].name = mem_text(table->columns[i].name);
    }
    return copy;
}

struct column *table_add_column(struct table *table, const char *name)
{
    if (table->columns_count == table->columns_capacity) {
        table->columns_capacity = 2 * table->columns_capacity + 1;
        table->columns =
            mem_resize_array(table->columns, table->columns_capacity, sizeof *table->columns);
    }

    struct column *column = &table->columns[table->columns_count++];

    *column = (struct column){.name = mem_text(name)};
    return column;
}

void table_drop_column(struct table *table, size_t index)
{
    mem_free(table->columns[index].name);
    memmove(&table->columns[index], &table->columns[index + 1],
            (table->columns_count - index - 1) * sizeof *table->columns);
    table->columns_count--;
}

struct column *table_find_column(const struct table *table, const void *name, size_t length)
{
    for (size_t i = 0; i < table->columns_count; i++) {
        struct column *column = &table->columns[i];

        if (strlen(column->name) == length && memcmp(column->name, name, length) == 0) {
            return column;
        }
    }
    return NULL;
}

const struct column *table_column_by_id(const struct table *table, uint32_t id)
{
    for (size_t i = 0; i < table->columns_count; i++) {
        if (table->columns[i].id == id) {
            return &table->columns[i];
        }
    }
    return NULL;
}

size_t table_key_count(const struct table *table)
{
    size_t count = 0;

    for (size_t i = 0; i < table->columns_count; i++) {
        if (table->columns[i].key_position > 0) {
            count++;
        }
    }
    return count;
}

const struct column *table_key_column(const struct table *table, uint32_t key_position)
{
    for (size_t i = 0; i < table->columns_count; i++) {
        if (table->columns[i].key_position == key_position) {
            return &table->columns[i];
        }
    }
    require_failed("requirement", "the table has a key column there", __FILE__, __LINE__);
}

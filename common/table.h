/* A table: its names and its columns, as the registry knows it.
 *
 * A plain value that the modules of a worker pass around; common/ipc and worker/store turn it into
 * and from the protobuf message TableEntry (common/table_entry.h). */
#ifndef WEIR_COMMON_TABLE_H
#define WEIR_COMMON_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/column.h"

struct table {
    char *schema_name;
    char *name;
    uint64_t id;         /* folder of its data */
    uint64_t generation; /* file of its data */
    uint32_t next_column_id;
    struct column *columns; /* owned, with their names */
    size_t columns_count;
    size_t columns_capacity;
    uint8_t operation_id[16]; /* the RPC that made this state */
    char *copy_of;            /* name of the table that it is a copy of, or NULL */
};

/* Frees everything in the table and the table, and sets the pointer to NULL. NULL is fine. */
void table_free(struct table **table);

/* A deep copy; the caller releases it with table_free(). */
struct table *table_copy(const struct table *table);

/* Adds a column at the end with a copy of `name` and returns it for the caller to fill in. The
 * pointer lives until the next call. */
struct column *table_add_column(struct table *table, const char *name);

/* Takes out the column at that place. */
void table_drop_column(struct table *table, size_t index);

/* The column of that name (compared byte for byte, `length` bytes), or NULL. */
struct column *table_find_column(const struct table *table, const void *name, size_t length);

/* The column of that id, or NULL. */
const struct column *table_column_by_id(const struct table *table, uint32_t id);

/* How many columns the primary key has. */
size_t table_key_count(const struct table *table);

/* The key column at that position, from 1. The table has one there. */
const struct column *table_key_column(const struct table *table, uint32_t key_position);

#endif

/* What the commands that read a data folder share: their options and how they open it. */
#ifndef WEIR_CLI_READING_H
#define WEIR_CLI_READING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "worker/store/store.h"

struct reading {
    const char *data_dir;
    uint64_t map_size_bytes;
    uint64_t format; /* position in the command's own choices */
};

/* Rows for a command's options; `offset`s are in struct reading. */
#define READING_DATA_DIR                                                                           \
    {                                                                                              \
        .name = "data-dir", .variable = "WEIR_DATA_DIR", .kind = OPTION_TEXT,                      \
        .offset = offsetof(struct reading, data_dir), .fallback = "./weir-data",                   \
        .placeholder = "FOLDER", .help = "the data folder that the server was given"               \
    }
#define READING_MAP_SIZE                                                                           \
    {                                                                                              \
        .name = "map-size", .variable = "WEIR_MAP_SIZE", .kind = OPTION_SIZE,                      \
        .offset = offsetof(struct reading, map_size_bytes), .fallback = "1TiB", .min = 1 << 20,    \
        .max = (uint64_t)64 << 40, .placeholder = "SIZE",                                          \
        .help = "address space for one table, at least as much as the server has"                  \
    }

/* Opens the data folder for reading; the server may run meanwhile. */
MUST_CHECK bool reading_open(const struct reading *reading, struct store **store_out,
                             struct error *err);

/* Says that there is no such table; always false. */
bool reading_no_table(const char *schema_name, const char *table_name, struct error *err);

/* Opens a table for reading; one that does not exist is ERROR_REQUEST. */
MUST_CHECK bool reading_open_table(struct store *store, const char *schema_name,
                                   const char *table_name, struct store_reader **reader_out,
                                   struct error *err);

#endif

/* A format turns the bytes of a source into rows of cells (CSV; Parquet later).
 *
 * format_table.c lists the formats by the protocol's number. */
#ifndef WEIR_WORKER_DECODE_FORMAT_H
#define WEIR_WORKER_DECODE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "worker/decode/source.h"

/* One decoded cell: quotes taken off, "" made ". */
struct cell {
    const char *text; /* not NUL-terminated; valid until the next call for a row */
    size_t length;
    bool quoted;
};

enum next {
    NEXT_ROW,
    NEXT_END,
    NEXT_FAILED,
};

struct format_terms {
    uint64_t cell_bytes_max; /* a longer cell is ERROR_LIMIT */
};

struct reader;

struct format {
    uint32_t number; /* fivetran_sdk.v2.BatchFileFormat */
    const char *name;

    /* Opens a reader and reads the header. The reader takes the source over, also on failure.
     * *header_out are the column names, valid as long as the reader. */
    bool (*open)(struct source **source, const struct format_terms *terms,
                 struct reader **reader_out, const struct cell **header_out, size_t *columns_out,
                 struct error *err);

    /* The next row: exactly as many cells as the header has, valid until the next call. */
    enum next (*next_row)(struct reader *reader, const struct cell **cells_out, struct error *err);

    /* The line on which the row last returned began, from 1 (the header); for messages. */
    uint64_t (*line)(const struct reader *reader);

    /* Bytes of the source that were read so far. */
    uint64_t (*bytes)(const struct reader *reader);

    void (*close)(struct reader **reader);
};

/* The format of that protocol number, NULL if it is not built. */
const struct format *format_find(uint32_t number);

#endif

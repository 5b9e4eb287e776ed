/* Rows as bytes: the values of a row by stable column id, and changes to a row in the same form.
 *
 *   row   = sequence (8 bytes, little endian: the batch that wrote it) cells
 *   cells = { varint(column id - last column id) varint(length + 1, or 0 for NULL) bytes }
 *
 * Cells are in ascending order of column id. In a row a missing cell is NULL, and NULL is never
 * written; in a change a missing cell is unmodified. */
#ifndef WEIR_WORKER_VALUE_ROW_H
#define WEIR_WORKER_VALUE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/buffer.h"
#include "common/require.h"

enum {
    ROW_SEQUENCE_BYTES = 8,
    ROW_VARINT_MORE = 0x80, /* the bit of a varint's byte that is not the last one */
};

struct row_cell {
    uint32_t column_id;
    bool is_null;
    const uint8_t *stored; /* inside the row */
    size_t length;
};

/* Walks over the cells of untrusted bytes. */
struct row_cursor {
    const uint8_t *at;
    const uint8_t *end;
    uint32_t column_id;
};

enum row_next {
    ROW_CELL,
    ROW_END,
    ROW_BROKEN, /* the bytes are no cells */
};

/* Starts at the first of `length` bytes of cells (behind a row's sequence). */
void row_cursor_init(struct row_cursor *cursor, const uint8_t *cells, size_t length);

/* The next cell. */
enum row_next row_cursor_next(struct row_cursor *cursor, struct row_cell *cell_out);

/* Appends one cell to `out`; `*last_id` is the id of the cell before (0 at first) and is updated.
 * Ids must ascend. `stored` NULL and `is_null`: NULL. */
void row_append_cell(struct buffer *out, uint32_t *last_id, const struct row_cell *cell);

/* The same where the value is made in place: opens a cell at the end of `out` and returns where its
 * bytes have to be appended. row_close_cell() then takes all bytes from `start` on as the value,
 * and returns where they stand now: the length of a long one needs more room in front. */
static inline size_t row_open_cell(struct buffer *out, uint32_t *last_id, uint32_t column_id);
static inline size_t row_close_cell(struct buffer *out, size_t start);

/* Appends to `out` the cells of `base` changed by those of `change`: a cell of the change wins,
 * NULL removes. Neither has a sequence in front. False: one of them is broken. */
MUST_CHECK bool row_merge(const uint8_t *base, size_t base_length, const uint8_t *change,
                          size_t change_length, struct buffer *out);

/* Finds a column's cell. False: not there (NULL or unmodified) or broken. */
bool row_find(const uint8_t *cells, size_t length, uint32_t column_id, struct row_cell *cell_out);

/* The rare part of row_open_cell(): the id takes more than one byte. */
size_t row_open_far_cell(struct buffer *out, uint32_t delta);

/* The rare part of row_close_cell(): the length takes more than the byte that was left for it. */
size_t row_close_long_cell(struct buffer *out, size_t start);

/* Below: what is done for every cell of every row, and so inline. */

static inline size_t row_open_cell(struct buffer *out, uint32_t *last_id, uint32_t column_id)
{
    uint32_t delta = column_id - *last_id;

    REQUIRE(column_id > *last_id);
    *last_id = column_id;
    if (delta >= ROW_VARINT_MORE) {
        return row_open_far_cell(out, delta);
    }
    *buffer_reserve(out, 2) = (uint8_t)delta;
    out->length += 2; /* most lengths take one byte */
    return out->length;
}

static inline size_t row_close_cell(struct buffer *out, size_t start)
{
    size_t length = out->length - start;

    if (length + 1 >= ROW_VARINT_MORE) {
        return row_close_long_cell(out, start);
    }
    out->bytes[start - 1] = (uint8_t)(length + 1);
    return start;
}

#endif

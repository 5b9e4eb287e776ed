/* See row.h. Written by decode (changes) and apply (rows), read by apply and the readers. */
#include "worker/value/row.h"

#include <string.h>

#include "common/require.h"

enum {
    VARINT_BYTES_MAX = 10,
    VARINT_MORE = ROW_VARINT_MORE,
};

static enum row_next append_cells_before(struct row_cursor *cursor, struct row_cell *cell,
                                         enum row_next next, uint32_t column_id, struct buffer *out,
                                         uint32_t *last_id);
static bool is_row(const uint8_t *cells, size_t length);
static bool read_number(struct row_cursor *cursor, uint64_t *number_out);
static bool read_varint(struct row_cursor *cursor, uint64_t *number_out);
static uint8_t *write_varint(uint8_t *at, uint64_t number);

void row_cursor_init(struct row_cursor *cursor, const uint8_t *cells, size_t length)
{
    cursor->at = cells;
    cursor->end = length > 0 ? cells + length : cells; /* no cells may have no address */
    cursor->column_id = 0;
}

enum row_next row_cursor_next(struct row_cursor *cursor, struct row_cell *cell_out)
{
    uint64_t delta = 0;
    uint64_t size = 0;

    if (cursor->at == cursor->end) {
        return ROW_END;
    }
    if (!read_number(cursor, &delta) || delta == 0 || delta > UINT32_MAX - cursor->column_id ||
        !read_number(cursor, &size)) {
        return ROW_BROKEN;
    }
    cursor->column_id += (uint32_t)delta;
    *cell_out = (struct row_cell){.column_id = cursor->column_id, .is_null = size == 0};
    if (size > 0) {
        if (size - 1 > (uint64_t)(cursor->end - cursor->at)) {
            return ROW_BROKEN;
        }
        cell_out->stored = cursor->at;
        cell_out->length = (size_t)(size - 1);
        cursor->at += cell_out->length;
    }
    return ROW_CELL;
}

void row_append_cell(struct buffer *out, uint32_t *last_id, const struct row_cell *cell)
{
    uint8_t *start = NULL;
    uint8_t *at = NULL;

    REQUIRE(cell->column_id > *last_id);
    start = buffer_reserve(out, 2 * VARINT_BYTES_MAX + cell->length);
    at = write_varint(start, cell->column_id - *last_id);
    at = write_varint(at, cell->is_null ? 0 : (uint64_t)cell->length + 1);
    if (!cell->is_null && cell->length > 0) {
        memcpy(at, cell->stored, cell->length);
        at += cell->length;
    }
    out->length += (size_t)(at - start);
    *last_id = cell->column_id;
}

size_t row_open_far_cell(struct buffer *out, uint32_t delta)
{
    uint8_t *start = buffer_reserve(out, VARINT_BYTES_MAX + 1);

    out->length += (size_t)(write_varint(start, delta) - start) + 1;
    return out->length;
}

size_t row_close_long_cell(struct buffer *out, size_t start)
{
    size_t length = out->length - start;
    uint8_t size[VARINT_BYTES_MAX];
    size_t moved = (size_t)(write_varint(size, (uint64_t)length + 1) - size) - 1;

    (void)buffer_reserve(out, moved);
    memmove(out->bytes + start + moved, out->bytes + start, length);
    memcpy(out->bytes + start - 1, size, moved + 1);
    out->length += moved;
    return start + moved;
}

bool row_merge(const uint8_t *base, size_t base_length, const uint8_t *change, size_t change_length,
               struct buffer *out)
{
    struct row_cursor old_cursor;
    struct row_cursor new_cursor;
    struct row_cell old_cell = {0};
    struct row_cell new_cell = {0};
    enum row_next old_next = ROW_END;
    enum row_next new_next = ROW_END;
    uint32_t last_id = 0;

    if (base_length == 0 && is_row(change, change_length)) {
        buffer_append(out, change, change_length);
        return true;
    }
    row_cursor_init(&old_cursor, base, base_length);
    row_cursor_init(&new_cursor, change, change_length);
    old_next = row_cursor_next(&old_cursor, &old_cell);
    while ((new_next = row_cursor_next(&new_cursor, &new_cell)) == ROW_CELL) {
        old_next = append_cells_before(&old_cursor, &old_cell, old_next, new_cell.column_id, out,
                                       &last_id);
        if (!new_cell.is_null) {
            row_append_cell(out, &last_id, &new_cell);
        }
        if (old_next == ROW_CELL && old_cell.column_id == new_cell.column_id) {
            old_next = row_cursor_next(&old_cursor, &old_cell);
        }
    }
    old_next = append_cells_before(&old_cursor, &old_cell, old_next, UINT32_MAX, out, &last_id);
    return old_next == ROW_END && new_next == ROW_END;
}

bool row_find(const uint8_t *cells, size_t length, uint32_t column_id, struct row_cell *cell_out)
{
    struct row_cursor cursor;

    row_cursor_init(&cursor, cells, length);
    while (row_cursor_next(&cursor, cell_out) == ROW_CELL) {
        if (cell_out->column_id >= column_id) {
            return cell_out->column_id == column_id;
        }
    }
    return false;
}

/* Appends the cell that the cursor has read and those behind it, up to a column. Behind the first,
 * whose bytes depend on the cell before it, they are taken over as they stand: no row has a NULL.
 */
static enum row_next append_cells_before(struct row_cursor *cursor, struct row_cell *cell,
                                         enum row_next next, uint32_t column_id, struct buffer *out,
                                         uint32_t *last_id)
{
    const uint8_t *from = cursor->at;
    const uint8_t *end = cursor->at;

    if (next != ROW_CELL || cell->column_id >= column_id) {
        return next;
    }
    row_append_cell(out, last_id, cell);
    while ((next = row_cursor_next(cursor, cell)) == ROW_CELL && cell->column_id < column_id) {
        *last_id = cell->column_id;
        end = cursor->at;
    }
    buffer_append(out, from, (size_t)(end - from));
    return next;
}

/* Whether the cells of a change are those of a row as they stand: none is NULL. */
static bool is_row(const uint8_t *cells, size_t length)
{
    struct row_cursor cursor;
    struct row_cell cell = {0};
    enum row_next next = ROW_END;

    row_cursor_init(&cursor, cells, length);
    do {
        next = row_cursor_next(&cursor, &cell);
    } while (next == ROW_CELL && !cell.is_null);
    return next == ROW_END;
}

/* Most take one byte. */
static inline bool read_number(struct row_cursor *cursor, uint64_t *number_out)
{
    if (cursor->at < cursor->end && *cursor->at < VARINT_MORE) {
        *number_out = *cursor->at++;
        return true;
    }
    return read_varint(cursor, number_out);
}

static bool read_varint(struct row_cursor *cursor, uint64_t *number_out)
{
    uint64_t number = 0;

    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;

        if (shift == 63 && byte > 1) {
            return false;
        }
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < VARINT_MORE) {
            *number_out = number;
            return true;
        }
    }
    return false;
}

static uint8_t *write_varint(uint8_t *at, uint64_t number)
{
    while (number >= VARINT_MORE) {
        *at++ = (uint8_t)(number | VARINT_MORE);
        number >>= 7;
    }
    *at++ = (uint8_t)number;
    return at;
}

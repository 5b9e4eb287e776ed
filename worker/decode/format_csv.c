/* CSV: comma, quotes, "" for a quote inside quotes; LF or CRLF; the first line is the header.
 *
 * The step between source and binding. Bytes stand in a window that holds at least the row being
 * read; scan finds where cells end, and a row is put together from those positions. Quotes are
 * taken off in place. */
#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/text.h"
#include "worker/decode/format_table.h"
#include "worker/decode/scan.h"

enum {
    /* What is read at once doubles: most batches are small, and need no large window. */
    READ_BYTES_MIN = 8 * 1024,
    READ_BYTES_MAX = 128 * 1024,
    CSV_NUMBER = 0 /* fivetran_sdk.v2.BatchFileFormat */
};

struct reader {
    struct source *source;
    uint64_t cell_bytes_max;
    scan_function scan;

    uint8_t *window;
    size_t capacity;
    size_t read_bytes;         /* at once, next time */
    size_t row_start;          /* of the row being read */
    size_t length;             /* of the bytes in the window, all of them scanned */
    bool at_end;               /* the source has ended */
    struct scan_state scanned; /* at the end of the window */

    uint32_t *ends; /* positions of cell ends in the window */
    size_t ends_capacity;
    size_t ends_at; /* of the row being read */
    size_t ends_count;

    struct cell *cells;
    size_t cells_capacity;
    size_t columns_count; /* 0 while the header is read */
    struct cell *header;
    char *header_text;

    uint64_t bytes;     /* read from the source */
    uint64_t line;      /* where the row last returned began */
    uint64_t next_line; /* where the next one begins */
};

static const char stray_quote[] = "a quote inside a cell that does not begin with one";

static bool read_header(struct reader *reader, struct error *err);
static bool skip_byte_order_mark(struct reader *reader, struct error *err);
static void keep_header(struct reader *reader, size_t count);
static bool find_row(struct reader *reader, size_t *cells_out, bool *end_out, struct error *err);
static bool finish_last_row(struct reader *reader, size_t *cells_out, bool *end_out,
                            struct error *err);
static bool take_row(struct reader *reader, size_t count, struct error *err);
static bool take_cell(struct reader *reader, size_t index, size_t start, size_t end,
                      struct error *err);
static bool take_quotes_off(struct reader *reader, size_t index, uint8_t *bytes, size_t length,
                            struct error *err);
static bool read_more(struct reader *reader, struct error *err);
static bool check_growth(const struct reader *reader, struct error *err);
static void move_row_to_front(struct reader *reader);
static void add_end(struct reader *reader, size_t position);
static bool fail_wide_header(struct error *err);
static bool fail_at(const struct reader *reader, uint64_t line, size_t index, struct error *err,
                    const char *problem);
static bool fail_long_cell(const struct reader *reader, uint64_t line, size_t index,
                           struct error *err);
static bool wrap_with_place(const struct reader *reader, uint64_t line, size_t index,
                            struct error *err);

static void csv_close(struct reader **reader)
{
    if (*reader != NULL) {
        source_close(&(*reader)->source);
        mem_free((*reader)->window);
        mem_free((*reader)->ends);
        mem_free((*reader)->cells);
        mem_free((*reader)->header);
        mem_free((*reader)->header_text);
        mem_free(*reader);
        *reader = NULL;
    }
}

static bool csv_open(struct source **source, const struct format_terms *terms,
                     struct reader **reader_out, const struct cell **header_out,
                     size_t *columns_out, struct error *err)
{
    OWNED(csv_close) struct reader *reader = mem_zero(sizeof *reader);

    reader->source = MOVE(*source);
    reader->cell_bytes_max = terms->cell_bytes_max;
    reader->scan = scan_best();
    reader->scanned = SCAN_BEGIN;
    reader->read_bytes = READ_BYTES_MIN;
    reader->next_line = 1;
    if (!read_header(reader, err)) {
        return false;
    }
    *header_out = reader->header;
    *columns_out = reader->columns_count;
    *reader_out = MOVE(reader);
    return true;
}

static enum next csv_next_row(struct reader *reader, const struct cell **cells_out,
                              struct error *err)
{
    size_t count = 0;
    bool end = false;

    if (!find_row(reader, &count, &end, err)) {
        return NEXT_FAILED;
    }
    if (end) {
        return NEXT_END;
    }
    if (count != reader->columns_count) {
        (void)error_set(err, ERROR_DATA,
                        "line %llu has another number of cells (%zu) than the header (%zu)",
                        (unsigned long long)reader->next_line, count, reader->columns_count);
        return NEXT_FAILED;
    }
    if (!take_row(reader, count, err)) {
        return NEXT_FAILED;
    }
    *cells_out = reader->cells;
    return NEXT_ROW;
}

static uint64_t csv_line(const struct reader *reader)
{
    return reader->line;
}

static uint64_t csv_bytes(const struct reader *reader)
{
    return reader->bytes;
}

const struct format format_csv = {
    .number = CSV_NUMBER,
    .name = "CSV",
    .open = csv_open,
    .next_row = csv_next_row,
    .line = csv_line,
    .bytes = csv_bytes,
    .close = csv_close,
};

static bool read_header(struct reader *reader, struct error *err)
{
    size_t count = 0;
    bool end = false;

    if (!skip_byte_order_mark(reader, err) || !find_row(reader, &count, &end, err)) {
        return false;
    }
    if (end) {
        return error_set(err, ERROR_DATA, "it is empty: a header line with column names is due");
    }
    if (count > LIMIT_COLUMNS) {
        return fail_wide_header(err);
    }
    if (!take_row(reader, count, err)) {
        return false;
    }
    keep_header(reader, count);
    return true;
}

/* Before anything looks at the first cell: the source may give the mark in pieces. */
static bool skip_byte_order_mark(struct reader *reader, struct error *err)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};

    while (reader->length < sizeof mark && !reader->at_end) {
        if (!read_more(reader, err)) {
            return false;
        }
    }
    if (reader->length >= sizeof mark && memcmp(reader->window, mark, sizeof mark) == 0) {
        reader->row_start = sizeof mark;
    }
    return true;
}

/* The window moves on; names are needed as long as the reader. */
static void keep_header(struct reader *reader, size_t count)
{
    size_t size = 0;
    char *at = NULL;

    for (size_t i = 0; i < count; i++) {
        size += reader->cells[i].length;
    }
    reader->header_text = mem_alloc(size + 1);
    reader->header = mem_zero_array(count, sizeof *reader->header);
    at = reader->header_text;
    for (size_t i = 0; i < count; i++) {
        reader->header[i] = reader->cells[i];
        memcpy(at, reader->cells[i].text, reader->cells[i].length);
        reader->header[i].text = at;
        at += reader->cells[i].length;
    }
    reader->columns_count = count;
}

/* Reads until the window holds a whole row. *cells_out: how many cell ends it has. */
static bool find_row(struct reader *reader, size_t *cells_out, bool *end_out, struct error *err)
{
    size_t checked = reader->ends_at;

    for (;;) {
        for (; checked < reader->ends_count; checked++) {
            if (reader->window[reader->ends[checked]] == '\n') {
                *cells_out = checked - reader->ends_at + 1;
                return true;
            }
        }
        if (reader->at_end) {
            return finish_last_row(reader, cells_out, end_out, err);
        }
        checked -= reader->ends_at;
        if (!read_more(reader, err)) {
            return false;
        }
        checked += reader->ends_at;
    }
}

/* The last line may lack its end. */
static bool finish_last_row(struct reader *reader, size_t *cells_out, bool *end_out,
                            struct error *err)
{
    if (reader->row_start == reader->length) {
        *end_out = true;
        return true;
    }
    if (reader->scanned.in_quotes) {
        return check_growth(reader, err) &&
               error_set(err, ERROR_DATA, "line %llu has a quote that is never closed",
                         (unsigned long long)reader->next_line);
    }
    add_end(reader, reader->length);
    *cells_out = reader->ends_count - reader->ends_at;
    return true;
}

/* Makes cells of the next `count` ends and moves behind them. */
static bool take_row(struct reader *reader, size_t count, struct error *err)
{
    size_t start = reader->row_start;

    if (count > reader->cells_capacity) {
        reader->cells_capacity = count;
        reader->cells = mem_resize_array(reader->cells, count, sizeof *reader->cells);
    }
    reader->line = reader->next_line;
    reader->next_line++;
    for (size_t i = 0; i < count; i++) {
        size_t end = reader->ends[reader->ends_at + i];
        bool last = i + 1 == count;
        size_t text_end =
            last && end > start && end < reader->length && reader->window[end - 1] == '\r' ? end - 1
                                                                                           : end;

        if (!take_cell(reader, i, start, text_end, err)) {
            return false;
        }
        start = end + 1;
    }
    reader->row_start = start > reader->length ? reader->length : start;
    reader->ends_at += count;
    return true;
}

static bool take_cell(struct reader *reader, size_t index, size_t start, size_t end,
                      struct error *err)
{
    uint8_t *bytes = reader->window + start;
    size_t length = end - start;

    reader->cells[index] = (struct cell){.text = (const char *)bytes, .length = length};
    if (length > 0 && bytes[0] == '"') {
        if (!take_quotes_off(reader, index, bytes, length, err)) {
            return false;
        }
    } else if (reader->scanned.stray_quote && memchr(bytes, '"', length) != NULL) {
        return fail_at(reader, reader->line, index, err, stray_quote);
    }
    return reader->cells[index].length <= reader->cell_bytes_max ||
           fail_long_cell(reader, reader->line, index, err);
}

static bool take_quotes_off(struct reader *reader, size_t index, uint8_t *bytes, size_t length,
                            struct error *err)
{
    uint8_t *start = bytes + 1;
    uint8_t *end = bytes + length - 1;

    end = length >= 2 && *end == '"' ? scan_single_quotes(start, end) : NULL;
    if (end == NULL) {
        return fail_at(reader, reader->line, index, err, "text behind the closing quote");
    }
    if (reader->scanned.quoted_lines) {
        for (const uint8_t *at = start; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
            reader->next_line++;
        }
    }
    reader->cells[index] = (struct cell){
        .text = (const char *)start,
        .length = (size_t)(end - start),
        .quoted = true,
    };
    return true;
}

/* Reads on behind what is left of the row, and scans it. */
static bool read_more(struct reader *reader, struct error *err)
{
    size_t size = reader->read_bytes;
    size_t length = 0;
    size_t count = 0;

    if (!check_growth(reader, err)) {
        return false;
    }
    move_row_to_front(reader);
    if (reader->capacity - reader->length < size) {
        size_t wanted = reader->capacity + reader->capacity / 2;

        reader->capacity = wanted > reader->length + size ? wanted : reader->length + size;
        reader->window = mem_resize_array(reader->window, reader->capacity + SCAN_SLACK, 1);
    }
    if (reader->ends_capacity < reader->ends_count + size + 1) {
        reader->ends_capacity = reader->ends_count + size + 1;
        reader->ends = mem_resize_array(reader->ends, reader->ends_capacity, sizeof *reader->ends);
    }
    if (!source_read(reader->source, reader->window + reader->length, size, &length, err)) {
        return false;
    }
    reader->read_bytes = 2 * size < READ_BYTES_MAX ? 2 * size : READ_BYTES_MAX;
    reader->at_end = length == 0;
    reader->bytes += length;
    count = reader->scan(reader->window + reader->length, length, (uint32_t)reader->length,
                         &reader->scanned, reader->ends + reader->ends_count);
    reader->ends_count += count;
    reader->length += length;
    return true;
}

/* The row being read is not whole yet: whether it may grow on. */
static bool check_growth(const struct reader *reader, struct error *err)
{
    size_t cells = reader->ends_count - reader->ends_at;
    bool in_header = reader->columns_count == 0;
    size_t cells_max = in_header ? LIMIT_COLUMNS : reader->columns_count;
    size_t cell_start =
        cells > 0 ? reader->ends[reader->ends_count - 1] + (size_t)1 : reader->row_start;

    if (cells >= cells_max) {
        return in_header ? fail_wide_header(err)
                         : error_set(err, ERROR_DATA,
                                     "line %llu has more cells than the header has columns",
                                     (unsigned long long)reader->next_line);
    }
    if (reader->scanned.in_quotes && reader->window[cell_start] != '"') {
        return fail_at(reader, reader->next_line, cells, err, stray_quote);
    }
    /* Quotes inside quotes take two bytes, and those around the cell two more. */
    if ((reader->length - cell_start) / 2 > reader->cell_bytes_max + 1) {
        return fail_long_cell(reader, reader->next_line, cells, err);
    }
    if (reader->length - reader->row_start > LIMIT_ROW_BYTES) {
        return error_set(err, ERROR_LIMIT, "line %llu is longer than %llu bytes",
                         (unsigned long long)reader->next_line,
                         (unsigned long long)LIMIT_ROW_BYTES);
    }
    return true;
}

static void move_row_to_front(struct reader *reader)
{
    size_t left = reader->length - reader->row_start;

    if (reader->row_start > 0 && left > 0) {
        memmove(reader->window, reader->window + reader->row_start, left);
    }
    for (size_t i = reader->ends_at; i < reader->ends_count; i++) {
        reader->ends[i - reader->ends_at] = reader->ends[i] - (uint32_t)reader->row_start;
    }
    reader->ends_count -= reader->ends_at;
    reader->ends_at = 0;
    reader->length = left;
    reader->row_start = 0;
}

static void add_end(struct reader *reader, size_t position)
{
    if (reader->ends_count == reader->ends_capacity) {
        reader->ends_capacity++;
        reader->ends = mem_resize_array(reader->ends, reader->ends_capacity, sizeof *reader->ends);
    }
    reader->ends[reader->ends_count++] = (uint32_t)position;
}

static bool fail_wide_header(struct error *err)
{
    return error_set(err, ERROR_LIMIT, "its header has more than %d columns", LIMIT_COLUMNS);
}

static bool fail_at(const struct reader *reader, uint64_t line, size_t index, struct error *err,
                    const char *problem)
{
    (void)error_set(err, ERROR_DATA, "%s", problem);
    return wrap_with_place(reader, line, index, err);
}

static bool fail_long_cell(const struct reader *reader, uint64_t line, size_t index,
                           struct error *err)
{
    (void)error_set(err, ERROR_LIMIT, "the cell is longer than %llu bytes",
                    (unsigned long long)reader->cell_bytes_max);
    (void)error_hint(err, "Start weir with a larger --cell-max.");
    return wrap_with_place(reader, line, index, err);
}

static bool wrap_with_place(const struct reader *reader, uint64_t line, size_t index,
                            struct error *err)
{
    const struct cell *name = index < reader->columns_count ? &reader->header[index] : NULL;

    if (name == NULL) {
        return error_wrap(err, "line %llu, cell %zu", (unsigned long long)line, index + 1);
    }
    return error_wrap(err, "line %llu, column \"%s\"", (unsigned long long)line,
                      text_name_bytes(name->text, name->length).text);
}

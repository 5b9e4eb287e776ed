/* See output.h. */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/require.h"

enum {
    FLUSH_BYTES = 256 * 1024,
    PIPE_BYTES = 1024 * 1024, /* what everyone may ask for */
    COLUMN_GAP = 2,
};

struct output_table {
    size_t columns;
    char **cells;
    size_t cells_count;
    size_t *widths; /* in characters */
};

static void cut_blanks(struct buffer *out);

void output_widen_pipe(void)
{
    (void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES); /* no pipe: nothing to widen */
}

bool output_flush_some(struct output *output, struct error *err)
{
    return output->text.length < FLUSH_BYTES || output_flush(output, err);
}

bool output_flush(struct output *output, struct error *err)
{
    size_t at = 0;

    while (at < output->text.length) {
        ssize_t written = write(STDOUT_FILENO, output->text.bytes + at, output->text.length - at);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return error_set_errno(err, ERROR_FULL, "could not write to standard output");
        }
        at += (size_t)written;
    }
    buffer_reset(&output->text);
    return true;
}

void output_append_csv(struct buffer *out, const void *text, size_t length)
{
    const char *bytes = text;
    bool plain = length > 0;

    for (size_t i = 0; i < length && plain; i++) {
        plain = bytes[i] != ',' && bytes[i] != '"' && bytes[i] != '\n' && bytes[i] != '\r';
    }
    if (plain) {
        buffer_append(out, text, length);
        return;
    }
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '"') {
            buffer_append_byte(out, '"');
        }
        buffer_append_byte(out, (uint8_t)bytes[i]);
    }
    buffer_append_byte(out, '"');
}

/* Counts the bytes that begin a character of UTF-8. */
size_t output_width(const char *text, size_t length)
{
    size_t width = 0;

    for (size_t i = 0; i < length; i++) {
        width += ((unsigned char)text[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return width;
}

void output_append_cell(struct buffer *out, const char *text, size_t length, size_t width)
{
    for (size_t i = 0; i < length; i++) {
        bool control = (unsigned char)text[i] < ' ' || text[i] == 0x7f;

        buffer_append_byte(out, control ? '?' : (uint8_t)text[i]);
    }
    if (width != OUTPUT_LAST) {
        for (size_t at = output_width(text, length); at < width + COLUMN_GAP; at++) {
            buffer_append_byte(out, ' ');
        }
    }
}

struct output_table *output_table_new(size_t columns)
{
    struct output_table *table = mem_zero(sizeof *table);

    table->columns = columns;
    table->widths = mem_zero_array(columns, sizeof *table->widths);
    return table;
}

void output_table_add(struct output_table *table, const char *text)
{
    size_t column = table->cells_count % table->columns;
    size_t width = output_width(text, strlen(text));

    table->cells = mem_resize_array(table->cells, table->cells_count + 1, sizeof *table->cells);
    table->cells[table->cells_count++] = mem_text(text);
    table->widths[column] = width > table->widths[column] ? width : table->widths[column];
}

void output_table_print(const struct output_table *table, struct buffer *out)
{
    REQUIRE(table->cells_count % table->columns == 0);
    for (size_t i = 0; i < table->cells_count; i++) {
        size_t column = i % table->columns;
        bool last = column + 1 == table->columns;

        output_append_cell(out, table->cells[i], strlen(table->cells[i]),
                           last ? OUTPUT_LAST : table->widths[column]);
        if (last) {
            cut_blanks(out);
            buffer_append_byte(out, '\n');
        }
    }
}

void output_table_free(struct output_table **table)
{
    if (*table != NULL) {
        for (size_t i = 0; i < (*table)->cells_count; i++) {
            mem_free((*table)->cells[i]);
        }
        mem_free((*table)->cells);
        mem_free((*table)->widths);
        mem_free(*table);
        *table = NULL;
    }
}

/* Empty cells at the end of a line leave blanks behind. */
static void cut_blanks(struct buffer *out)
{
    while (out->length > 0 && out->bytes[out->length - 1] == ' ') {
        out->length--;
    }
}

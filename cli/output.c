/* See output.h. */
#include "cli/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/require.h"

enum {
    FLUSH_BYTES = 256 * 1024,
    COLUMN_GAP = 2,
};

struct output_table {
    size_t columns;
    char **cells;
    size_t cells_count;
    size_t *widths; /* in characters */
};

static size_t characters(const char *text);

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
    char *cell = mem_text(text);
    size_t width = 0;

    for (char *at = cell; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            *at = '?';
        }
    }
    width = characters(cell);
    table->cells = mem_resize_array(table->cells, table->cells_count + 1, sizeof *table->cells);
    table->cells[table->cells_count++] = cell;
    table->widths[column] = width > table->widths[column] ? width : table->widths[column];
}

void output_table_print(const struct output_table *table, struct buffer *out)
{
    REQUIRE(table->cells_count % table->columns == 0);
    for (size_t i = 0; i < table->cells_count; i++) {
        size_t column = i % table->columns;
        const char *cell = table->cells[i];

        buffer_append(out, cell, strlen(cell));
        if (column + 1 == table->columns) {
            while (out->length > 0 && out->bytes[out->length - 1] == ' ') {
                out->length--;
            }
            buffer_append_byte(out, '\n');
            continue;
        }
        for (size_t pad = characters(cell); pad < table->widths[column] + COLUMN_GAP; pad++) {
            buffer_append_byte(out, ' ');
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

/* Bytes that begin a character of UTF-8. */
static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    }
    return count;
}

/* Standard output of the commands: buffered, and checked to its end. */
#ifndef WEIR_CLI_OUTPUT_H
#define WEIR_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/buffer.h"
#include "common/error.h"

struct output {
    struct buffer text; /* append here, then output_flush_some() */
};

/* For a command that writes much: has a pipe hold what is written at once, so that its reader works
 * meanwhile. */
void output_widen_pipe(void);

/* Writes out what has gathered, if it is much. */
MUST_CHECK bool output_flush_some(struct output *output, struct error *err);

/* Writes out everything. */
MUST_CHECK bool output_flush(struct output *output, struct error *err);

/* Appends a cell of CSV: in quotes where it is empty or holds a comma, a quote or a line break. */
void output_append_csv(struct buffer *out, const void *text, size_t length);

/* The width of UTF-8 text in characters. */
size_t output_width(const char *text, size_t length);

/* Width of the last cell of a line: nothing is put behind it. */
#define OUTPUT_LAST SIZE_MAX

/* Appends a cell, control characters as "?", and blanks up to `width` and the gap between two
 * columns. */
void output_append_cell(struct buffer *out, const char *text, size_t length, size_t width);

/* Text in columns for people: all rows are kept until they are printed. */
struct output_table;

struct output_table *output_table_new(size_t columns);

/* Adds one cell, row by row. */
void output_table_add(struct output_table *table, const char *text);

/* Appends the rows, cells aligned to the left, two blanks between them. */
void output_table_print(const struct output_table *table, struct buffer *out);

void output_table_free(struct output_table **table);

#endif

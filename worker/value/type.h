/* What each column type can do: read a cell, make a sortable key, print.
 *
 * Each type is one `struct type`, in the type_*.c file of its family; type_table.c lists them by
 * number. A value at rest is a run of bytes whose form only its type knows ("stored bytes").
 * Rules: what is accepted and how it is printed is in the README of this folder. */
#ifndef WEIR_WORKER_VALUE_TYPE_H
#define WEIR_WORKER_VALUE_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/buffer.h"
#include "common/column.h"
#include "common/error.h"

/* What came of reading a cell. Problems are constant sentences such as "is not a whole number": no
 * value is ever quoted. */
enum parse_result {
    PARSE_OK,
    PARSE_OK_NOT_BASE64, /* BINARY only: stored as its own bytes; worth one warning a column */
    PARSE_FAILED,
};

struct type {
    enum column_type type;

    /* Whether the empty text is a value (STRING, JSON, XML, BINARY) or an error. */
    bool accepts_empty;

    /* Reads a cell's text and appends its stored bytes to `out`. On PARSE_FAILED nothing was
     * appended and *problem_out says what is wrong ("is not a whole number"). Text types check
     * UTF-8. */
    enum parse_result (*parse)(const char *text, size_t length, struct buffer *out,
                               const char **problem_out);

    /* Appends the order-preserving form of stored bytes to `out`: comparing bytes compares values,
     * equal values (12Z and 12.000Z, 3.3 and 3.30, -0 and 0) give equal bytes, and no value's form
     * is the beginning of another's. False: the value cannot be in a key (NaN). */
    bool (*append_key)(const uint8_t *stored, size_t length, struct buffer *out);

    /* Appends the value as plain text, as `weir dump --format csv` shows it before quoting. */
    void (*append_text)(const uint8_t *stored, size_t length, struct buffer *out);

    /* Appends the value as JSON, as `weir dump --format jsonl` shows it. */
    void (*append_json)(const uint8_t *stored, size_t length, struct buffer *out);

    /* Whether `length` bytes as read from disk are a value of this type (defends the printers). */
    bool (*is_valid)(const uint8_t *stored, size_t length);
};

/* The type of that number, which must be known (column_type_is_known). */
const struct type *type_of(enum column_type type);

#endif

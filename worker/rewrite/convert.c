/* See convert.h. Used by the rewrites that change a column's type. */
#include "worker/rewrite/convert.h"

#include <stdlib.h>
#include <string.h>

#include <math.h>

#include "worker/value/type.h"

/* Digits of the longest DOUBLE, written in full. */
enum {
    DOUBLE_DIGITS_MAX = 767
};

/* Beyond it no DOUBLE fits a LONG; what lies between is for the parser to tell. */
#define WHOLE_BEYOND 1e19

static bool is_text(enum column_type type);
static bool is_whole(enum column_type type);
static bool is_float(enum column_type type);
static void rewrite_text(enum column_type from, enum column_type to, struct buffer *text);
static void cut_zero_fraction(struct buffer *text);
static void exact_float(enum column_type from, struct buffer *text);
static void exact_whole(enum column_type from, struct buffer *text);
static bool read_number(enum column_type from, const struct buffer *text, double *value_out);
static void cut_midnight(struct buffer *text);
static bool ends_with(const struct buffer *text, const char *end);

bool convert_value(enum column_type from, enum column_type to, const uint8_t *stored, size_t length,
                   struct buffer *scratch, struct buffer *out)
{
    const char *problem = NULL;

    if (convert_is_free(from, to)) {
        buffer_append(out, stored, length);
        return true;
    }
    /* Any text is a cell of a BINARY column, and its base64 may look like a number: only texts are
     * bytes, and bytes texts. */
    if ((to == COLUMN_BINARY && !is_text(from)) || (from == COLUMN_BINARY && !is_text(to))) {
        return false;
    }
    buffer_reset(scratch);
    type_of(from)->append_text(stored, length, scratch);
    rewrite_text(from, to, scratch);
    return type_of(to)->parse((const char *)scratch->bytes, scratch->length, out, &problem) !=
           PARSE_FAILED;
}

bool convert_is_free(enum column_type from, enum column_type to)
{
    return from == to || (is_text(from) && is_text(to));
}

/* Makes the text of one type such as the other reads it. */
static void rewrite_text(enum column_type from, enum column_type to, struct buffer *text)
{
    if (is_float(from) && is_float(to)) {
        exact_float(from, text);
    } else if (is_float(from) && is_whole(to)) {
        exact_whole(from, text);
    } else if (from == COLUMN_DECIMAL && is_whole(to)) {
        cut_zero_fraction(text);
    } else if (from == COLUMN_NAIVE_DATE &&
               (to == COLUMN_NAIVE_DATETIME || to == COLUMN_UTC_DATETIME)) {
        buffer_append(text, "T00:00:00", 9);
    } else if (from == COLUMN_UTC_DATETIME && to == COLUMN_NAIVE_DATETIME) {
        text->length -= ends_with(text, "Z") ? 1 : 0;
    } else if ((from == COLUMN_NAIVE_DATETIME || from == COLUMN_UTC_DATETIME) &&
               to == COLUMN_NAIVE_DATE) {
        cut_midnight(text);
    }
}

static bool is_text(enum column_type type)
{
    return type == COLUMN_STRING || type == COLUMN_JSON || type == COLUMN_XML;
}

static bool is_whole(enum column_type type)
{
    return type == COLUMN_SHORT || type == COLUMN_INT || type == COLUMN_LONG;
}

static bool is_float(enum column_type type)
{
    return type == COLUMN_FLOAT || type == COLUMN_DOUBLE;
}

/* "12.00" becomes "12"; "12.50" stays and is no whole number. */
static void cut_zero_fraction(struct buffer *text)
{
    const uint8_t *point = memchr(text->bytes, '.', text->length);
    size_t kept = 0;

    if (point == NULL) {
        return;
    }
    kept = (size_t)(point - text->bytes);
    for (size_t i = kept + 1; i < text->length; i++) {
        if (text->bytes[i] != '0') {
            return;
        }
    }
    text->length = kept;
}

/* The shortest text reads back as the same number of its own type only. As a DOUBLE it would be
 * another number; as a FLOAT it may be rounded to the wrong side. */
static void exact_float(enum column_type from, struct buffer *text)
{
    double value = 0;

    if (read_number(from, text, &value) && isfinite(value)) {
        buffer_reset(text);
        buffer_append_format(text, "%.*g", DOUBLE_DIGITS_MAX, value);
    }
}

/* The shortest text ends in zeros where a large number has other digits. What is no whole number,
 * or beyond any, stays as it is, for the parser to refuse. */
static void exact_whole(enum column_type from, struct buffer *text)
{
    double value = 0;

    if (read_number(from, text, &value) && fabs(value) < WHOLE_BEYOND && value == trunc(value)) {
        buffer_reset(text);
        buffer_append_format(text, "%.0f", value);
    }
}

/* The number that was printed. False: the text is longer than any number's. */
static bool read_number(enum column_type from, const struct buffer *text, double *value_out)
{
    char number[64];

    if (text->length >= sizeof number) {
        return false;
    }
    memcpy(number, text->bytes, text->length);
    number[text->length] = '\0';
    *value_out = from == COLUMN_FLOAT ? (double)strtof(number, NULL) : strtod(number, NULL);
    return true;
}

/* A moment at midnight fits a date; any other text is left for the date's parser to refuse. */
static void cut_midnight(struct buffer *text)
{
    if (ends_with(text, "Z")) {
        text->length -= 1;
    }
    if (ends_with(text, "T00:00:00")) {
        text->length -= strlen("T00:00:00");
    }
}

static bool ends_with(const struct buffer *text, const char *end)
{
    size_t length = strlen(end);

    return text->length >= length && memcmp(text->bytes + text->length - length, end, length) == 0;
}

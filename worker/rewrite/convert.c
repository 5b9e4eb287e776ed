/* See convert.h. Used by the rewrites that change a column's type. */
#include "worker/rewrite/convert.h"

#include <stdlib.h>
#include <string.h>

#include <math.h>

#include "worker/value/type.h"

static bool is_text(enum column_type type);
static bool is_whole(enum column_type type);
static bool is_float(enum column_type type);
static void rewrite_text(enum column_type from, enum column_type to, struct buffer *text);
static void cut_zero_fraction(struct buffer *text);
static bool plain_number(struct buffer *text);
static void exact_float(struct buffer *text);
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
    if (from == COLUMN_FLOAT && to == COLUMN_DOUBLE) {
        exact_float(text);
    } else if ((is_float(from) || from == COLUMN_DECIMAL) && is_whole(to)) {
        if (plain_number(text)) {
            cut_zero_fraction(text);
        }
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

/* "1e3" becomes "1000": DECIMAL prints numbers without an exponent. False, and unchanged: the
 * number is beyond 38 digits, and so beyond any whole type. */
static bool plain_number(struct buffer *text)
{
    OWNED(buffer_clear) struct buffer decimal = {0};
    const struct type *type = type_of(COLUMN_DECIMAL);
    const char *problem = NULL;

    if (type->parse((const char *)text->bytes, text->length, &decimal, &problem) != PARSE_OK) {
        return false;
    }
    buffer_reset(text);
    type->append_text(decimal.bytes, decimal.length, text);
    return true;
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

/* A FLOAT prints as the shortest text that reads back the same FLOAT; as a DOUBLE that text would
 * be another number. 17 digits tell every DOUBLE exactly. */
static void exact_float(struct buffer *text)
{
    char number[64];
    float value = 0;

    if (text->length >= sizeof number) {
        return;
    }
    memcpy(number, text->bytes, text->length);
    number[text->length] = '\0';
    value = strtof(number, NULL);
    if (isfinite(value)) {
        buffer_reset(text);
        buffer_append_format(text, "%.17g", (double)value);
    }
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

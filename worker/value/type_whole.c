/* SHORT, INT and LONG: two's complement, little endian, of 2, 4 and 8 bytes. */
#include <stdint.h>

#include "worker/value/number.h"
#include "worker/value/type_table.h"

enum {
    SHORT_BYTES = 2,
    INT_BYTES = 4,
    LONG_BYTES = 8,
};

static enum parse_result parse_whole(const char *text, size_t length, unsigned bytes,
                                     struct buffer *out, const char **problem_out);
static int64_t read_whole(const uint8_t *stored, size_t length);

static enum parse_result parse_short(const char *text, size_t length, struct buffer *out,
                                     const char **problem_out)
{
    return parse_whole(text, length, SHORT_BYTES, out, problem_out);
}

static enum parse_result parse_int(const char *text, size_t length, struct buffer *out,
                                   const char **problem_out)
{
    return parse_whole(text, length, INT_BYTES, out, problem_out);
}

static enum parse_result parse_long(const char *text, size_t length, struct buffer *out,
                                    const char **problem_out)
{
    return parse_whole(text, length, LONG_BYTES, out, problem_out);
}

/* Eight bytes for all three: a key column can be widened without new keys. */
static bool append_key(const uint8_t *stored, size_t length, struct buffer *out)
{
    number_write_be(buffer_reserve(out, LONG_BYTES), number_sortable(read_whole(stored, length)),
                    LONG_BYTES);
    out->length += LONG_BYTES;
    return true;
}

static void append_text(const uint8_t *stored, size_t length, struct buffer *out)
{
    int64_t number = read_whole(stored, length);

    if (number < 0) {
        buffer_append_byte(out, '-');
    }
    buffer_append_number(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 1);
}

static bool is_valid_short(const uint8_t *stored, size_t length)
{
    (void)stored;
    return length == SHORT_BYTES;
}

static bool is_valid_int(const uint8_t *stored, size_t length)
{
    (void)stored;
    return length == INT_BYTES;
}

static bool is_valid_long(const uint8_t *stored, size_t length)
{
    (void)stored;
    return length == LONG_BYTES;
}

const struct type type_short = {
    .type = COLUMN_SHORT,
    .parse = parse_short,
    .append_key = append_key,
    .append_text = append_text,
    .append_json = append_text,
    .is_valid = is_valid_short,
};

const struct type type_int = {
    .type = COLUMN_INT,
    .parse = parse_int,
    .append_key = append_key,
    .append_text = append_text,
    .append_json = append_text,
    .is_valid = is_valid_int,
};

const struct type type_long = {
    .type = COLUMN_LONG,
    .parse = parse_long,
    .append_key = append_key,
    .append_text = append_text,
    .append_json = append_text,
    .is_valid = is_valid_long,
};

static enum parse_result parse_whole(const char *text, size_t length, unsigned bytes,
                                     struct buffer *out, const char **problem_out)
{
    bool negative = length > 0 && text[0] == '-';
    size_t at = length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    uint64_t limit = (UINT64_C(1) << (8 * bytes - 1)) - (negative ? 0 : 1);
    uint64_t number = 0;

    if (at == length) {
        *problem_out = "is not a whole number";
        return PARSE_FAILED;
    }
    for (; at < length; at++) {
        uint64_t digit = (uint64_t)(unsigned char)text[at] - '0';

        if (digit > 9) {
            *problem_out = "is not a whole number";
            return PARSE_FAILED;
        }
        /* What would pass 2^64 is far over the limit: the rest is only checked for being digits. */
        number = number > limit / 10 ? UINT64_MAX : number * 10 + digit;
    }
    if (number > limit) {
        *problem_out = bytes == SHORT_BYTES ? "is not between -32768 and 32767"
                       : bytes == INT_BYTES
                           ? "is not between -2147483648 and 2147483647"
                           : "is not between -9223372036854775808 and 9223372036854775807";
        return PARSE_FAILED;
    }
    number_write_le(buffer_reserve(out, bytes), negative ? 0 - number : number, bytes);
    out->length += bytes;
    return PARSE_OK;
}

static int64_t read_whole(const uint8_t *stored, size_t length)
{
    unsigned bytes = (unsigned)length;
    unsigned shift = 64 - 8 * bytes;

    /* Moving the sign bit to the top and back extends the sign. */
    return (int64_t)(number_read_le(stored, bytes) << shift) >> shift;
}

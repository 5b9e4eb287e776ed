/* DECIMAL: exact, up to 38 digits, with the scale that it came with.
 *
 * Stored: one byte scale (bit 7: negative), then the digits as a whole number, big endian, without
 * leading zero bytes; zero has none. */
#include <string.h>

#include "common/limits.h"
#include "worker/value/type_table.h"

__extension__ typedef unsigned __int128 uint128;

enum {
    SIGN_BIT = 0x80,
    MAGNITUDE_BYTES_MAX = 16,
    SHORT_MAX = 18,         /* digits, whatever they are, in 64 bits */
    EXPONENT_MAX = 1000000, /* far beyond any valid one, far from overflow */

    /* Sortable form: a class, then for non-zero numbers the power of ten and the digits in pairs,
     * each plus one so that the end mark sorts first; all complemented for negative numbers. */
    KEY_NEGATIVE = 1,
    KEY_ZERO = 2,
    KEY_POSITIVE = 3,
    KEY_POWER_BIAS = 64,
};

/* Its square is the least number of LIMIT_DECIMAL_DIGITS + 1 digits. */
#define TEN_TO_19 UINT64_C(10000000000000000000)

/* A number as read: negative? digits (without trailing zeros of the text) * 10^(zeros - scale). */
struct number {
    bool negative;
    uint128 digits;
    int digits_count;
    int64_t zeros; /* that stood behind the digits */
    int64_t scale; /* may be negative */
};

static bool read_short(const char *text, size_t length, struct number *number);
static bool read_long(const char *text, size_t length, struct number *number,
                      const char **problem_out);
static bool read_mantissa(const char *text, size_t length, size_t *at, struct number *number,
                          const char **problem_out);
static bool read_exponent(const char *text, size_t length, size_t at, int64_t *exponent_out);
static bool fit(struct number *number, const char **problem_out);
static uint128 multiply_ten(uint128 number, int64_t times);
static void append_stored(const struct number *number, struct buffer *out);
static uint128 read_magnitude(const uint8_t *stored, size_t length);
static int print_digits(uint128 number, char *digits);

static enum parse_result parse(const char *text, size_t length, struct buffer *out,
                               const char **problem_out)
{
    struct number number = {0};

    if (!read_short(text, length, &number) && !read_long(text, length, &number, problem_out)) {
        return PARSE_FAILED;
    }
    append_stored(&number, out);
    return PARSE_OK;
}

static bool append_key(const uint8_t *stored, size_t length, struct buffer *out)
{
    char digits[LIMIT_DECIMAL_DIGITS + 2];
    int count = print_digits(read_magnitude(stored, length), digits);
    int scale = stored[0] & ~SIGN_BIT;
    int power = count - scale; /* the number is 0.digits * 10^power */
    uint8_t flip = (stored[0] & SIGN_BIT) != 0 ? 0xff : 0;

    if (count == 0) {
        buffer_append_byte(out, KEY_ZERO);
        return true;
    }
    while (digits[count - 1] == '0') {
        count--;
    }
    digits[count] = '0';
    buffer_append_byte(out, flip != 0 ? KEY_NEGATIVE : KEY_POSITIVE);
    buffer_append_byte(out, (uint8_t)(power + KEY_POWER_BIAS) ^ flip);
    for (int i = 0; i < count; i += 2) {
        int pair = (digits[i] - '0') * 10 + (digits[i + 1] - '0');

        buffer_append_byte(out, (uint8_t)(pair + 1) ^ flip);
    }
    buffer_append_byte(out, flip);
    return true;
}

static void append_text(const uint8_t *stored, size_t length, struct buffer *out)
{
    char digits[LIMIT_DECIMAL_DIGITS + 2];
    int count = print_digits(read_magnitude(stored, length), digits);
    int scale = stored[0] & ~SIGN_BIT;
    int whole = count - scale;

    if ((stored[0] & SIGN_BIT) != 0) {
        buffer_append_byte(out, '-');
    }
    if (whole > 0) {
        buffer_append(out, digits, (size_t)whole);
    } else {
        buffer_append_byte(out, '0');
    }
    if (scale > 0) {
        buffer_append_byte(out, '.');
        for (int i = whole; i < 0; i++) {
            buffer_append_byte(out, '0');
        }
        buffer_append(out, digits + (whole > 0 ? whole : 0), (size_t)(whole > 0 ? scale : count));
    }
}

/* A string: JSON readers would round a number. */
static void append_json(const uint8_t *stored, size_t length, struct buffer *out)
{
    buffer_append_byte(out, '"');
    append_text(stored, length, out);
    buffer_append_byte(out, '"');
}

static bool is_valid(const uint8_t *stored, size_t length)
{
    return length >= 1 && length <= 1 + MAGNITUDE_BYTES_MAX &&
           (stored[0] & ~SIGN_BIT) <= LIMIT_DECIMAL_SCALE &&
           read_magnitude(stored, length) < (uint128)TEN_TO_19 * TEN_TO_19;
}

const struct type type_decimal = {
    .type = COLUMN_DECIMAL,
    .parse = parse,
    .append_key = append_key,
    .append_text = append_text,
    .append_json = append_json,
    .is_valid = is_valid,
};

/* Most have few digits and no exponent: they fit as they are. False, with nothing read: it is
 * another one, or none. */
static bool read_short(const char *text, size_t length, struct number *number)
{
    size_t start = length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    size_t behind_point = length; /* where the digits behind the point begin */
    uint64_t digits = 0;

    if (length - start > SHORT_MAX) {
        return false;
    }
    for (size_t i = start; i < length; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';

        if (digit <= 9) {
            digits = digits * 10 + digit;
        } else if (text[i] == '.' && behind_point == length && length - start > 1) {
            behind_point = i + 1;
        } else {
            return false;
        }
    }
    *number = (struct number){
        .negative = digits != 0 && text[0] == '-',
        .digits = digits,
        .scale = (int64_t)(length - behind_point),
    };
    return length > start;
}

static bool read_long(const char *text, size_t length, struct number *number,
                      const char **problem_out)
{
    size_t at = 0;
    int64_t exponent = 0;

    *number = (struct number){0};
    if (!read_mantissa(text, length, &at, number, problem_out)) {
        return false;
    }
    if (!read_exponent(text, length, at, &exponent)) {
        *problem_out = "is not a decimal number";
        return false;
    }
    number->scale -= exponent;
    return fit(number, problem_out);
}

/* Zeros are held back until a digit follows: those at the end may be surplus. */
static bool read_mantissa(const char *text, size_t length, size_t *at, struct number *number,
                          const char **problem_out)
{
    bool behind_point = false;
    bool any_digit = false;
    size_t i = length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;

    number->negative = length > 0 && text[0] == '-';
    for (; i < length && text[i] != 'e' && text[i] != 'E'; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';

        if (text[i] == '.' && !behind_point) {
            behind_point = true;
            continue;
        }
        if (digit > 9) {
            any_digit = false;
            break;
        }
        any_digit = true;
        number->scale += behind_point ? 1 : 0;
        if (digit == 0) {
            number->zeros += number->digits_count > 0 ? 1 : 0;
            continue;
        }
        if (number->zeros >= LIMIT_DECIMAL_DIGITS - number->digits_count) {
            *problem_out = "has more than 38 digits";
            return false;
        }
        number->digits = multiply_ten(number->digits, number->zeros + 1) + digit;
        number->digits_count += (int)number->zeros + 1;
        number->zeros = 0;
    }
    *at = i;
    if (!any_digit) {
        *problem_out = "is not a decimal number";
    }
    return any_digit;
}

static bool read_exponent(const char *text, size_t length, size_t at, int64_t *exponent_out)
{
    bool negative = false;
    int64_t exponent = 0;

    if (at == length) {
        return true;
    }
    at++;
    if (at < length && (text[at] == '-' || text[at] == '+')) {
        negative = text[at] == '-';
        at++;
    }
    if (at == length) {
        return false;
    }
    for (; at < length; at++) {
        unsigned digit = (unsigned)(unsigned char)text[at] - '0';

        if (digit > 9) {
            return false;
        }
        exponent = exponent > EXPONENT_MAX ? exponent : exponent * 10 + digit;
    }
    *exponent_out = negative ? -exponent : exponent;
    return true;
}

/* Brings the number to 38 digits and a scale of 0 to 37 by giving up surplus zeros only. */
static bool fit(struct number *number, const char **problem_out)
{
    int64_t kept = number->zeros;
    int64_t room = LIMIT_DECIMAL_DIGITS - number->digits_count;
    int64_t scale = number->scale;

    if (number->digits_count == 0) {
        number->negative = false;
        number->scale = scale < 0 ? 0 : scale > LIMIT_DECIMAL_SCALE ? LIMIT_DECIMAL_SCALE : scale;
        return true;
    }
    if (kept > room) {
        scale -= kept - room;
        kept = room;
    }
    if (scale > LIMIT_DECIMAL_SCALE) {
        int64_t surplus = scale - LIMIT_DECIMAL_SCALE;

        if (surplus > kept) {
            *problem_out = "has more than 37 digits behind the point";
            return false;
        }
        kept -= surplus;
        scale = LIMIT_DECIMAL_SCALE;
    }
    if (scale < 0) {
        if (-scale > room - kept) {
            *problem_out = "has more than 38 digits";
            return false;
        }
        kept += -scale;
        scale = 0;
    }
    number->digits = multiply_ten(number->digits, kept);
    number->scale = scale;
    return true;
}

static uint128 multiply_ten(uint128 number, int64_t times)
{
    for (; times > 0; times--) {
        number *= 10;
    }
    return number;
}

static void append_stored(const struct number *number, struct buffer *out)
{
    uint8_t bytes[1 + MAGNITUDE_BYTES_MAX];
    size_t start = sizeof bytes;

    for (uint128 rest = number->digits; rest != 0; rest >>= 8) {
        bytes[--start] = (uint8_t)rest;
    }
    bytes[--start] = (uint8_t)(number->scale | (number->negative ? SIGN_BIT : 0));
    buffer_append(out, bytes + start, sizeof bytes - start);
}

static uint128 read_magnitude(const uint8_t *stored, size_t length)
{
    uint128 number = 0;

    for (size_t i = 1; i < length; i++) {
        number = number << 8 | stored[i];
    }
    return number;
}

/* Writes the digits without leading zeros and returns how many; none for zero. */
static int print_digits(uint128 number, char *digits)
{
    char reversed[LIMIT_DECIMAL_DIGITS + 2];
    int count = 0;

    for (; number > UINT64_MAX; number /= 10) {
        reversed[count++] = (char)('0' + (int)(number % 10));
    }
    /* Dividing 64 bits takes a fraction of dividing 128. */
    for (uint64_t rest = (uint64_t)number; rest != 0; rest /= 10) {
        reversed[count++] = (char)('0' + (int)(rest % 10));
    }
    for (int i = 0; i < count; i++) {
        digits[i] = reversed[count - 1 - i];
    }
    return count;
}

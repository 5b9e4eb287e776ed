/* FLOAT and DOUBLE: IEEE 754, little endian, of 4 and 8 bytes. Every NaN is stored as one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <float.h>
#include <math.h>
#include <strings.h>

#include "common/mem.h"
#include "worker/value/number.h"
#include "worker/value/type_table.h"

enum {
    FLOAT_BYTES = 4,
    DOUBLE_BYTES = 8,

    /* Longer numbers are rare and are copied to the heap for strtod. */
    SHORT_TEXT_MAX = 63,

    /* A mantissa of that many digits and a power of ten up to 10^22 are exact doubles, and one
     * operation on two exact doubles rounds once: no strtod is needed. */
    EXACT_DIGITS_MAX = 15,
    EXACT_POWER_MAX = 22,
};

/* What occurs for "the largest FLOAT" is printed with 8 digits and lies just above it. */
static const double float_rounded_max = 3.4028237e38;

/* What is printed without an exponent, and has at most EXACT_DIGITS_MAX digits. */
static const double SHORT_FROM = 1e-4;
static const double SHORT_BELOW = 1e15;

enum {
    SHORT_PLACES_MAX = 18
};

static const double powers_of_ten[EXACT_POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* A number taken apart. `digits` counts those of the mantissa, leading zeros left out. */
struct parts {
    bool negative;
    uint64_t mantissa; /* right only while digits <= EXACT_DIGITS_MAX */
    int64_t digits;
    int64_t power;
};

static bool parse_special(const char *text, size_t length, double *number_out);
static bool take_apart(const char *text, size_t length, struct parts *parts_out);
static double read_exactly(const char *text, size_t length, bool as_float);
static bool rounds_twice(double number);
static bool parse_number(const char *text, size_t length, double *number_out,
                         const char **problem_out);
static float read_float(const uint8_t *stored);
static double read_double(const uint8_t *stored);
static bool append_sortable(double number, struct buffer *out);
static bool append_special(double number, bool as_json, struct buffer *out);
static bool append_short(double number, struct buffer *out);
static void append_shortest(double number, bool is_float, struct buffer *out);

static enum parse_result parse_double(const char *text, size_t length, struct buffer *out,
                                      const char **problem_out)
{
    double number = 0;
    uint64_t bits = 0;

    if (!parse_number(text, length, &number, problem_out)) {
        return PARSE_FAILED;
    }
    memcpy(&bits, &number, sizeof bits);
    number_write_le(buffer_reserve(out, DOUBLE_BYTES), bits, DOUBLE_BYTES);
    out->length += DOUBLE_BYTES;
    return PARSE_OK;
}

static enum parse_result parse_float(const char *text, size_t length, struct buffer *out,
                                     const char **problem_out)
{
    double number = 0;
    float rounded = 0;
    uint32_t bits = 0;

    if (!parse_number(text, length, &number, problem_out)) {
        return PARSE_FAILED;
    }
    if (isfinite(number) && fabs(number) > (double)FLT_MAX) {
        if (fabs(number) > float_rounded_max) {
            *problem_out = "is beyond the largest FLOAT";
            return PARSE_FAILED;
        }
        number = copysign((double)FLT_MAX, number);
    }
    rounded = rounds_twice(number) ? (float)read_exactly(text, length, true) : (float)number;
    memcpy(&bits, &rounded, sizeof bits);
    number_write_le(buffer_reserve(out, FLOAT_BYTES), bits, FLOAT_BYTES);
    out->length += FLOAT_BYTES;
    return PARSE_OK;
}

static bool append_key_float(const uint8_t *stored, size_t length, struct buffer *out)
{
    (void)length;
    return append_sortable((double)read_float(stored), out);
}

static bool append_key_double(const uint8_t *stored, size_t length, struct buffer *out)
{
    (void)length;
    return append_sortable(read_double(stored), out);
}

static void append_text_float(const uint8_t *stored, size_t length, struct buffer *out)
{
    double number = (double)read_float(stored);

    (void)length;
    if (!append_special(number, false, out)) {
        append_shortest(number, true, out);
    }
}

static void append_text_double(const uint8_t *stored, size_t length, struct buffer *out)
{
    double number = read_double(stored);

    (void)length;
    if (!append_special(number, false, out)) {
        append_shortest(number, false, out);
    }
}

static void append_json_float(const uint8_t *stored, size_t length, struct buffer *out)
{
    double number = (double)read_float(stored);

    (void)length;
    if (!append_special(number, true, out)) {
        append_shortest(number, true, out);
    }
}

static void append_json_double(const uint8_t *stored, size_t length, struct buffer *out)
{
    double number = read_double(stored);

    (void)length;
    if (!append_special(number, true, out)) {
        append_shortest(number, false, out);
    }
}

static bool is_valid_float(const uint8_t *stored, size_t length)
{
    (void)stored;
    return length == FLOAT_BYTES;
}

static bool is_valid_double(const uint8_t *stored, size_t length)
{
    (void)stored;
    return length == DOUBLE_BYTES;
}

const struct type type_float = {
    .type = COLUMN_FLOAT,
    .parse = parse_float,
    .append_key = append_key_float,
    .append_text = append_text_float,
    .append_json = append_json_float,
    .is_valid = is_valid_float,
};

const struct type type_double = {
    .type = COLUMN_DOUBLE,
    .parse = parse_double,
    .append_key = append_key_double,
    .append_text = append_text_double,
    .append_json = append_json_double,
    .is_valid = is_valid_double,
};

static bool parse_number(const char *text, size_t length, double *number_out,
                         const char **problem_out)
{
    struct parts parts = {0};

    if (!take_apart(text, length, &parts)) {
        if (parse_special(text, length, number_out)) {
            return true;
        }
        *problem_out = "is not a number";
        return false;
    }
    if (parts.digits <= EXACT_DIGITS_MAX && parts.power >= -EXACT_POWER_MAX &&
        parts.power <= EXACT_POWER_MAX) {
        double mantissa = (double)parts.mantissa;
        double number = parts.power < 0 ? mantissa / powers_of_ten[-parts.power]
                                        : mantissa * powers_of_ten[parts.power];

        *number_out = parts.negative ? -number : number;
        return true;
    }
    *number_out = read_exactly(text, length, false);
    if (isinf(*number_out)) {
        *problem_out = "is beyond the largest DOUBLE";
        return false;
    }
    return true;
}

static bool parse_special(const char *text, size_t length, double *number_out)
{
    bool negative = length > 0 && text[0] == '-';
    size_t sign = length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    const char *word = text + sign;
    size_t word_length = length - sign;

    if (sign == 0 && word_length == 3 && strncasecmp(word, "nan", 3) == 0) {
        *number_out = (double)NAN;
        return true;
    }
    if ((word_length == 3 && strncasecmp(word, "inf", 3) == 0) ||
        (word_length == 8 && strncasecmp(word, "infinity", 8) == 0)) {
        *number_out = negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    return false;
}

/* Accepts [sign] digits [. digits] [e [sign] digits] and nothing else that strtod would, such as
 * blanks and hexadecimal numbers. */
static bool take_apart(const char *text, size_t length, struct parts *parts_out)
{
    size_t at = length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    bool any_digit = false;
    bool behind_point = false;
    bool power_negative = false;
    int64_t exponent = 0;

    parts_out->negative = length > 0 && text[0] == '-';
    for (; at < length && text[at] != 'e' && text[at] != 'E'; at++) {
        unsigned digit = (unsigned)(unsigned char)text[at] - '0';

        if (text[at] == '.' && !behind_point) {
            behind_point = true;
            continue;
        }
        if (digit > 9) {
            return false;
        }
        any_digit = true;
        parts_out->power -= behind_point ? 1 : 0;
        parts_out->digits += parts_out->digits > 0 || digit > 0 ? 1 : 0;
        if (parts_out->digits <= EXACT_DIGITS_MAX) {
            parts_out->mantissa = parts_out->mantissa * 10 + digit;
        }
    }
    if (!any_digit || at == length) {
        return any_digit;
    }

    at++;
    if (at < length && (text[at] == '-' || text[at] == '+')) {
        power_negative = text[at] == '-';
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
        exponent = exponent > INT32_MAX ? exponent : exponent * 10 + digit;
    }
    parts_out->power += power_negative ? -exponent : exponent;
    return true;
}

/* strtod, or strtof, on a text that has no end mark. The process never sets a locale, so the point
 * is ".". */
static double read_exactly(const char *text, size_t length, bool as_float)
{
    char copy[SHORT_TEXT_MAX + 1];
    OWNED(mem_release) char *long_copy = length > SHORT_TEXT_MAX ? mem_alloc(length + 1) : NULL;
    char *used = long_copy != NULL ? long_copy : copy;

    memcpy(used, text, length);
    used[length] = '\0';
    return as_float ? (double)strtof(used, NULL) : strtod(used, NULL);
}

/* Rounding to double and then to float can differ from rounding once in the last bit, when the text
 * lies next to the middle of two floats. Subnormal floats have such middles everywhere. */
static bool rounds_twice(double number)
{
    uint64_t bits = 0;

    memcpy(&bits, &number, sizeof bits);
    return fabs(number) < (double)FLT_MAX &&
           ((bits & 0x1fffffff) == 0x10000000 || fabs(number) < (double)FLT_MIN);
}

static float read_float(const uint8_t *stored)
{
    uint32_t bits = (uint32_t)number_read_le(stored, FLOAT_BYTES);
    float number = 0;

    memcpy(&number, &bits, sizeof number);
    return number;
}

static double read_double(const uint8_t *stored)
{
    uint64_t bits = number_read_le(stored, DOUBLE_BYTES);
    double number = 0;

    memcpy(&number, &bits, sizeof number);
    return number;
}

/* IEEE numbers sort as integers once negative ones are complemented; adding 0 makes -0 into 0.
 * FLOAT uses the form of DOUBLE, which holds all its values. */
static bool append_sortable(double number, struct buffer *out)
{
    double positive_zero = number + 0.0;
    uint64_t bits = 0;

    if (isnan(number)) {
        return false;
    }
    memcpy(&bits, &positive_zero, sizeof bits);
    bits = bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
    number_write_be(buffer_reserve(out, DOUBLE_BYTES), bits, DOUBLE_BYTES);
    out->length += DOUBLE_BYTES;
    return true;
}

/* NaN and the infinities, which JSON knows as strings only. */
static bool append_special(double number, bool as_json, struct buffer *out)
{
    const char *word = isnan(number)   ? "NaN"
                       : isinf(number) ? (number > 0 ? "Infinity" : "-Infinity")
                                       : NULL;

    if (word == NULL) {
        return false;
    }
    buffer_append_format(out, as_json ? "\"%s\"" : "%s", word);
    return true;
}

/* Most numbers in tables have few digits: m / 10^k with both exact, whose quotient is rounded once,
 * as reading the text would be. Up to 15 digits no two texts read as the same double, so the one
 * that reads as this number is the shortest. False: the number has more. */
static bool append_short(double number, struct buffer *out)
{
    double size = fabs(number);

    if (!(size >= SHORT_FROM && size < SHORT_BELOW)) {
        return false;
    }
    for (unsigned places = 0; places <= SHORT_PLACES_MAX; places++) {
        double scaled = nearbyint(size * powers_of_ten[places]);

        if (scaled >= SHORT_BELOW) {
            return false;
        }
        if (scaled / powers_of_ten[places] == size) {
            uint64_t digits = (uint64_t)scaled;
            uint64_t power = (uint64_t)powers_of_ten[places];

            if (number < 0) {
                buffer_append_byte(out, '-');
            }
            buffer_append_number(out, digits / power, 1);
            if (places > 0) {
                buffer_append_byte(out, '.');
                buffer_append_number(out, digits % power, places);
            }
            return true;
        }
    }
    return false;
}

/* The shortest digits that read back the same. A number of the normal range that has a short form
 * shows it at DBL_DIG (FLT_DIG) digits already, as %g leaves trailing zeros out; a subnormal has
 * fewer good digits, so those are tried from one on. */
static void append_shortest(double number, bool is_float, struct buffer *out)
{
    char text[40];
    bool subnormal = fabs(number) < (is_float ? (double)FLT_MIN : DBL_MIN);
    int digits = subnormal ? 1 : is_float ? FLT_DIG : DBL_DIG;
    int digits_max = is_float ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    int length = 0;

    if (!is_float && append_short(number, out)) {
        return;
    }
    for (; digits <= digits_max; digits++) {
        bool same = false;

        length = snprintf(text, sizeof text, "%.*g", digits, number);
        same = is_float ? strtof(text, NULL) == (float)number : strtod(text, NULL) == number;
        if (same) {
            break;
        }
    }
    buffer_append(out, text, (size_t)length);
}

/* Random values of every type beside the C library: what is accepted, how it is printed, and that
 * keys sort as the values do. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <math.h>

#include "tests/support/test.h"
#include "worker/value/key.h"
#include "worker/value/type.h"

enum {
    ROUNDS = 20000,
    TEXT_MAX = 96,
    WHOLE_DIGITS = 19, /* of a random DECIMAL, before and behind the point */
    FRACTION_DIGITS = 18,
};

static const int64_t first_second = INT64_C(-62167219200); /* 0000-01-01T00:00:00Z */
static const int64_t last_second = INT64_C(253402300799);  /* 9999-12-31T23:59:59Z */

static uint64_t seed;

static uint64_t random_number(uint64_t end)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % end;
}

static void append_digits(char *text, size_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text[(*at)++] = (char)('0' + random_number(10));
    }
}

static bool parse(enum column_type type, const char *text, struct buffer *stored)
{
    const char *problem = NULL;
    bool accepted = type_of(type)->parse(text, strlen(text), stored, &problem) != PARSE_FAILED;

    if (accepted && !type_of(type)->is_valid(stored->bytes, stored->length)) {
        fail_msg("%s stores \"%s\" as damaged bytes", column_type_name(type), text);
    }
    return accepted;
}

static void print(enum column_type type, const char *text, char printed[TEXT_MAX])
{
    OWNED(buffer_clear) struct buffer stored = {0};
    OWNED(buffer_clear) struct buffer out = {0};

    if (!parse(type, text, &stored)) {
        fail_msg("%s refuses \"%s\"", column_type_name(type), text);
    }
    type_of(type)->append_text(stored.bytes, stored.length, &out);
    assert_true(out.length < TEXT_MAX);
    memcpy(printed, out.bytes, out.length);
    printed[out.length] = '\0';
}

static void append_key_of(enum column_type type, const char *text, struct buffer *key)
{
    OWNED(buffer_clear) struct buffer stored = {0};

    assert_true(parse(type, text, &stored));
    assert_true(type_of(type)->append_key(stored.bytes, stored.length, key));
}

/* Fails unless the keys compare as `order` says (its sign), and none begins another. */
static void assert_keys_in_order(enum column_type type, const char *a, const char *b, int order)
{
    OWNED(buffer_clear) struct buffer first = {0};
    OWNED(buffer_clear) struct buffer second = {0};
    size_t common = 0;
    int found = 0;

    append_key_of(type, a, &first);
    append_key_of(type, b, &second);
    common = first.length < second.length ? first.length : second.length;
    found = memcmp(first.bytes, second.bytes, common);
    if ((found > 0) != (order > 0) || (found < 0) != (order < 0) ||
        (order == 0 && first.length != second.length)) {
        fail_msg("the keys of %s \"%s\" and \"%s\" do not sort as the values do",
                 column_type_name(type), a, b);
    }
}

/* Mostly around the ends of the three types and of 64 bits, where a mistake would wrap. */
static void make_whole(char text[TEXT_MAX])
{
    static const char *const edges[] = {
        "3276", "6553", "214748364", "429496729", "922337203685477580", "1844674407370955161"};
    size_t at = 0;

    if (random_number(2) == 0) {
        text[at++] = '-';
    }
    if (random_number(2) == 0) {
        append_digits(text, &at, 1 + random_number(23));
    } else {
        const char *edge = edges[random_number(sizeof edges / sizeof edges[0])];

        memcpy(text + at, edge, strlen(edge));
        at += strlen(edge);
        append_digits(text, &at, random_number(4));
    }
    text[at] = '\0';
}

static void test_whole_numbers_are_those_of_strtoll(void **state)
{
    static const struct {
        enum column_type type;
        int64_t min;
        int64_t max;
    } types[] = {
        {COLUMN_SHORT, INT16_MIN, INT16_MAX},
        {COLUMN_INT,   INT32_MIN, INT32_MAX},
        {COLUMN_LONG,  INT64_MIN, INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < ROUNDS * 3; i++) {
        char text[TEXT_MAX];
        char wanted[TEXT_MAX];
        char printed[TEXT_MAX];
        OWNED(buffer_clear) struct buffer stored = {0};
        int64_t number = 0;
        bool fits = false;

        make_whole(text);
        errno = 0;
        number = strtoll(text, NULL, 10);
        fits = errno == 0 && number >= types[i % 3].min && number <= types[i % 3].max;
        if (parse(types[i % 3].type, text, &stored) != fits) {
            fail_msg("%s is wrong about \"%s\"", column_type_name(types[i % 3].type), text);
        }
        if (fits) {
            (void)snprintf(wanted, sizeof wanted, "%" PRId64, number);
            print(types[i % 3].type, text, printed);
            assert_string_equal(printed, wanted);
        }
    }
}

static void make_real(char text[TEXT_MAX])
{
    size_t at = 0;

    if (random_number(2) == 0) {
        text[at++] = '-';
    }
    append_digits(text, &at, 1 + random_number(random_number(4) == 0 ? 25 : 6));
    if (random_number(2) == 0) {
        text[at++] = '.';
        append_digits(text, &at, random_number(random_number(4) == 0 ? 25 : 6));
    }
    text[at] = '\0';
    if (random_number(2) == 0) {
        (void)snprintf(text + at, TEXT_MAX - at, "e%d", (int)random_number(90) - 50);
    }
}

static void test_doubles_are_those_of_strtod(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        char a[TEXT_MAX];
        char b[TEXT_MAX];
        char printed[TEXT_MAX];
        double first = 0;
        double second = 0;

        make_real(a);
        make_real(b);
        first = strtod(a, NULL);
        second = strtod(b, NULL);
        print(COLUMN_DOUBLE, a, printed);
        if (strtod(printed, NULL) != first) {
            fail_msg("DOUBLE \"%s\" became \"%s\"", a, printed);
        }
        assert_keys_in_order(COLUMN_DOUBLE, a, b, (first > second) - (first < second));
    }
}

/* The fewest digits from 15 on that read back the same. */
static void print_shortest(double number, char text[TEXT_MAX])
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, TEXT_MAX, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            return;
        }
    }
}

static void test_doubles_print_as_the_shortest_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        char text[TEXT_MAX];
        char printed[TEXT_MAX];
        char shortest[TEXT_MAX];
        double number = 0;

        if (i % 2 == 0) {
            make_real(text);
        } else {
            (void)snprintf(text, sizeof text, "%.*f", (int)random_number(20),
                           (double)random_number(UINT64_C(1) << 53) /
                               (double)(1 + random_number(100000)));
        }
        number = strtod(text, NULL);
        if (isnormal(number)) {
            print_shortest(number, shortest);
            print(COLUMN_DOUBLE, text, printed);
            assert_string_equal(printed, shortest);
        }
    }
}

static void test_floats_are_those_of_strtof(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        char text[TEXT_MAX];
        char printed[TEXT_MAX];
        float number = 0;

        make_real(text);
        number = strtof(text, NULL);
        if (isinf(number)) {
            continue;
        }
        print(COLUMN_FLOAT, text, printed);
        if (strtof(printed, NULL) != number) {
            fail_msg("FLOAT \"%s\" became \"%s\"", text, printed);
        }
    }
}

/* A DECIMAL as text without needless zeros, and as digits of a fixed width that sort as it does. */
struct decimal {
    bool negative;
    char text[TEXT_MAX];
    char digits[WHOLE_DIGITS + FRACTION_DIGITS + 1];
};

static struct decimal make_decimal(void)
{
    struct decimal decimal = {.negative = random_number(2) == 0};
    size_t whole = 1 + random_number(random_number(2) == 0 ? WHOLE_DIGITS : 2);
    size_t fraction = random_number(random_number(2) == 0 ? FRACTION_DIGITS + 1 : 3);
    size_t at = WHOLE_DIGITS - whole;
    const char *first = decimal.digits + at;

    memset(decimal.digits, '0', WHOLE_DIGITS + FRACTION_DIGITS);
    append_digits(decimal.digits, &at, whole + fraction);
    for (; *first == '0' && first < decimal.digits + WHOLE_DIGITS - 1; first++) {
    }
    if (strspn(decimal.digits, "0") == WHOLE_DIGITS + FRACTION_DIGITS) {
        decimal.negative = false;
    }
    (void)snprintf(decimal.text, sizeof decimal.text, "%s%.*s%s%.*s", decimal.negative ? "-" : "",
                   (int)(decimal.digits + WHOLE_DIGITS - first), first, fraction > 0 ? "." : "",
                   (int)fraction, decimal.digits + WHOLE_DIGITS);
    return decimal;
}

static void test_decimals_keep_every_digit_and_sort(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        struct decimal a = make_decimal();
        struct decimal b = make_decimal();
        char printed[TEXT_MAX];
        int order = strcmp(a.digits, b.digits);

        print(COLUMN_DECIMAL, a.text, printed);
        assert_string_equal(printed, a.text);
        if (a.negative != b.negative) {
            order = a.negative ? -1 : 1;
        } else if (a.negative) {
            order = -order;
        }
        assert_keys_in_order(COLUMN_DECIMAL, a.text, b.text, order);
    }
}

/* Short plain decimals are read in a way of their own; an exponent of 0 changes nothing. */
static void test_decimals_are_the_same_with_an_exponent(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        static const char characters[] = "0000123456789.-+";
        OWNED(buffer_clear) struct buffer plain = {0};
        OWNED(buffer_clear) struct buffer with_exponent = {0};
        char text[TEXT_MAX] = "";
        size_t length = random_number(24);

        for (size_t at = 0; at < length; at++) {
            text[at] = characters[random_number(at == 0 ? 16 : 14)];
        }

        bool accepted = parse(COLUMN_DECIMAL, text, &plain);

        memcpy(text + length, "e0", sizeof "e0");
        if (parse(COLUMN_DECIMAL, text, &with_exponent) != accepted ||
            plain.length != with_exponent.length ||
            (accepted && memcmp(plain.bytes, with_exponent.bytes, plain.length) != 0)) {
            fail_msg("\"%s\" is not what it is without its end", text);
        }
    }
}

/* Seconds and nanoseconds as ISO 8601, the date by gmtime. */
static void make_moment(int64_t seconds, unsigned nanos, char text[TEXT_MAX])
{
    time_t time = (time_t)seconds;
    struct tm parts = {0};
    int length = 0;

    assert_non_null(gmtime_r(&time, &parts));
    length = snprintf(text, TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", parts.tm_year + 1900,
                      parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    if (nanos > 0) {
        length += snprintf(text + length, TEXT_MAX - (size_t)length, ".%09u", nanos);
        for (; text[length - 1] == '0'; length--) {
        }
    }
    (void)snprintf(text + length, TEXT_MAX - (size_t)length, "Z");
}

static void test_moments_are_those_of_gmtime_and_sort(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t range = (uint64_t)(last_second - first_second) + 1;
        int64_t first = first_second + (int64_t)random_number(range);
        bool near = random_number(2) == 0;
        int64_t second = near ? first : first_second + (int64_t)random_number(range);
        unsigned first_nanos = (unsigned)random_number(1000000000) / 1000 * 1000;
        unsigned second_nanos = (unsigned)random_number(1000000000);
        char a[TEXT_MAX];
        char b[TEXT_MAX];
        char printed[TEXT_MAX];
        int order = 0;

        make_moment(first, first_nanos, a);
        make_moment(second, second_nanos, b);
        print(COLUMN_UTC_DATETIME, a, printed);
        assert_string_equal(printed, a);
        order = first != second ? (first > second) - (first < second)
                                : (first_nanos > second_nanos) - (first_nanos < second_nanos);
        assert_keys_in_order(COLUMN_UTC_DATETIME, a, b, order);

        a[strcspn(a, "T")] = '\0';
        print(COLUMN_NAIVE_DATE, a, printed);
        assert_string_equal(printed, a);
    }
}

/* Whether a byte may stand where a moment has that character. */
static bool may_stand_for(char character, unsigned byte)
{
    if (character == 'T') {
        return byte == 'T' || byte == 't' || byte == ' ';
    }
    return isdigit((unsigned char)character) ? isdigit((int)byte) != 0
                                             : byte == (unsigned char)character;
}

static void test_moments_with_a_wrong_byte_are_refused(void **state)
{
    static const char moment[] = "2007-12-03T10:15:30";

    (void)state;
    for (size_t at = 0; at < sizeof moment - 1; at++) {
        for (unsigned byte = 1; byte < 256; byte++) {
            OWNED(buffer_clear) struct buffer stored = {0};
            char text[sizeof moment];

            memcpy(text, moment, sizeof moment);
            text[at] = (char)byte;
            if (!may_stand_for(moment[at], byte) && parse(COLUMN_NAIVE_DATETIME, text, &stored)) {
                fail_msg("byte %u at %zu of a moment is accepted", byte, at);
            }
        }
    }
}

/* Bytes that bring out what the sortable form must tell apart: zeros, what stands for them, ends.
 */
static size_t make_bytes(uint8_t bytes[4])
{
    static const uint8_t tricky[] = {0x00, 0x01, 0xfe, 0xff};
    size_t length = random_number(5);

    for (size_t i = 0; i < length; i++) {
        bytes[i] = tricky[random_number(sizeof tricky)];
    }
    return length;
}

static int compare_bytes(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static void test_keys_of_two_columns_sort_by_the_first_then_the_second(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        uint8_t bytes[2][2][4] = {{{0}}};
        struct key_part parts[2][2];
        struct buffer keys[2] = {{0}, {0}};
        OWNED(buffer_clear) struct buffer scratch = {0};
        size_t bad = 0;
        int order = 0;

        for (size_t row = 0; row < 2; row++) {
            for (size_t column = 0; column < 2; column++) {
                parts[row][column] = (struct key_part){COLUMN_BINARY, bytes[row][column],
                                                       make_bytes(bytes[row][column])};
            }
            assert_true(key_append(parts[row], 2, false, &scratch, &keys[row], &bad));
        }
        for (size_t column = 0; column < 2 && order == 0; column++) {
            order = compare_bytes(parts[0][column].stored, parts[0][column].length,
                                  parts[1][column].stored, parts[1][column].length);
        }
        int found = compare_bytes(keys[0].bytes, keys[0].length, keys[1].bytes, keys[1].length);

        buffer_clear(&keys[0]);
        buffer_clear(&keys[1]);
        assert_int_equal((found > 0) - (found < 0), (order > 0) - (order < 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers_are_those_of_strtoll),
        cmocka_unit_test(test_doubles_are_those_of_strtod),
        cmocka_unit_test(test_doubles_print_as_the_shortest_text),
        cmocka_unit_test(test_floats_are_those_of_strtof),
        cmocka_unit_test(test_decimals_keep_every_digit_and_sort),
        cmocka_unit_test(test_decimals_are_the_same_with_an_exponent),
        cmocka_unit_test(test_moments_are_those_of_gmtime_and_sort),
        cmocka_unit_test(test_moments_with_a_wrong_byte_are_refused),
        cmocka_unit_test(test_keys_of_two_columns_sort_by_the_first_then_the_second),
    };
    const char *given = getenv("WEIR_TEST_SEED");

    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2 + 1;
    printf("WEIR_TEST_SEED=%" PRIu64 "\n", seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Keys sort as their values do. */
#include <string.h>

#include "tests/support/test.h"
#include "worker/value/key.h"
#include "worker/value/type.h"

/* Values of one type in ascending order; equal ones stand beside a "=". */
struct ladder {
    enum column_type type;
    const char *texts[16];
};

static const struct ladder ladders[] = {
    {COLUMN_BOOLEAN,        {"false", "true"}                                                     },
    {COLUMN_SHORT,          {"-32768", "-1", "0", "1", "32767"}                                   },
    {COLUMN_INT,            {"-70000", "-1", "0", "255", "256", "70000"}                          },
    {COLUMN_LONG,           {"-9223372036854775808", "-1", "0", "1", "9223372036854775807"}       },
    {COLUMN_DECIMAL,
     {"-1E37", "-12.1", "-12", "=-12.000", "-0.001", "0", "=-0.0", "1E-37", "0.0099", "0.01", "3.3",
      "=3.30", "3.31", "100", "101", "1E37"}                                                      },
    {COLUMN_FLOAT,          {"-Infinity", "-1.5", "-1e-45", "-0", "=0", "1e-45", "1", "Infinity"} },
    {COLUMN_DOUBLE,         {"-Infinity", "-1e300", "-1.5", "-0", "=0", "5e-324", "1", "Infinity"}},
    {COLUMN_NAIVE_DATE,     {"0000-01-01", "1969-12-31", "1970-01-01", "9999-12-31"}              },
    {COLUMN_NAIVE_TIME,     {"00:00", "00:00:00.000000001", "12:00", "23:59:59.999999999"}        },
    {COLUMN_NAIVE_DATETIME, {"0000-01-01T00:00", "1969-12-31T23:59:59.5", "1970-01-01T00:00"}     },
    {COLUMN_UTC_DATETIME,
     {"1969-12-31T23:59:59.5Z", "2020-01-01T12:00:00Z", "=2020-01-01T12:00:00.000Z",
      "=2020-01-01T13:00:00+01:00", "2020-01-01T12:00:00.001Z", "9999-12-31T23:59:59.999Z"}       },
    {COLUMN_STRING,         {"", "a", "a\x01", "aa", "b", "\xc3\xa4"}                             },
    {COLUMN_BINARY,         {"", "AA==", "AAA=", "AQ==", "/w=="}                                  },
};

static void append_stored(enum column_type type, const char *text, struct buffer *out)
{
    const char *problem = NULL;

    assert_int_not_equal(type_of(type)->parse(text, strlen(text), out, &problem), PARSE_FAILED);
}

static void append_key_of(enum column_type type, const char *text, struct buffer *out)
{
    OWNED(buffer_clear) struct buffer stored = {0};
    OWNED(buffer_clear) struct buffer scratch = {0};
    struct key_part part = {.type = type};
    size_t bad = 0;

    append_stored(type, text, &stored);
    part.stored = stored.bytes;
    part.length = stored.length;
    assert_true(key_append(&part, 1, false, &scratch, out, &bad));
}

static int compare(const struct buffer *a, const struct buffer *b)
{
    size_t common = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->bytes, b->bytes, common);

    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static void test_key_bytes_order_as_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ladders / sizeof ladders[0]; i++) {
        OWNED(buffer_clear) struct buffer last = {0};

        for (size_t j = 0; j < 16 && ladders[i].texts[j] != NULL; j++) {
            OWNED(buffer_clear) struct buffer key = {0};
            const char *text = ladders[i].texts[j];
            bool equal = text[0] == '=';

            append_key_of(ladders[i].type, text + (equal ? 1 : 0), &key);
            if (j > 0 && (equal ? compare(&last, &key) != 0 : compare(&last, &key) >= 0)) {
                fail_msg("%s: \"%s\" is out of order", column_type_name(ladders[i].type), text);
            }
            buffer_reset(&last);
            buffer_append(&last, key.bytes, key.length);
        }
    }
}

static void test_nan_cannot_be_in_a_key(void **state)
{
    OWNED(buffer_clear) struct buffer stored = {0};
    OWNED(buffer_clear) struct buffer scratch = {0};
    OWNED(buffer_clear) struct buffer key = {0};
    struct key_part part = {.type = COLUMN_DOUBLE};
    size_t bad = 7;

    (void)state;
    append_stored(COLUMN_DOUBLE, "NaN", &stored);
    part.stored = stored.bytes;
    part.length = stored.length;
    assert_false(key_append(&part, 1, false, &scratch, &key, &bad));
    assert_int_equal(bad, 0);
}

static void test_long_keys_are_bounded_and_differ(void **state)
{
    OWNED(buffer_clear) struct buffer scratch = {0};
    OWNED(buffer_clear) struct buffer first = {0};
    OWNED(buffer_clear) struct buffer second = {0};
    static uint8_t text[5000];
    struct key_part part = {.type = COLUMN_STRING, .stored = text, .length = sizeof text};
    size_t bad = 0;

    (void)state;
    memset(text, 'x', sizeof text);
    assert_true(key_append(&part, 1, false, &scratch, &first, &bad));
    text[sizeof text - 1] = 'y';
    assert_true(key_append(&part, 1, false, &scratch, &second, &bad));
    assert_int_equal(first.length, KEY_PLAIN_MAX + KEY_DIGEST_BYTES);
    assert_int_equal(second.length, first.length);
    assert_memory_not_equal(first.bytes, second.bytes, first.length);
}

/* Text that ends around the place where a key is cut, of bytes that are escaped or not. */
static void add_text(struct buffer *text, size_t length, uint8_t fill, uint8_t last)
{
    memset(buffer_reserve(text, length + 1), fill, length);
    text->length = length;
    if (length > 0) {
        text->bytes[length - 1] = last;
    }
}

/* Whoever goes through the versions of a record, or through a batch record by record, relies on it.
 */
static void test_no_key_is_the_beginning_of_another(void **state)
{
    static const size_t lengths[] = {0,   1,   2,   229, 230, 231, 232,
                                     458, 459, 460, 461, 462, 463, 500};
    static const uint8_t fills[] = {0, 1, 'a', 0xff};
    static struct buffer keys[2 * 14 * 4 * 4];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0] * 32; i++) {
        OWNED(buffer_clear) struct buffer text = {0};
        OWNED(buffer_clear) struct buffer scratch = {0};
        struct key_part parts[2] = {{.type = COLUMN_STRING}, {.type = COLUMN_STRING}};
        bool first_is_empty = i % 2 == 0;
        size_t bad = 0;

        add_text(&text, lengths[i / 32], fills[i / 8 % 4], fills[i / 2 % 4]);
        parts[first_is_empty ? 1 : 0].stored = text.bytes;
        parts[first_is_empty ? 1 : 0].length = text.length;
        assert_true(key_append(parts, 2, false, &scratch, &keys[count], &bad));
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            size_t common = keys[i].length < keys[j].length ? keys[i].length : keys[j].length;

            if (memcmp(keys[i].bytes, keys[j].bytes, common) == 0) {
                assert_int_equal(keys[i].length, keys[j].length); /* the same texts */
            }
        }
    }
    while (count > 0) {
        buffer_clear(&keys[--count]);
    }
}

static void test_versions_of_a_long_record_stand_in_order_of_start(void **state)
{
    OWNED(buffer_clear) struct buffer scratch = {0};
    OWNED(buffer_clear) struct buffer start = {0};
    OWNED(buffer_clear) struct buffer earlier = {0};
    OWNED(buffer_clear) struct buffer later = {0};
    static uint8_t text[5000];
    struct key_part parts[2] = {
        {.type = COLUMN_STRING,  .stored = text, .length = sizeof text},
        {.type = COLUMN_UTC_DATETIME},
    };
    size_t bad = 0;

    (void)state;
    append_stored(COLUMN_UTC_DATETIME, "2020-01-01T00:00:00Z", &start);
    parts[1].stored = start.bytes;
    parts[1].length = start.length;
    assert_true(key_append(parts, 2, true, &scratch, &earlier, &bad));
    buffer_reset(&start);
    append_stored(COLUMN_UTC_DATETIME, "2020-01-01T00:00:00.001Z", &start);
    parts[1].stored = start.bytes;
    assert_true(key_append(parts, 2, true, &scratch, &later, &bad));
    assert_int_equal(earlier.length, KEY_BYTES_MAX);
    assert_memory_equal(earlier.bytes, later.bytes, KEY_BYTES_MAX - KEY_START_BYTES);
    assert_true(compare(&earlier, &later) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_bytes_order_as_values),
        cmocka_unit_test(test_nan_cannot_be_in_a_key),
        cmocka_unit_test(test_long_keys_are_bounded_and_differ),
        cmocka_unit_test(test_no_key_is_the_beginning_of_another),
        cmocka_unit_test(test_versions_of_a_long_record_stand_in_order_of_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

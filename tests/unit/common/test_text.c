/* common/text: UTF-8, names in messages, JSON, hex. */
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "tests/support/test.h"

static void test_utf8_is_told_from_what_is_not(void **state)
{
    static const struct {
        const char *bytes;
        bool valid;
    } cases[] = {
        {"",                                     true },
        {"plain ascii, longer than eight bytes", true },
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", true },
        {"\xF4\x8F\xBF\xBF",                     true },
        {"12345\xC3\xA9xyz",                     true },
        {"abcdefg\xC3\xA9xy",                    true },
        {"abcdefgh\xA9x",                        false}, /* continuation alone, among the last */
        {"abcdefghij\xC3",                       false}, /* cut */
        {"12345678\xC3",                         false}, /* cut */
        {"\xC0\x80",                             false}, /* overlong */
        {"\xE0\x9F\xBF",                         false}, /* overlong */
        {"\xED\xA0\x80",                         false}, /* surrogate */
        {"\xF4\x90\x80\x80",                     false}, /* above U+10FFFF */
        {"\x80",                                 false}, /* continuation alone */
        {"abcdefgh\xFFijklmnop",                 false}, /* never valid */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(text_is_utf8(cases[i].bytes, strlen(cases[i].bytes)), cases[i].valid);
    }
}

static void test_cutting_never_splits_a_character(void **state)
{
    char text[] = "ab\xE2\x82\xAC";

    (void)state;
    text_cut_utf8(text, 4);
    assert_string_equal(text, "ab");
}

static void test_long_names_are_cut_and_control_characters_hidden(void **state)
{
    char name[200];

    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    name[1] = '\n';

    struct text_shown shown = text_name(name);

    assert_int_equal(strlen(shown.text), TEXT_NAME_MAX + 3);
    assert_int_equal(shown.text[1], '?');
}

static void test_a_long_path_keeps_its_last_component(void **state)
{
    char path[2000];

    (void)state;
    memset(path, 'd', sizeof path);
    strcpy(path + 1500, "/orders_1.csv.zst.aes");

    assert_string_equal(text_path(path).text, ".../orders_1.csv.zst.aes");
}

static void test_json_strings_escape_what_must_be(void **state)
{
    OWNED(buffer_clear) struct buffer out = {0};

    (void)state;
    text_append_json(&out, "a\"\\\n\x01\0z", 7);
    buffer_append_byte(&out, 0);
    assert_string_equal((const char *)out.bytes, "\"a\\\"\\\\\\n\\u0001\\u0000z\"");
}

static void test_hex_reads_back(void **state)
{
    uint8_t bytes[3];

    (void)state;
    assert_true(text_parse_hex("00fFa1", bytes, 3));
    assert_memory_equal(bytes, "\x00\xFF\xA1", 3);
    assert_false(text_parse_hex("00fFa", bytes, 3));
    assert_false(text_parse_hex("00fFg1", bytes, 3));
}

static void test_numbers_that_do_not_fit_are_refused(void **state)
{
    uint64_t number = 0;

    (void)state;
    assert_true(text_parse_u64("18446744073709551615", &number));
    assert_true(number == UINT64_MAX);
    assert_false(text_parse_u64("18446744073709551616", &number));
    assert_false(text_parse_u64("", &number));
    assert_false(text_parse_u64("-1", &number));
}

/* Whatever stands beside it, and wherever it stands in the word. */
static void test_every_byte_of_a_json_string_is_escaped_alone(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < 20; place++) {
            static const unsigned char others[] = {'a', 0xff, 0x80, '#', '[', ' '};
            OWNED(buffer_clear) struct buffer out = {0};
            OWNED(buffer_clear) struct buffer wanted = {0};
            unsigned char text[20];

            memset(text, others[byte % sizeof others], sizeof text);
            text[place] = (unsigned char)byte;
            text_append_json(&out, text, sizeof text);
            buffer_append_byte(&wanted, '"');
            for (size_t i = 0; i < sizeof text; i++) {
                OWNED(buffer_clear) struct buffer alone = {0};

                text_append_json(&alone, text + i, 1);
                buffer_append(&wanted, alone.bytes + 1, alone.length - 2);
            }
            buffer_append_byte(&wanted, '"');
            assert_int_equal(out.length, wanted.length);
            assert_memory_equal(out.bytes, wanted.bytes, wanted.length);
        }
    }
}

static void test_numbers_are_those_of_printf(void **state)
{
    static const uint64_t numbers[] = {0, 1, 9, 10, 99, 12345, UINT32_MAX, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        for (unsigned width = 0; width < 20; width++) {
            OWNED(buffer_clear) struct buffer out = {0};
            char wanted[64];
            int length = snprintf(wanted, sizeof wanted, "%0*llu", (int)width,
                                  (unsigned long long)numbers[i]);

            buffer_append_number(&out, numbers[i], width);
            assert_int_equal(out.length, length);
            assert_memory_equal(out.bytes, wanted, out.length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_is_told_from_what_is_not),
        cmocka_unit_test(test_cutting_never_splits_a_character),
        cmocka_unit_test(test_long_names_are_cut_and_control_characters_hidden),
        cmocka_unit_test(test_a_long_path_keeps_its_last_component),
        cmocka_unit_test(test_json_strings_escape_what_must_be),
        cmocka_unit_test(test_every_byte_of_a_json_string_is_escaped_alone),
        cmocka_unit_test(test_numbers_are_those_of_printf),
        cmocka_unit_test(test_hex_reads_back),
        cmocka_unit_test(test_numbers_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

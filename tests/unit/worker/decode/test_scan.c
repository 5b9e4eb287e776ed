/* All scanners find the same cell ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/test.h"
#include "worker/decode/scan.h"

enum {
    TEXT_BYTES = 1000
};

static void test_scanners_agree_on_random_text(void **state)
{
    static const char letters[] = "abc,,\n\"\"\r x";
    unsigned seed = (unsigned)getpid();
    size_t functions_count = 0;
    const scan_function *functions = scan_all(&functions_count);

    (void)state;
    print_message("seed %u, %zu scanners\n", seed, functions_count);
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t text[TEXT_BYTES];
        uint32_t wanted[TEXT_BYTES];
        size_t length = (size_t)rand_r(&seed) % TEXT_BYTES;
        const struct scan_state begin = {
            .in_quotes = rand_r(&seed) % 2 == 0,
            .at_start = rand_r(&seed) % 2 == 0,
        };
        struct scan_state wanted_state = begin;
        size_t wanted_count = 0;

        for (size_t i = 0; i < length; i++) {
            text[i] = (uint8_t)letters[(size_t)rand_r(&seed) % (sizeof letters - 1)];
        }
        wanted_count = functions[0](text, length, 7, &wanted_state, wanted);
        for (size_t i = 1; i < functions_count; i++) {
            uint32_t ends[TEXT_BYTES];
            struct scan_state found = begin;

            assert_int_equal(functions[i](text, length, 7, &found, ends), wanted_count);
            assert_memory_equal(&found, &wanted_state, sizeof found);
            if (wanted_count > 0) {
                assert_memory_equal(ends, wanted, wanted_count * sizeof wanted[0]);
            }
        }
    }
}

/* What scan_single_quotes() must do, byte by byte. False: a quote stands alone. */
static bool make_single(const uint8_t *text, size_t length, uint8_t *made, size_t *made_length)
{
    *made_length = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"' && (++i == length || text[i] != '"')) {
            return false;
        }
        made[(*made_length)++] = text[i];
    }
    return true;
}

static void test_one_quote_is_made_of_two_in_random_text(void **state)
{
    unsigned seed = (unsigned)getpid();

    (void)state;
    print_message("seed %u\n", seed);
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t text[TEXT_BYTES + SCAN_SLACK];
        uint8_t wanted[TEXT_BYTES];
        size_t length = (size_t)rand_r(&seed) % (round % 2 == 0 ? 150 : TEXT_BYTES);
        unsigned rarity = 1 + (unsigned)rand_r(&seed) % 80;
        size_t wanted_length = 0;

        memset(text, '"', sizeof text); /* what is behind the end means nothing */
        for (size_t i = 0; i < length; i++) {
            bool quote = (unsigned)rand_r(&seed) % rarity == 0;

            text[i] = quote ? '"' : (uint8_t)('a' + i % 26);
            if (quote && i + 1 < length && (unsigned)rand_r(&seed) % 400 != 0) {
                text[++i] = '"';
            }
        }

        bool right = make_single(text, length, wanted, &wanted_length);
        const uint8_t *end = scan_single_quotes(text, text + length);

        assert_true(right == (end != NULL));
        if (right) {
            assert_int_equal(end - text, wanted_length);
            assert_memory_equal(text, wanted, wanted_length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scanners_agree_on_random_text),
        cmocka_unit_test(test_one_quote_is_made_of_two_in_random_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

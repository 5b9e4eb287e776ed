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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scanners_agree_on_random_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

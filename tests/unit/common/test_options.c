/* common/option and the table of serve's options. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/options.h"
#include "tests/support/test.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Reads arguments that end with NULL. */
static bool read_options(struct options *options, const char *const arguments[], struct error *err)
{
    int count = 0;
    bool help = false;

    while (arguments[count] != NULL) {
        count++;
    }
    return options_read(options, count, arguments, &help, err);
}

static bool is_accepted(const struct option *option, const char *value)
{
    struct options options;
    struct error err = {0};
    char argument[256];

    snprintf(argument, sizeof argument, "--%s=%s", option->name, value);

    const char *const arguments[] = {argument, NULL};

    return read_options(&options, arguments, &err);
}

static void test_defaults_are_those_of_the_design(void **state)
{
    struct options options;
    struct error err = {0};
    const char *const none[] = {NULL};

    (void)state;
    assert_true(read_options(&options, none, &err));
    assert_int_equal(options.port, 50052);
    assert_string_equal(options.data_dir, "./weir-data");
    assert_in_range(options.workers, 1, LIMIT_WORKERS);
    assert_int_equal(options.grace_ms, 30000);
    assert_true(options.map_size_bytes == TIB);
    assert_true(options.run_budget_bytes == 32 * MIB);
    assert_true(options.file_bytes_max == 64 * GIB);
    assert_true(options.cell_bytes_max == 128 * MIB);
    assert_int_equal(options.handlers_max, 64);
    assert_int_equal(options.waiting_max, 1000);
    assert_int_equal(options.batch_dirs_count, 0);
}

static void test_both_ways_of_giving_a_value_work_and_the_last_counts(void **state)
{
    struct options options;
    struct error err = {0};
    const char *const arguments[] = {"--port", "1", "--port=2", "--data-dir", "/d", NULL};

    (void)state;
    assert_true(read_options(&options, arguments, &err));
    assert_int_equal(options.port, 2);
    assert_string_equal(options.data_dir, "/d");
}

static void test_variables_fill_in_what_arguments_leave_out(void **state)
{
    static struct options options; /* its folders live as long as the process */
    struct error err = {0};
    const char *const arguments[] = {"--port", "1", NULL};

    (void)state;
    setenv("WEIR_PORT", "2", 1);
    setenv("WEIR_GRACE", "2min", 1);
    setenv("WEIR_BATCH_DIR", "/a:/b", 1);
    setenv("WEIR_WORKERS", "", 1);

    bool read = read_options(&options, arguments, &err);

    unsetenv("WEIR_PORT");
    unsetenv("WEIR_GRACE");
    unsetenv("WEIR_BATCH_DIR");
    unsetenv("WEIR_WORKERS");
    assert_true(read);
    assert_int_equal(options.port, 1);
    assert_int_equal(options.grace_ms, 120000);
    assert_int_equal(options.batch_dirs_count, 2);
    assert_string_equal(options.batch_dirs[1], "/b");
    assert_in_range(options.workers, 1, LIMIT_WORKERS);
}

static void test_a_bad_variable_is_named_in_the_error(void **state)
{
    struct options options;
    struct error err = {0};
    const char *const none[] = {NULL};

    (void)state;
    setenv("WEIR_PORT", "many", 1);

    bool read = read_options(&options, none, &err);

    unsetenv("WEIR_PORT");
    assert_false(read);
    assert_string_equal(err.message, "WEIR_PORT takes a number from 0 to 65535, not \"many\"");
}

static void test_folders_add_up_to_their_limit(void **state)
{
    struct options options;
    struct error err = {0};
    const char *arguments[OPTION_LIST_MAX + 2] = {NULL};

    (void)state;
    for (int i = 0; i < OPTION_LIST_MAX; i++) {
        arguments[i] = "--batch-dir=/a";
    }
    assert_true(read_options(&options, arguments, &err));
    assert_int_equal(options.batch_dirs_count, OPTION_LIST_MAX);

    arguments[OPTION_LIST_MAX] = "--batch-dir=/a";
    assert_false(read_options(&options, arguments, &err));
}

static void test_an_unknown_option_gets_the_list_and_keeps_its_value_to_itself(void **state)
{
    struct options options;
    struct error err = {0};
    const char *const arguments[] = {"--prot=secret", NULL};

    (void)state;
    assert_false(read_options(&options, arguments, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
    assert_non_null(strstr(err.message, "\"--prot\""));
    assert_non_null(strstr(err.message, "--port"));
    assert_null(strstr(err.message, "secret"));
}

static void test_a_missing_value_is_an_error(void **state)
{
    struct options options;
    struct error err = {0};
    const char *const at_end[] = {"--data-dir", NULL};
    const char *const before_another[] = {"--data-dir", "--port", "1", NULL};

    (void)state;
    assert_false(read_options(&options, at_end, &err));
    assert_false(read_options(&options, before_another, &err));
}

static void test_operands_are_told_from_options(void **state)
{
    struct options options;
    const char *operands[2] = {NULL};
    struct option_reading reading = {
        .options = serve_options, .target = &options, .operands = operands, .operands_max = 2};
    struct error err = {0};
    const char *const arguments[] = {"schema", "--port=1", "--", "--table"};
    const char *const too_many[] = {"schema", "table", "more"};

    (void)state;
    options_init(&options);
    assert_true(option_read(&reading, COUNT(arguments), arguments, &err));
    assert_int_equal(reading.operands_count, 2);
    assert_string_equal(operands[1], "--table");
    assert_false(option_read(&reading, COUNT(too_many), too_many, &err));
    assert_non_null(strstr(err.message, "\"more\""));
}

static void test_sizes_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        bool valid;
        uint64_t bytes;
    } cases[] = {
        {"0",                                true,  0             },
        {"17",                               true,  17            },
        {"64KiB",                            true,  64 * KIB      },
        {"64MiB",                            true,  64 * MIB      },
        {"3GiB",                             true,  3 * GIB       },
        {"1TiB",                             true,  TIB           },
        {"18446744073709551615",             true,  UINT64_MAX    },
        {"18446744073709551616",             false, 0             },
        {"16777216TiB",                      false, 0             }, /* 2^64 */
        {"16777215TiB",                      true,  16777215 * TIB},
        {"00000000000000000000000000000001", false, 0             },
        {"",                                 false, 0             },
        {"MiB",                              false, 0             },
        {"64mib",                            false, 0             },
        {"64MB",                             false, 0             },
        {"64 MiB",                           false, 0             },
        {"-1",                               false, 0             },
        {"+1",                               false, 0             },
        {"1.5GiB",                           false, 0             },
        {"0x10",                             false, 0             },
        {" 1",                               false, 0             },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = 0;

        if (option_parse_size(cases[i].text, &bytes) != cases[i].valid ||
            (cases[i].valid && bytes != cases[i].bytes)) {
            fail_msg("\"%s\"", cases[i].text);
        }
    }
}

static void test_durations_need_a_unit(void **state)
{
    uint64_t ms = 0;

    (void)state;
    assert_true(option_parse_duration("500ms", &ms) && ms == 500);
    assert_true(option_parse_duration("30s", &ms) && ms == 30000);
    assert_true(option_parse_duration("5min", &ms) && ms == 300000);
    assert_true(option_parse_duration("1h", &ms) && ms == 3600000);
    assert_false(option_parse_duration("30", &ms));
    assert_false(option_parse_duration("30 s", &ms));
    assert_false(option_parse_duration("s", &ms));
}

static void test_every_option_keeps_to_its_range(void **state)
{
    (void)state;
    for (const struct option *option = serve_options; option->name != NULL; option++) {
        char value[32];
        const char *unit = option->kind == OPTION_DURATION ? "ms" : "";

        if (option->kind == OPTION_TEXT || option->kind == OPTION_LIST) {
            assert_true(is_accepted(option, "/folder"));
            assert_false(is_accepted(option, ""));
            continue;
        }
        snprintf(value, sizeof value, "%llu%s", (unsigned long long)option->min, unit);
        assert_true(is_accepted(option, value));
        snprintf(value, sizeof value, "%llu%s", (unsigned long long)option->max, unit);
        assert_true(is_accepted(option, value));
        snprintf(value, sizeof value, "%llu%s", (unsigned long long)option->max + 1, unit);
        assert_false(is_accepted(option, value));
        if (option->min > 0) {
            snprintf(value, sizeof value, "%llu%s", (unsigned long long)option->min - 1, unit);
            assert_false(is_accepted(option, value));
        }
        assert_false(is_accepted(option, ""));
        assert_false(is_accepted(option, "-1"));
        assert_false(is_accepted(option, "x"));
    }
}

static void test_every_option_has_a_help_a_placeholder_and_its_variable(void **state)
{
    (void)state;
    for (const struct option *option = serve_options; option->name != NULL; option++) {
        char variable[64] = "WEIR_";

        for (size_t i = 0; option->name[i] != '\0'; i++) {
            char letter = option->name[i];

            variable[5 + i] = letter == '-' ? '_' : (char)(letter - 'a' + 'A');
        }
        assert_string_equal(option->variable, variable);
        assert_non_null(option->help);
        assert_non_null(option->placeholder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_those_of_the_design),
        cmocka_unit_test(test_both_ways_of_giving_a_value_work_and_the_last_counts),
        cmocka_unit_test(test_variables_fill_in_what_arguments_leave_out),
        cmocka_unit_test(test_a_bad_variable_is_named_in_the_error),
        cmocka_unit_test(test_folders_add_up_to_their_limit),
        cmocka_unit_test(test_an_unknown_option_gets_the_list_and_keeps_its_value_to_itself),
        cmocka_unit_test(test_a_missing_value_is_an_error),
        cmocka_unit_test(test_operands_are_told_from_options),
        cmocka_unit_test(test_sizes_are_read_exactly),
        cmocka_unit_test(test_durations_need_a_unit),
        cmocka_unit_test(test_every_option_keeps_to_its_range),
        cmocka_unit_test(test_every_option_has_a_help_a_placeholder_and_its_variable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

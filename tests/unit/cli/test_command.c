/* cli: what holds for every command. */
#include <string.h>

#include "cli/command.h"
#include "tests/support/test.h"

static void test_every_command_can_be_listed_and_explained(void **state)
{
    (void)state;
    assert_true(commands_count > 0);
    for (size_t i = 0; i < commands_count; i++) {
        const struct command *command = commands[i];

        assert_true(strlen(command->name) > 0 && command->name[0] != '-');
        assert_non_null(command->synopsis);
        assert_non_null(command->summary);
        assert_null(strchr(command->summary, '\n'));
        assert_non_null(command->options);
        assert_non_null(command->run);
        /* Help is paragraphs of whole lines. */
        assert_int_equal(command->manual[strlen(command->manual) - 1], '\n');
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(command->name, commands[j]->name);
        }
    }
}

static void test_every_option_of_every_command_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < commands_count; i++) {
        for (const struct option *option = commands[i]->options; option->name != NULL; option++) {
            assert_non_null(option->placeholder);
            assert_non_null(option->help);
            assert_true(option->kind != OPTION_CHOICE || option->choices != NULL);
        }
    }
}

static void test_an_unknown_option_is_a_misuse_of_every_command(void **state)
{
    const char *const arguments[] = {"--no-such-option"};

    (void)state;
    for (size_t i = 0; i < commands_count; i++) {
        if (!commands[i]->hidden) {
            assert_int_equal(commands[i]->run(commands[i], 1, arguments), COMMAND_MISUSED);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_can_be_listed_and_explained),
        cmocka_unit_test(test_every_option_of_every_command_is_explained),
        cmocka_unit_test(test_an_unknown_option_is_a_misuse_of_every_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* common/error: failures as values. */
#include <errno.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "tests/support/test.h"

static void test_each_level_puts_its_view_in_front(void **state)
{
    struct error err = {0};

    (void)state;
    errno = ENOENT;
    assert_false(error_set_errno(&err, ERROR_REQUEST, "could not open \"%s\"", "x"));
    assert_false(error_wrap(&err, "batch %d", 7));
    assert_false(error_hint(&err, "Check the %s.", "path"));
    assert_string_equal(err.message, "batch 7: could not open \"x\": No such file or directory");
    assert_string_equal(err.hint, "Check the path.");
    assert_int_equal(err.kind, ERROR_REQUEST);
}

static void test_a_long_message_is_cut_between_characters(void **state)
{
    struct error err = {0};
    char name[ERROR_MESSAGE_MAX + 300];

    (void)state;
    for (size_t i = 0; i + 2 < sizeof name; i += 2) {
        memcpy(name + i, "\xC3\xA9", 3);
    }
    error_set(&err, ERROR_DATA, "x%s", name);
    assert_true(text_is_utf8(err.message, strlen(err.message)));
    error_wrap(&err, "yy");
    assert_true(text_is_utf8(err.message, strlen(err.message)));
    assert_memory_equal(err.message, "yy: x", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_level_puts_its_view_in_front),
        cmocka_unit_test(test_a_long_message_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* common/ipc/failure: an error goes into a result and comes out the same. */
#include <string.h>

#include "common/ipc/failure.h"
#include "common/mem.h"
#include "tests/support/test.h"

static Weir__Result *new_result(void)
{
    Weir__Result *result = mem_alloc(sizeof *result);

    weir__result__init(result);
    return result;
}

static void test_every_kind_comes_back_with_message_and_hint(void **state)
{
    (void)state;
    for (int kind = ERROR_REQUEST; kind <= ERROR_INTERNAL; kind++) {
        Weir__Result *result = new_result();
        struct error sent = {0};
        struct error back = {0};

        (void)error_set(&sent, (enum error_kind)kind, "could not %s", "do it");
        (void)error_hint(&sent, "Try again.");
        failure_set(result, &sent);
        failure_get(result, &back);

        assert_int_equal(back.kind, kind);
        assert_string_equal(back.message, "could not do it");
        assert_string_equal(back.hint, "Try again.");
        weir__result__free_unpacked(result, NULL);
    }
}

static void test_success_is_no_error(void **state)
{
    Weir__Result *result = new_result();
    struct error err = {.kind = ERROR_DATA};

    (void)state;
    failure_get(result, &err);
    assert_int_equal(err.kind, ERROR_NONE);
    weir__result__free_unpacked(result, NULL);
}

static void test_an_unknown_kind_is_our_fault(void **state)
{
    static const uint32_t kinds[] = {ERROR_NONE, ERROR_INTERNAL + 1, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        Weir__Result *result = new_result();
        struct error err = {0};

        (void)error_set(&err, ERROR_DATA, "%s", "bad");
        failure_set(result, &err);
        result->failure->kind = kinds[i];
        failure_get(result, &err);

        assert_int_equal(err.kind, ERROR_INTERNAL);
        weir__result__free_unpacked(result, NULL);
    }
}

static void test_percent_signs_in_a_message_are_only_text(void **state)
{
    Weir__Result *result = new_result();
    struct error err = {0};

    (void)state;
    (void)error_set(&err, ERROR_DATA, "%s", "column \"100%s%n\"");
    (void)error_hint(&err, "%s", "%s%n");
    failure_set(result, &err);
    failure_get(result, &err);

    assert_string_equal(err.message, "column \"100%s%n\"");
    assert_string_equal(err.hint, "%s%n");
    weir__result__free_unpacked(result, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_comes_back_with_message_and_hint),
        cmocka_unit_test(test_success_is_no_error),
        cmocka_unit_test(test_an_unknown_kind_is_our_fault),
        cmocka_unit_test(test_percent_signs_in_a_message_are_only_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

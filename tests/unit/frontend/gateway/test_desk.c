/* frontend/gateway/desk: the bounds that hold for all RPCs of a server together. */
#include <string.h>

#include "common/limits.h"
#include "frontend/gateway/desk.h"
#include "tests/support/test.h"

static const struct options options = {.handlers_max = 1, .waiting_max = 2};

static int open_desk(void **state)
{
    static struct desk desk;

    desk_init(&desk, &options, NULL);
    *state = &desk;
    return 0;
}

static int close_desk(void **state)
{
    desk_clear(*state);
    return 0;
}

static void test_requests_hold_no_more_memory_than_all_may(void **state)
{
    struct desk *desk = *state;
    struct error err = {0};

    assert_true(desk_hold(desk, LIMIT_REQUESTS_BYTES - MIB, &err));
    assert_false(desk_hold(desk, 2 * MIB, &err));
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_string_equal(err.message,
                        "could not take a request of 2 MiB: others hold 1023 MiB of "
                        "memory, the limit for all is 1024 MiB");
    assert_string_equal(err.hint, "Try again when other requests are done.");

    /* What was refused took nothing, and what is done gives back. */
    assert_true(desk_hold(desk, MIB, &err));
    desk_release(desk, LIMIT_REQUESTS_BYTES);
    assert_true(desk_hold(desk, LIMIT_REQUESTS_BYTES, &err));
    desk_release(desk, LIMIT_REQUESTS_BYTES);
}

static void test_a_request_of_any_size_is_counted_right(void **state)
{
    struct desk *desk = *state;
    struct error err = {0};

    assert_true(desk_hold(desk, MIB, &err));
    assert_false(desk_hold(desk, UINT64_MAX, &err));
    assert_false(desk_hold(desk, LIMIT_REQUESTS_BYTES + 1, &err));
    desk_release(desk, MIB);
}

static void test_no_more_wait_than_may(void **state)
{
    struct desk *desk = *state;
    struct error err = {0};

    assert_true(desk_enter(desk, true, &err));
    assert_true(desk_enter(desk, true, &err));
    assert_true(desk_enter(desk, false, &err));
    assert_false(desk_enter(desk, true, &err));
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_string_equal(err.message, "could not take the request: 2 wait already");
    assert_string_equal(err.hint, "Try again later; --waiting lets more wait.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests_hold_no_more_memory_than_all_may, open_desk,
                                        close_desk),
        cmocka_unit_test_setup_teardown(test_a_request_of_any_size_is_counted_right, open_desk,
                                        close_desk),
        cmocka_unit_test_setup_teardown(test_no_more_wait_than_may, open_desk, close_desk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

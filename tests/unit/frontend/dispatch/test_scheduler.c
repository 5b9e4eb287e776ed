/* Who gets the next free worker. */
#include "frontend/dispatch/scheduler.h"
#include "tests/support/test.h"

static size_t choose(const struct waiting *waiting, size_t count, bool is_express, unsigned stages)
{
    const struct waiting_room room = {.stages = stages, .suspects = 1};

    return scheduler_choose(waiting, count, is_express, room);
}

static void test_stages_go_first_then_whoever_came_first(void **state)
{
    const struct waiting waiting[] = {
        {WAITING_LARGE, 0},
        {WAITING_SMALL, 0},
        {WAITING_STAGE, 4}
    };

    (void)state;
    assert_int_equal(choose(waiting, 3, false, 1), 2);
    assert_int_equal(choose(waiting, 2, false, 1), 0);
}

static void test_a_small_job_goes_before_the_second_of_a_large_batch(void **state)
{
    const struct waiting waiting[] = {
        {WAITING_LARGE, 1},
        {WAITING_SMALL, 0}
    };

    (void)state;
    assert_int_equal(choose(waiting, 2, false, 1), 1);
}

/* The express worker takes them anyway; on the others a stream of them would starve large ones. */
static void test_small_jobs_do_not_overtake_a_batch_that_has_no_worker(void **state)
{
    const struct waiting waiting[] = {
        {WAITING_LARGE, 0},
        {WAITING_SMALL, 0},
        {WAITING_SMALL, 0}
    };

    (void)state;
    assert_int_equal(choose(waiting, 3, false, 1), 0);
}

static void test_no_more_stages_than_memory_allows(void **state)
{
    const struct waiting waiting[] = {
        {WAITING_STAGE, 0},
        {WAITING_LARGE, 3}
    };

    (void)state;
    assert_int_equal(choose(waiting, 2, false, 0), 1);
    assert_int_equal(choose(waiting, 1, false, 0), 1);
}

static void test_express_takes_small_jobs_only(void **state)
{
    const struct waiting waiting[] = {
        {WAITING_STAGE, 0},
        {WAITING_LARGE, 0},
        {WAITING_SMALL, 9}
    };

    (void)state;
    assert_int_equal(choose(waiting, 3, true, 1), 2);
    assert_int_equal(choose(waiting, 2, true, 1), 2);
}

static void test_the_batch_with_the_fewest_running_jobs_is_next(void **state)
{
    const struct waiting waiting[] = {
        {WAITING_LARGE, 2},
        {WAITING_LARGE, 1},
        {WAITING_LARGE, 1}
    };

    (void)state;
    assert_int_equal(choose(waiting, 3, false, 1), 1);
}

static void test_no_more_suspects_than_leave_workers_to_others(void **state)
{
    const struct waiting waiting[] = {
        {WAITING_SUSPECT, 0},
        {WAITING_LARGE,   3}
    };
    const struct waiting_room none = {.stages = 1, .suspects = 0};

    (void)state;
    assert_int_equal(choose(waiting, 2, false, 1), 0);
    assert_int_equal(choose(waiting, 1, true, 1), 1);
    assert_int_equal(scheduler_choose(waiting, 2, false, none), 1);
    assert_int_equal(scheduler_choose(waiting, 1, false, none), 1);
}

static void test_equals_run_in_order_of_arrival(void **state)
{
    const struct waiting waiting[] = {
        {WAITING_SMALL, 1},
        {WAITING_SMALL, 1}
    };

    (void)state;
    assert_int_equal(choose(waiting, 2, false, 1), 0);
    assert_int_equal(choose(waiting, 2, true, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages_go_first_then_whoever_came_first),
        cmocka_unit_test(test_a_small_job_goes_before_the_second_of_a_large_batch),
        cmocka_unit_test(test_small_jobs_do_not_overtake_a_batch_that_has_no_worker),
        cmocka_unit_test(test_no_more_stages_than_memory_allows),
        cmocka_unit_test(test_express_takes_small_jobs_only),
        cmocka_unit_test(test_the_batch_with_the_fewest_running_jobs_is_next),
        cmocka_unit_test(test_no_more_suspects_than_leave_workers_to_others),
        cmocka_unit_test(test_equals_run_in_order_of_arrival),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

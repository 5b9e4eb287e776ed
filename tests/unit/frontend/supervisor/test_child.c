/* frontend/supervisor/child: states, pauses, giving up. */
#include <string.h>

#include "frontend/supervisor/child.h"
#include "tests/support/test.h"

#define SECOND_US      ((uint64_t)1000000)
#define MILLISECOND_US ((uint64_t)1000)

enum {
    CONTROL_FD = 9,
    PID = 4711,
};

/* Starts it at `now_us`, lets it be ready for `ready_ms` (0: never ready) and end. */
static void live(struct child *child, uint64_t now_us, uint64_t ready_ms)
{
    child_started(child, child->life + 1, PID, CONTROL_FD, UINT64_MAX);
    if (ready_ms > 0) {
        child_is_ready(child, now_us);
    }
    child_ended(child, now_us + ready_ms * MILLISECOND_US, CHILD_END_OWN);
}

static void test_a_new_child_is_due_at_once(void **state)
{
    struct child child;

    (void)state;
    child_init(&child, "worker 3", 17);
    assert_int_equal(child.state, CHILD_WAITING);
    assert_int_equal(child.due_us, 17);
    assert_int_equal(child.control_fd, -1);
    assert_string_equal(child.name, "worker 3");
    assert_false(child_runs(&child));
}

static void test_pauses_between_failed_starts_double_up_to_their_limit(void **state)
{
    static const uint64_t pauses_ms[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000};
    struct child child;
    uint64_t now_us = SECOND_US;

    (void)state;
    child_init(&child, "worker 0", now_us);
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        live(&child, now_us, 0);
        assert_int_equal(child.due_us - now_us, pauses_ms[i] * MILLISECOND_US);
        now_us = child.due_us;
    }
}

static void test_a_child_that_never_gets_ready_is_given_up(void **state)
{
    struct child child;

    (void)state;
    child_init(&child, "worker 0", 0);
    for (unsigned i = 1; i < CHILD_STARTS_FAILED_MAX; i++) {
        live(&child, SECOND_US, 0);
        assert_false(child_is_hopeless(&child));
    }
    live(&child, SECOND_US, 0);
    assert_true(child_is_hopeless(&child));
}

static void test_a_process_that_could_not_be_made_is_a_failed_start(void **state)
{
    struct child child;

    (void)state;
    child_init(&child, "worker 0", 0);
    for (unsigned i = 0; i < CHILD_STARTS_FAILED_MAX; i++) {
        child_not_started(&child, SECOND_US);
    }
    assert_true(child_is_hopeless(&child));
    assert_int_equal(child.due_us - SECOND_US, 5 * SECOND_US);
}

static void test_getting_ready_forgives_failed_starts(void **state)
{
    struct child child;

    (void)state;
    child_init(&child, "worker 0", 0);
    for (unsigned i = 1; i < CHILD_STARTS_FAILED_MAX; i++) {
        live(&child, SECOND_US, 0);
    }
    live(&child, SECOND_US, 1);
    live(&child, SECOND_US, 0);
    assert_false(child_is_hopeless(&child));
    assert_int_equal(child.due_us - SECOND_US, 100 * MILLISECOND_US);
}

static void test_a_ready_child_is_started_again_without_a_pause(void **state)
{
    struct child child;

    (void)state;
    child_init(&child, "worker 0", 0);
    live(&child, SECOND_US, 1);
    assert_int_equal(child.due_us, SECOND_US + MILLISECOND_US);
}

static void test_short_lives_are_never_given_up_and_pauses_stay_small(void **state)
{
    static const uint64_t pauses_ms[] = {0, 50, 100, 200, 400, 400};
    struct child child;

    (void)state;
    child_init(&child, "worker 0", 0);
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        live(&child, SECOND_US, 1);
        assert_int_equal(child.due_us - SECOND_US - MILLISECOND_US, pauses_ms[i] * MILLISECOND_US);
    }
    for (int i = 0; i < 1000; i++) {
        live(&child, SECOND_US, 1);
        assert_false(child_is_hopeless(&child));
    }
}

static void test_short_lives_of_a_vital_child_are_given_up(void **state)
{
    struct child child;

    (void)state;
    child_init(&child, "frontend", 0);
    child.is_vital = true;
    for (int i = 1; i < CHILD_USELESS_LIVES_MAX; i++) {
        live(&child, SECOND_US, 1);
        assert_false(child_is_hopeless(&child));
    }
    live(&child, SECOND_US, CHILD_SHORT_LIFE_MS);
    assert_false(child_is_hopeless(&child));
    for (int i = 0; i < CHILD_USELESS_LIVES_MAX; i++) {
        live(&child, SECOND_US, 1);
    }
    assert_true(child_is_hopeless(&child));
}

static void test_lives_are_useless_that_are_short_and_finish_no_job(void **state)
{
    struct child child;

    (void)state;
    child_init(&child, "worker 0", 0);
    for (int i = 1; i < CHILD_USELESS_LIVES_MAX; i++) {
        live(&child, SECOND_US, 1);
        assert_false(child_is_useless(&child));
    }
    child_started(&child, child.life + 1, PID, CONTROL_FD, UINT64_MAX);
    child_is_ready(&child, SECOND_US);
    child_has_worked(&child);
    child_ended(&child, SECOND_US + MILLISECOND_US, CHILD_END_OWN);
    for (int i = 1; i < CHILD_USELESS_LIVES_MAX; i++) {
        live(&child, SECOND_US, 1);
        assert_false(child_is_useless(&child));
    }
    live(&child, SECOND_US, 1);
    assert_true(child_is_useless(&child));
    assert_false(child_is_hopeless(&child)); /* others may be of use */
}

static void test_a_long_life_forgives_short_ones(void **state)
{
    struct child child;

    (void)state;
    child_init(&child, "worker 0", 0);
    for (int i = 0; i < 10; i++) {
        live(&child, SECOND_US, 1);
    }
    live(&child, SECOND_US, CHILD_SHORT_LIFE_MS);
    assert_int_equal(child.due_us, SECOND_US + CHILD_SHORT_LIFE_MS * MILLISECOND_US);
}

static void test_dying_with_all_others_is_not_counted(void **state)
{
    struct child child;

    (void)state;
    child_init(&child, "worker 0", 0);
    for (unsigned i = 0; i < 2 * CHILD_STARTS_FAILED_MAX; i++) {
        child_started(&child, i + 1, PID, CONTROL_FD, UINT64_MAX);
        child_is_killed(&child);
        child_ended(&child, SECOND_US, CHILD_END_OTHERS);
        assert_int_equal(child.due_us, SECOND_US);
    }
    assert_false(child_is_hopeless(&child));
}

static void test_the_way_to_the_end_can_be_walked_from_every_running_state(void **state)
{
    struct child child;

    (void)state;
    for (int from_ready = 0; from_ready < 2; from_ready++) {
        child_init(&child, "frontend", 0);
        child_started(&child, 1, PID, CONTROL_FD, UINT64_MAX);
        if (from_ready) {
            child_is_ready(&child, SECOND_US);
        }
        child_stops(&child, 2 * SECOND_US);
        assert_int_equal(child.due_us, 2 * SECOND_US);
        child_stops(&child, SECOND_US); /* a second signal */
        assert_int_equal(child.due_us, SECOND_US);
        child_is_killed(&child);
        child_is_killed(&child);
        assert_true(child_runs(&child));
        child_ended(&child, SECOND_US, CHILD_END_FINAL);
        assert_int_equal(child.state, CHILD_GONE);
        assert_false(child_runs(&child));
        child_is_unwanted(&child);
    }
}

static void test_a_ready_child_is_never_overdue(void **state)
{
    struct child child;

    (void)state;
    child_init(&child, "worker 0", 0);
    child_started(&child, 1, PID, CONTROL_FD, SECOND_US);
    assert_int_equal(child.due_us, SECOND_US);
    child_is_ready(&child, SECOND_US / 2);
    assert_true(child.due_us == UINT64_MAX);
}

static void test_every_state_has_a_name(void **state)
{
    (void)state;
    for (enum child_state each = CHILD_WAITING; each < CHILD_STATES; each++) {
        assert_true(strlen(child_state_name(each)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_child_is_due_at_once),
        cmocka_unit_test(test_pauses_between_failed_starts_double_up_to_their_limit),
        cmocka_unit_test(test_a_child_that_never_gets_ready_is_given_up),
        cmocka_unit_test(test_a_process_that_could_not_be_made_is_a_failed_start),
        cmocka_unit_test(test_getting_ready_forgives_failed_starts),
        cmocka_unit_test(test_a_ready_child_is_started_again_without_a_pause),
        cmocka_unit_test(test_short_lives_are_never_given_up_and_pauses_stay_small),
        cmocka_unit_test(test_short_lives_of_a_vital_child_are_given_up),
        cmocka_unit_test(test_lives_are_useless_that_are_short_and_finish_no_job),
        cmocka_unit_test(test_a_long_life_forgives_short_ones),
        cmocka_unit_test(test_dying_with_all_others_is_not_counted),
        cmocka_unit_test(test_the_way_to_the_end_can_be_walked_from_every_running_state),
        cmocka_unit_test(test_a_ready_child_is_never_overdue),
        cmocka_unit_test(test_every_state_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* One writer per table, in order of arrival. */
#include <pthread.h>

#include "frontend/dispatch/lease.h"
#include "tests/support/test.h"

static void count_call(void *context)
{
    unsigned *calls = context;

    (*calls)++;
}

static struct lease *ask(struct lease_book *book, const char *schema, const char *table,
                         unsigned *calls)
{
    return lease_ask(book, schema, &table, 1, count_call, calls);
}

static void test_a_table_is_leased_in_order_of_arrival(void **state)
{
    struct lease_book *book = lease_book_new();
    unsigned calls[3] = {0};
    struct lease *first = ask(book, "s", "t", &calls[0]);
    struct lease *second = ask(book, "s", "t", &calls[1]);
    struct lease *third = ask(book, "s", "t", &calls[2]);

    (void)state;
    assert_true(calls[0] == 1 && calls[1] == 0 && calls[2] == 0);
    lease_release(&first);
    assert_null(first);
    assert_true(calls[1] == 1 && calls[2] == 0);
    lease_release(&second);
    assert_int_equal(calls[2], 1);
    lease_release(&third);
    lease_book_free(&book);
}

static void test_other_tables_do_not_wait(void **state)
{
    struct lease_book *book = lease_book_new();
    unsigned calls[3] = {0};
    struct lease *first = ask(book, "s", "t", &calls[0]);
    struct lease *other_table = ask(book, "s", "u", &calls[1]);
    struct lease *other_schema = ask(book, "r", "t", &calls[2]);

    (void)state;
    assert_true(calls[1] == 1 && calls[2] == 1);
    lease_release(&first);
    lease_release(&other_table);
    lease_release(&other_schema);
    lease_book_free(&book);
}

static void test_a_lease_on_two_tables_waits_for_both_and_holds_both(void **state)
{
    static const char *const names[] = {"t", "u"};
    struct lease_book *book = lease_book_new();
    unsigned calls[4] = {0};
    struct lease *holds_t = ask(book, "s", "t", &calls[0]);
    struct lease *wants_both = lease_ask(book, "s", names, 2, count_call, &calls[1]);
    struct lease *wants_u = ask(book, "s", "u", &calls[2]);

    (void)state;
    assert_true(calls[1] == 0 && calls[2] == 0); /* the later one does not overtake */
    lease_release(&holds_t);
    assert_true(calls[1] == 1 && calls[2] == 0);
    lease_release(&wants_both);
    assert_int_equal(calls[2], 1);
    lease_release(&wants_u);
    lease_book_free(&book);
}

static void test_whoever_stops_waiting_is_not_called(void **state)
{
    struct lease_book *book = lease_book_new();
    unsigned calls[3] = {0};
    struct lease *first = ask(book, "s", "t", &calls[0]);
    struct lease *second = ask(book, "s", "t", &calls[1]);
    struct lease *third = ask(book, "s", "t", &calls[2]);

    (void)state;
    lease_release(&second);
    lease_release(&first);
    assert_true(calls[1] == 0 && calls[2] == 1);
    lease_release(&third);
    lease_book_free(&book);
}

/* A counter that only the holder of the lease may touch. */
struct shared {
    struct lease_book *book;
    int holders;
    unsigned turns;
};

struct turn {
    pthread_mutex_t mutex;
    pthread_cond_t granted;
    unsigned calls;
};

static void wake(void *context)
{
    struct turn *turn = context;

    pthread_mutex_lock(&turn->mutex);
    turn->calls++;
    pthread_cond_signal(&turn->granted);
    pthread_mutex_unlock(&turn->mutex);
}

static void *take_turns(void *context)
{
    static const char *const name = "t";
    struct shared *shared = context;

    for (unsigned i = 0; i < 500; i++) {
        struct turn turn = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
        struct lease *lease = lease_ask(shared->book, "s", &name, 1, wake, &turn);

        pthread_mutex_lock(&turn.mutex);
        while (turn.calls == 0) {
            pthread_cond_wait(&turn.granted, &turn.mutex);
        }
        pthread_mutex_unlock(&turn.mutex);
        shared->holders++;
        assert_int_equal(shared->holders, 1);
        shared->turns++;
        shared->holders--;
        lease_release(&lease);
    }
    return NULL;
}

static void test_many_threads_hold_it_one_at_a_time(void **state)
{
    struct shared shared = {.book = lease_book_new()};
    pthread_t threads[8];

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &shared), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(shared.turns, 8 * 500);
    lease_book_free(&shared.book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_is_leased_in_order_of_arrival),
        cmocka_unit_test(test_other_tables_do_not_wait),
        cmocka_unit_test(test_a_lease_on_two_tables_waits_for_both_and_holds_both),
        cmocka_unit_test(test_whoever_stops_waiting_is_not_called),
        cmocka_unit_test(test_many_threads_hold_it_one_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

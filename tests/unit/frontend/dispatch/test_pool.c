/* The pool over real sockets, with threads in the place of worker processes. */
#include <string.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/mem.h"
#include "frontend/dispatch/pool.h"
#include "tests/support/test.h"
#include "tests/unit/frontend/dispatch/thread_crew.h"

enum {
    WATCHDOG_MS = 200,
    SECOND_US = 1000000,
};

/* What a worker does with a job: its schema name. */
#define ANSWER   "answer"
#define DIE      "die" /* every time */
#define FAIL     "fail"
#define WAIT     "wait"         /* until cancelled */
#define HANG     "hang"         /* once, in the life of a test */
#define TOIL     "toil"         /* for three times the watchdog's patience, with progress */
#define BABBLE   "babble"       /* once */
#define LEAVE    "leave"        /* answer, and ask to be replaced */
#define DIE_ALL  "die together" /* once: all others, too */
#define DIE_IN_2 "die in the second file"

struct fixture {
    struct thread_crew *crew;
    atomic_uint tricks; /* that are done once */
};

static const char *name_of(const Weir__Job *job)
{
    if (job->job_case == WEIR__JOB__JOB_DECODE) {
        return DIE_IN_2;
    }
    return job->job_case == WEIR__JOB__JOB_APPLY_COMMIT ? TOIL : job->describe_table->schema_name;
}

static enum crew_act toil(struct crew_member *member, const Weir__Job *job, Weir__Result *result)
{
    for (uint64_t end_us = clock_us() + 3 * WATCHDOG_MS * 1000; clock_us() < end_us;) {
        member->page->progress++;
        if (member->page->cancelled == job->number) {
            return crew_fail(result, ERROR_CANCELLED, "the operation was cancelled");
        }
        clock_sleep_ms(5);
    }
    return CREW_ANSWERS;
}

/* The pool hears of the others only when it talks to them. */
static enum crew_act die_with_all_others(struct crew_member *member)
{
    for (uint32_t i = 0; i <= CREW_WORKERS; i++) {
        if (i != member->index) {
            member->crew->members[i].ends_slowly = true;
            thread_crew_kill(member->crew, i);
        }
    }
    return CREW_DIES;
}

static enum crew_act act(struct crew_member *member, const Weir__Job *job, Weir__Result *result)
{
    struct fixture *fixture = member->crew->context;
    const char *what = name_of(job);

    if (strcmp(what, DIE) == 0) {
        return CREW_DIES;
    }
    if (strcmp(what, DIE_ALL) == 0 && fixture->tricks++ == 0) {
        return die_with_all_others(member);
    }
    if (strcmp(what, DIE_IN_2) == 0) {
        member->page->file = 2;
        return CREW_DIES;
    }
    if (strcmp(what, FAIL) == 0) {
        return crew_fail(result, ERROR_DATA, "as it was asked for");
    }
    if (strcmp(what, WAIT) == 0) {
        return crew_work_until_cancelled(member, job, result);
    }
    if (strcmp(what, HANG) == 0 && fixture->tricks++ == 0) {
        return crew_hang(member);
    }
    if (strcmp(what, BABBLE) == 0 && fixture->tricks++ == 0) {
        return CREW_BABBLES;
    }
    if (strcmp(what, TOIL) == 0) {
        return toil(member, job, result);
    }
    result->replace_worker = strcmp(what, LEAVE) == 0;
    return CREW_ANSWERS;
}

static void with_watchdog(struct options *options)
{
    options->watchdog_ms = WATCHDOG_MS;
}

static int set_up_with(void **state, void (*init)(struct options *options))
{
    struct fixture *fixture = mem_zero(sizeof *fixture);

    fixture->crew = thread_crew_new(act, fixture, init);
    *state = fixture;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, NULL);
}

static int set_up_watchdog(void **state)
{
    return set_up_with(state, with_watchdog);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    thread_crew_free(&fixture->crew);
    mem_free(fixture);
    return 0;
}

/* A job and what it points at. */
struct request {
    Weir__DescribeTableJob wish;
    Weir__Job job;
};

static void init_request(struct request *request, const char *what)
{
    weir__describe_table_job__init(&request->wish);
    weir__job__init(&request->job);
    request->wish.schema_name = (char *)(uintptr_t)what;
    request->job.job_case = WEIR__JOB__JOB_DESCRIBE_TABLE;
    request->job.describe_table = &request->wish;
}

static bool run(struct fixture *fixture, struct ticket *ticket, enum pool_class class,
                const char *what, struct error *err)
{
    struct request request;
    Weir__Result *result = NULL;

    init_request(&request, what);
    if (!pool_run(fixture->crew->pool, ticket, class, &request.job, &result, err)) {
        assert_null(result);
        return false;
    }
    weir__result__free_unpacked(result, NULL);
    return true;
}

static bool call(struct borrowed *borrowed, const char *what, bool *lost_out, struct error *err)
{
    struct request request;
    Weir__Result *result = NULL;

    init_request(&request, what);
    if (!pool_call(borrowed, &request.job, &result, lost_out, err)) {
        return false;
    }
    weir__result__free_unpacked(result, NULL);
    return true;
}

/* ---- who gets a job ---- */

static void test_small_jobs_run_on_the_express_worker_and_large_ones_do_not(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_true(run(fixture, ticket, POOL_SMALL, ANSWER, &err));
    assert_int_equal(fixture->crew->jobs[CREW_WORKERS], 1);
    assert_true(run(fixture, ticket, POOL_LARGE, ANSWER, &err));
    assert_int_equal(fixture->crew->jobs[CREW_WORKERS], 1);
}

struct waiting_run {
    struct fixture *fixture;
    struct ticket *ticket;
    pthread_t thread;
};

static void *wait_in_pool(void *context)
{
    struct waiting_run *waiting = context;
    struct error err = {0};

    (void)run(waiting->fixture, waiting->ticket, POOL_LARGE, WAIT, &err);
    return NULL;
}

static void test_a_small_job_does_not_wait_for_large_ones(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *large = ticket_new();
    OWNED(ticket_free) struct ticket *small = ticket_new();
    struct waiting_run waiting[CREW_WORKERS + 1];
    struct error err = {0};

    for (size_t i = 0; i <= CREW_WORKERS; i++) {
        waiting[i] = (struct waiting_run){.fixture = fixture, .ticket = large};
        assert_int_equal(pthread_create(&waiting[i].thread, NULL, wait_in_pool, &waiting[i]), 0);
    }
    while (fixture->crew->jobs[0] + fixture->crew->jobs[1] < CREW_WORKERS) {
        clock_sleep_ms(1);
    }

    assert_true(run(fixture, small, POOL_SMALL, ANSWER, &err));

    ticket_cancel(large, ERROR_CANCELLED);
    for (size_t i = 0; i <= CREW_WORKERS; i++) {
        assert_int_equal(pthread_join(waiting[i].thread, NULL), 0);
    }
    assert_int_equal(fixture->crew->jobs[CREW_WORKERS], 1);
}

/* ---- what comes back ---- */

static void test_a_failure_of_the_job_is_the_error(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_false(run(fixture, ticket, POOL_SMALL, FAIL, &err));
    assert_int_equal(err.kind, ERROR_DATA);
    assert_string_equal(err.message, "as it was asked for");
}

static void test_a_job_over_the_limit_of_a_message_fails_and_kills_nobody(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    OWNED(mem_release) char *name = mem_alloc(LIMIT_IPC_MESSAGE_BYTES + 1);
    struct error err = {0};

    memset(name, 'x', LIMIT_IPC_MESSAGE_BYTES);
    name[LIMIT_IPC_MESSAGE_BYTES] = '\0';

    assert_false(run(fixture, ticket, POOL_LARGE, name, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_int_equal(fixture->crew->kills, 0);
    assert_true(run(fixture, ticket, POOL_LARGE, ANSWER, &err));
}

/* ---- workers that are lost ---- */

static void test_a_job_that_kills_workers_is_tried_three_times_and_once_on_express(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_false(run(fixture, ticket, POOL_SMALL, DIE, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_int_equal(fixture->crew->deaths, LIMIT_JOB_TRIES);
    assert_int_equal(fixture->crew->jobs[CREW_WORKERS], 1);
    assert_true(run(fixture, ticket, POOL_LARGE, ANSWER, &err)); /* replaced by now */
}

static void test_the_file_at_which_workers_died_is_told(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    Weir__DecodeJob decode = WEIR__DECODE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;
    struct error err = {0};

    job.job_case = WEIR__JOB__JOB_DECODE;
    job.decode = &decode;

    assert_false(pool_run(fixture->crew->pool, ticket, POOL_LARGE, &job, &result, &err));
    assert_int_equal(ticket_lost_file(ticket), 2);
}

static void test_a_worker_without_progress_is_killed_and_its_job_tried_again(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_true(run(fixture, ticket, POOL_LARGE, HANG, &err));
    assert_int_equal(fixture->crew->kills, 1);
    assert_int_equal(fixture->crew->deaths, 1);
}

static void test_a_worker_that_makes_progress_may_take_its_time(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_true(run(fixture, ticket, POOL_LARGE, TOIL, &err));
    assert_int_equal(fixture->crew->kills, 0);
}

static void test_a_worker_that_answers_nonsense_is_killed_and_its_job_tried_again(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_true(run(fixture, ticket, POOL_LARGE, BABBLE, &err));
    assert_int_equal(fixture->crew->kills, 1);
}

static void test_a_worker_that_cannot_be_reached_is_killed(void **state)
{
    struct fixture *fixture = *state;

    pool_worker_ready(fixture->crew->pool, 0, UINT64_MAX);
    assert_int_equal(fixture->crew->kills, 1);
}

static void test_idle_workers_that_died_are_replaced_unnoticed(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    for (uint32_t i = 0; i <= CREW_WORKERS; i++) {
        thread_crew_kill(fixture->crew, i);
    }
    assert_true(run(fixture, ticket, POOL_SMALL, ANSWER, &err));
    assert_true(run(fixture, ticket, POOL_LARGE, ANSWER, &err));
}

static void test_workers_that_die_together_cost_a_job_one_try(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_true(run(fixture, ticket, POOL_SMALL, DIE_ALL, &err));
    assert_int_equal(fixture->crew->deaths, CREW_WORKERS + 1);
}

static void test_no_dead_worker_is_borrowed(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct borrowed *borrowed = NULL;
    struct error err = {0};
    bool lost = false;

    for (uint32_t i = 0; i < CREW_WORKERS; i++) {
        fixture->crew->members[i].ends_slowly = true;
        thread_crew_kill(fixture->crew, i);
    }
    assert_true(pool_borrow(fixture->crew->pool, ticket, &borrowed, &err));
    assert_true(call(borrowed, ANSWER, &lost, &err));
    pool_give_back(&borrowed);
}

static void test_a_worker_that_asks_to_be_replaced_gets_no_other_job(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_true(run(fixture, ticket, POOL_LARGE, LEAVE, &err));

    for (int i = 0; i < 5; i++) {
        assert_true(run(fixture, ticket, POOL_LARGE, ANSWER, &err));
    }
    assert_int_equal(fixture->crew->jobs[0], 1);
    assert_int_equal(fixture->crew->jobs[1], 5);
    assert_int_equal(fixture->crew->kills, 0); /* it ends by itself */
}

/* ---- cancelling ---- */

static void test_a_cancelled_job_ends_within_a_second_with_its_reason(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct cancelling cancelling;
    uint64_t started = clock_us();
    struct error err = {0};

    cancelling_start(&cancelling, ticket, ERROR_DEADLINE);
    assert_false(run(fixture, ticket, POOL_LARGE, WAIT, &err));
    assert_int_equal(err.kind, ERROR_DEADLINE);
    assert_true(clock_us() - started < SECOND_US);
    assert_int_equal(pthread_join(cancelling.thread, NULL), 0);
    assert_int_equal(fixture->crew->deaths, 0);
}

static void test_a_commit_is_not_cancelled(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    Weir__ApplyCommitJob commit = WEIR__APPLY_COMMIT_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    struct borrowed *borrowed = NULL;
    Weir__Result *result = NULL;
    struct error err = {0};
    bool lost = false;

    assert_true(pool_borrow(fixture->crew->pool, ticket, &borrowed, &err));
    ticket_cancel(ticket, ERROR_CANCELLED);
    job.job_case = WEIR__JOB__JOB_APPLY_COMMIT;
    job.apply_commit = &commit;

    assert_true(pool_call(borrowed, &job, &result, &lost, &err));
    weir__result__free_unpacked(result, NULL);
    pool_give_back(&borrowed);
}

static void test_a_stopped_pool_takes_no_job(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    pool_stop(fixture->crew->pool);
    assert_false(run(fixture, ticket, POOL_SMALL, ANSWER, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

static void *stop_soon(void *context)
{
    clock_sleep_ms(50);
    pool_stop(context);
    return NULL;
}

static void test_a_stop_ends_the_wait_for_a_worker(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct borrowed *first = NULL;
    struct borrowed *second = NULL;
    struct error err = {0};
    pthread_t thread;

    assert_true(pool_borrow(fixture->crew->pool, ticket, &first, &err));
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, fixture->crew->pool), 0);

    assert_false(pool_borrow(fixture->crew->pool, ticket, &second, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pool_give_back(&first);
}

/* ---- several jobs at once ---- */

static void test_the_first_failure_stops_the_jobs_beside_it(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    static const char *const wishes[] = {WAIT, FAIL, ANSWER, ANSWER};
    struct request requests[4];
    Weir__Job *jobs[4];
    Weir__Result *results[4];
    uint64_t started = clock_us();
    struct error err = {0};
    size_t failed = 7;

    for (size_t i = 0; i < 4; i++) {
        init_request(&requests[i], wishes[i]);
        jobs[i] = &requests[i].job;
    }
    assert_false(pool_run_all(fixture->crew->pool, ticket, jobs, 4, results, &failed, &err));
    assert_int_equal(failed, 1);
    assert_int_equal(err.kind, ERROR_DATA);
    assert_true(clock_us() - started < SECOND_US);
    assert_true(ticket_check(ticket, &err)); /* the RPC itself was not cancelled */
}

static void test_all_jobs_answer_in_their_places(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct request requests[20];
    Weir__Job *jobs[20];
    Weir__Result *results[20];
    struct error err = {0};
    size_t failed = 0;

    for (size_t i = 0; i < 20; i++) {
        init_request(&requests[i], i == 13 ? LEAVE : ANSWER);
        jobs[i] = &requests[i].job;
    }
    assert_true(pool_run_all(fixture->crew->pool, ticket, jobs, 20, results, &failed, &err));
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(results[i]->replace_worker, i == 13);
        weir__result__free_unpacked(results[i], NULL);
    }
    assert_int_equal(fixture->crew->jobs[0] + fixture->crew->jobs[1], 20);
}

/* ---- a worker of one's own ---- */

static void test_a_borrowed_worker_that_dies_is_told(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct borrowed *borrowed = NULL;
    struct error err = {0};
    bool lost = false;

    assert_true(pool_borrow(fixture->crew->pool, ticket, &borrowed, &err));
    assert_true(call(borrowed, ANSWER, &lost, &err));
    assert_false(call(borrowed, DIE, &lost, &err));
    assert_true(lost);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    pool_give_back(&borrowed);
    assert_true(run(fixture, ticket, POOL_LARGE, ANSWER, &err));
}

static void test_a_borrowed_worker_that_died_between_calls_is_told(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct borrowed *borrowed = NULL;
    struct error err = {0};
    bool lost = false;

    assert_true(pool_borrow(fixture->crew->pool, ticket, &borrowed, &err));
    for (uint32_t i = 0; i < CREW_WORKERS; i++) {
        thread_crew_kill(fixture->crew, i);
    }

    assert_false(call(borrowed, ANSWER, &lost, &err));
    assert_true(lost);
    pool_give_back(&borrowed);
    assert_true(run(fixture, ticket, POOL_LARGE, ANSWER, &err));
}

static void test_the_memory_budget_holds_a_second_stage_back(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *first_ticket = ticket_new();
    OWNED(ticket_free) struct ticket *second_ticket = ticket_new();
    struct cancelling cancelling;
    struct borrowed *first = NULL;
    struct borrowed *second = NULL;
    struct error err = {0};

    assert_true(pool_borrow(fixture->crew->pool, first_ticket, &first, &err));
    cancelling_start(&cancelling, second_ticket, ERROR_CANCELLED);
    assert_false(pool_borrow(fixture->crew->pool, second_ticket, &second, &err));
    assert_int_equal(err.kind, ERROR_CANCELLED);
    assert_int_equal(pthread_join(cancelling.thread, NULL), 0);
    pool_give_back(&first);
    assert_true(pool_borrow(fixture->crew->pool, first_ticket, &second, &err));
    pool_give_back(&second);
}

#define TEST(test)          cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define WATCHDOG_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_watchdog, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_small_jobs_run_on_the_express_worker_and_large_ones_do_not),
        TEST(test_a_small_job_does_not_wait_for_large_ones),
        TEST(test_a_failure_of_the_job_is_the_error),
        TEST(test_a_job_over_the_limit_of_a_message_fails_and_kills_nobody),
        TEST(test_a_job_that_kills_workers_is_tried_three_times_and_once_on_express),
        TEST(test_the_file_at_which_workers_died_is_told),
        WATCHDOG_TEST(test_a_worker_without_progress_is_killed_and_its_job_tried_again),
        WATCHDOG_TEST(test_a_worker_that_makes_progress_may_take_its_time),
        TEST(test_a_worker_that_answers_nonsense_is_killed_and_its_job_tried_again),
        TEST(test_a_worker_that_cannot_be_reached_is_killed),
        TEST(test_idle_workers_that_died_are_replaced_unnoticed),
        TEST(test_workers_that_die_together_cost_a_job_one_try),
        TEST(test_no_dead_worker_is_borrowed),
        TEST(test_a_worker_that_asks_to_be_replaced_gets_no_other_job),
        TEST(test_a_cancelled_job_ends_within_a_second_with_its_reason),
        TEST(test_a_commit_is_not_cancelled),
        TEST(test_a_stopped_pool_takes_no_job),
        TEST(test_a_stop_ends_the_wait_for_a_worker),
        TEST(test_the_first_failure_stops_the_jobs_beside_it),
        TEST(test_all_jobs_answer_in_their_places),
        TEST(test_a_borrowed_worker_that_dies_is_told),
        TEST(test_a_borrowed_worker_that_died_between_calls_is_told),
        TEST(test_the_memory_budget_holds_a_second_stage_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

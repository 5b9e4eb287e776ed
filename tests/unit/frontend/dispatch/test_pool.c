/* The pool over real sockets, with threads in the place of worker processes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pthread.h>

#include "common/clock.h"
#include "common/ipc/failure.h"
#include "common/ipc/ipc.h"
#include "common/mem.h"
#include "common/role.h"
#include "frontend/dispatch/pool.h"
#include "tests/support/test.h"

enum {
    WORKERS = 2, /* and the express worker */
    LIVES_MAX = 32,
};

/* What a worker does with a job, chosen by the schema name of a DescribeTable. */
#define ANSWER "answer"
#define DIE    "die" /* every time */
#define FAIL   "fail"
#define WAIT   "wait" /* until cancelled */

struct fixture {
    char folder[64];
    struct options options;
    struct role_pages pages;
    struct pool *pool;
    pthread_mutex_t mutex; /* of what follows */
    uint64_t lives;
    unsigned deaths;
    unsigned jobs_by_worker[WORKERS + 1];
    pthread_t threads[LIVES_MAX];
    struct ipc *ipcs[LIVES_MAX];
};

struct worker {
    struct fixture *fixture;
    uint32_t index;
    uint64_t life;
    struct ipc *ipc;
};

static void start_worker(struct fixture *fixture, uint32_t index);

static void wait_until_cancelled(struct worker *worker, const Weir__Job *job, Weir__Result *result)
{
    struct role_page *page = &worker->fixture->pages.workers[worker->index];
    struct error err = {0};

    while (page->cancelled != job->number) {
        page->progress++;
        clock_sleep_ms(5);
    }
    (void)error_set(&err, ERROR_CANCELLED, "the job was cancelled");
    failure_set(result, &err);
}

/* False: the worker dies. */
static bool serve(struct worker *worker, const Weir__Job *job)
{
    const char *what = job->describe_table->schema_name;
    Weir__Result result = WEIR__RESULT__INIT;
    struct error err = {0};
    bool sent = false;

    pthread_mutex_lock(&worker->fixture->mutex);
    worker->fixture->jobs_by_worker[worker->index]++;
    pthread_mutex_unlock(&worker->fixture->mutex);
    if (strcmp(what, DIE) == 0) {
        return false;
    }
    if (strcmp(what, FAIL) == 0) {
        (void)error_set(&err, ERROR_DATA, "as it was asked for");
        failure_set(&result, &err);
    } else if (strcmp(what, WAIT) == 0) {
        wait_until_cancelled(worker, job, &result);
    }
    sent = ipc_send_result(worker->ipc, &result, &err);
    if (result.failure != NULL) {
        weir__failure__free_unpacked(result.failure, NULL);
    }
    return sent;
}

/* A worker that dies is reaped and replaced, as the supervisor would do. */
static void *work(void *context)
{
    struct worker *worker = context;
    struct fixture *fixture = worker->fixture;
    Weir__Job *job = NULL;
    struct error err = {0};
    bool alive = true;

    while (alive && ipc_receive_job(worker->ipc, &job, &err)) {
        alive = serve(worker, job);
        weir__job__free_unpacked(job, NULL);
    }
    if (!alive) {
        pthread_mutex_lock(&fixture->mutex);
        fixture->deaths++;
        pthread_mutex_unlock(&fixture->mutex);
        start_worker(fixture, worker->index);
        pool_worker_reaped(fixture->pool, worker->index, worker->life, 9);
        pthread_mutex_lock(&fixture->mutex);
        pool_worker_ready(fixture->pool, worker->index, fixture->lives);
        pthread_mutex_unlock(&fixture->mutex);
    }
    mem_free(worker);
    return NULL;
}

static void start_worker(struct fixture *fixture, uint32_t index)
{
    struct worker *worker = mem_zero(sizeof *worker);
    char address[ROLE_ADDRESS_MAX];
    struct error err = {0};

    pthread_mutex_lock(&fixture->mutex);
    assert_true(fixture->lives + 1 < LIVES_MAX);
    *worker = (struct worker){.fixture = fixture, .index = index, .life = ++fixture->lives};
    role_worker_address(address, sizeof address, fixture->folder, index, worker->life);
    if (!ipc_listen(address, &worker->ipc, &err)) {
        fail_msg("%s", err.message);
    }
    fixture->ipcs[worker->life] = worker->ipc;
    assert_int_equal(pthread_create(&fixture->threads[worker->life], NULL, work, worker), 0);
    pthread_mutex_unlock(&fixture->mutex);
}

static int set_up(void **state)
{
    struct fixture *fixture = mem_zero(sizeof *fixture);

    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/weir-test-pool-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(pthread_mutex_init(&fixture->mutex, NULL), 0);
    fixture->options.workers = WORKERS;
    fixture->options.watchdog_ms = 60000;
    fixture->options.memory_budget_bytes = 1;
    fixture->pool = pool_new(&fixture->options, fixture->folder, &fixture->pages);
    for (uint32_t i = 0; i <= WORKERS; i++) {
        start_worker(fixture, i);
        pool_worker_ready(fixture->pool, i, fixture->lives);
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    pool_stop(fixture->pool);
    for (uint64_t life = 1; life <= fixture->lives; life++) {
        ipc_interrupt(fixture->ipcs[life]);
        assert_int_equal(pthread_join(fixture->threads[life], NULL), 0);
        ipc_close(&fixture->ipcs[life]);
    }
    pool_free(&fixture->pool);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", fixture->folder);
    assert_int_equal(system(command), 0);
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
    if (!pool_run(fixture->pool, ticket, class, &request.job, &result, err)) {
        assert_null(result);
        return false;
    }
    weir__result__free_unpacked(result, NULL);
    return true;
}

static void test_small_jobs_run_on_the_express_worker_and_large_ones_do_not(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_true(run(fixture, ticket, POOL_SMALL, ANSWER, &err));
    assert_int_equal(fixture->jobs_by_worker[WORKERS], 1);
    assert_true(run(fixture, ticket, POOL_LARGE, ANSWER, &err));
    assert_int_equal(fixture->jobs_by_worker[WORKERS], 1);
}

static void test_a_failure_of_the_job_is_the_error(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_false(run(fixture, ticket, POOL_SMALL, FAIL, &err));
    assert_int_equal(err.kind, ERROR_DATA);
    assert_string_equal(err.message, "as it was asked for");
}

static void test_a_job_that_kills_workers_is_tried_three_times_and_once_on_express(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    assert_false(run(fixture, ticket, POOL_SMALL, DIE, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_int_equal(fixture->deaths, LIMIT_JOB_TRIES);
    assert_int_equal(fixture->jobs_by_worker[WORKERS], 1);
    assert_true(run(fixture, ticket, POOL_LARGE, ANSWER, &err)); /* replaced by now */
}

struct cancelling {
    struct ticket *ticket;
    enum error_kind kind;
};

static void *cancel_soon(void *context)
{
    struct cancelling *cancelling = context;

    clock_sleep_ms(100);
    ticket_cancel(cancelling->ticket, cancelling->kind);
    return NULL;
}

static void test_a_cancelled_job_ends_within_a_second_with_its_reason(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct cancelling cancelling = {ticket, ERROR_DEADLINE};
    uint64_t started = clock_us();
    struct error err = {0};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancelling), 0);
    assert_false(run(fixture, ticket, POOL_LARGE, WAIT, &err));
    assert_int_equal(err.kind, ERROR_DEADLINE);
    assert_true(clock_us() - started < 1000000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(fixture->deaths, 0);
}

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
    assert_false(pool_run_all(fixture->pool, ticket, jobs, 4, results, &failed, &err));
    assert_int_equal(failed, 1);
    assert_int_equal(err.kind, ERROR_DATA);
    assert_true(clock_us() - started < 1000000);
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
        init_request(&requests[i], ANSWER);
        jobs[i] = &requests[i].job;
    }
    assert_true(pool_run_all(fixture->pool, ticket, jobs, 20, results, &failed, &err));
    for (size_t i = 0; i < 20; i++) {
        assert_non_null(results[i]);
        weir__result__free_unpacked(results[i], NULL);
    }
    assert_int_equal(fixture->jobs_by_worker[0] + fixture->jobs_by_worker[1], 20);
}

static void test_a_borrowed_worker_that_dies_is_told(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct borrowed *borrowed = NULL;
    struct request request;
    Weir__Result *result = NULL;
    struct error err = {0};
    bool lost = false;

    assert_true(pool_borrow(fixture->pool, ticket, &borrowed, &err));
    init_request(&request, ANSWER);
    assert_true(pool_call(borrowed, &request.job, &result, &lost, &err));
    weir__result__free_unpacked(result, NULL);
    init_request(&request, DIE);
    assert_false(pool_call(borrowed, &request.job, &result, &lost, &err));
    assert_true(lost);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    pool_give_back(&borrowed);
    assert_true(run(fixture, ticket, POOL_LARGE, ANSWER, &err));
}

static void test_the_memory_budget_holds_a_second_stage_back(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *first_ticket = ticket_new();
    OWNED(ticket_free) struct ticket *second_ticket = ticket_new();
    struct cancelling cancelling = {second_ticket, ERROR_CANCELLED};
    struct borrowed *first = NULL;
    struct borrowed *second = NULL;
    struct error err = {0};
    pthread_t thread;

    assert_true(pool_borrow(fixture->pool, first_ticket, &first, &err));
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancelling), 0);
    assert_false(pool_borrow(fixture->pool, second_ticket, &second, &err));
    assert_int_equal(err.kind, ERROR_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pool_give_back(&first);
    assert_true(pool_borrow(fixture->pool, first_ticket, &second, &err));
    pool_give_back(&second);
}

static void test_a_stopped_pool_takes_no_job(void **state)
{
    struct fixture *fixture = *state;
    OWNED(ticket_free) struct ticket *ticket = ticket_new();
    struct error err = {0};

    pool_stop(fixture->pool);
    assert_false(run(fixture, ticket, POOL_SMALL, ANSWER, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

#define POOL_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(test_small_jobs_run_on_the_express_worker_and_large_ones_do_not),
        POOL_TEST(test_a_failure_of_the_job_is_the_error),
        POOL_TEST(test_a_job_that_kills_workers_is_tried_three_times_and_once_on_express),
        POOL_TEST(test_a_cancelled_job_ends_within_a_second_with_its_reason),
        POOL_TEST(test_the_first_failure_stops_the_jobs_beside_it),
        POOL_TEST(test_all_jobs_answer_in_their_places),
        POOL_TEST(test_a_borrowed_worker_that_dies_is_told),
        POOL_TEST(test_the_memory_budget_holds_a_second_stage_back),
        POOL_TEST(test_a_stopped_pool_takes_no_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* common/ipc: jobs and results between two ends in one process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pthread.h>

#include "common/clock.h"
#include "common/ipc/ipc.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tests/support/test.h"

/* A connected pair, as worker and frontend have it. */
struct pair {
    char folder[64];
    char address[96];
    struct ipc *worker;
    struct ipc *frontend;
};

static int open_pair(void **state)
{
    struct pair *pair = mem_zero(sizeof *pair);
    struct error err = {0};

    strcpy(pair->folder, "/tmp/weir-test-ipc-XXXXXX");
    assert_non_null(mkdtemp(pair->folder));
    snprintf(pair->address, sizeof pair->address, "ipc://%s/worker", pair->folder);
    assert_true(ipc_listen(pair->address, &pair->worker, &err));
    assert_true(ipc_dial(pair->address, &pair->frontend, &err));
    *state = pair;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *pair = *state;

    ipc_close(&pair->frontend);
    ipc_close(&pair->worker);
    assert_int_equal(rmdir(pair->folder), 0);
    mem_free(pair);
    return 0;
}

static char schema_name[] = "shop";
static char table_name[] = "orders";

static Weir__Job describe_job(Weir__DescribeTableJob *wish)
{
    Weir__Job job = WEIR__JOB__INIT;

    weir__describe_table_job__init(wish);
    wish->schema_name = schema_name;
    wish->table_name = table_name;
    job.number = 7;
    job.job_case = WEIR__JOB__JOB_DESCRIBE_TABLE;
    job.describe_table = wish;
    return job;
}

static void test_a_job_arrives_as_it_was_sent(void **state)
{
    struct pair *pair = *state;
    Weir__DescribeTableJob wish;
    Weir__Job job = describe_job(&wish);
    Weir__Job *received = NULL;
    struct error err = {0};

    assert_true(ipc_send_job(pair->frontend, &job, &err));
    assert_true(ipc_receive_job(pair->worker, &received, &err));

    assert_int_equal(received->number, 7);
    assert_int_equal(received->job_case, WEIR__JOB__JOB_DESCRIBE_TABLE);
    assert_string_equal(received->describe_table->table_name, "orders");
    weir__job__free_unpacked(received, NULL);
}

static void test_a_result_arrives_as_it_was_sent(void **state)
{
    struct pair *pair = *state;
    Weir__Result result = WEIR__RESULT__INIT;
    Weir__Result *received = NULL;
    struct error err = {0};

    result.too_large = 1;
    assert_true(ipc_send_result(pair->worker, &result, &err));
    assert_true(ipc_receive_result(pair->frontend, &received, &err));

    assert_true(received->too_large);
    weir__result__free_unpacked(received, NULL);
}

static void test_a_message_of_many_mebibytes_arrives(void **state)
{
    struct pair *pair = *state;
    const size_t size = 40 * MIB;
    OWNED(mem_release) char *name = mem_alloc(size + 1);
    Weir__DescribeTableJob wish;
    Weir__Job job = describe_job(&wish);
    Weir__Job *received = NULL;
    struct error err = {0};

    memset(name, 'x', size);
    name[size] = '\0';
    wish.table_name = name;
    assert_true(ipc_send_job(pair->frontend, &job, &err));
    assert_true(ipc_receive_job(pair->worker, &received, &err));

    assert_int_equal(strlen(received->describe_table->table_name), size);
    weir__job__free_unpacked(received, NULL);
}

static void test_a_message_over_the_limit_is_not_sent(void **state)
{
    struct pair *pair = *state;
    OWNED(mem_release) char *name = mem_alloc(LIMIT_IPC_MESSAGE_BYTES + 1);
    Weir__DescribeTableJob wish;
    Weir__Job job = describe_job(&wish);
    struct error err = {0};

    memset(name, 'x', LIMIT_IPC_MESSAGE_BYTES);
    name[LIMIT_IPC_MESSAGE_BYTES] = '\0';
    wish.table_name = name;

    assert_false(ipc_send_job(pair->frontend, &job, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
}

static void test_a_job_in_place_of_a_result_is_refused(void **state)
{
    struct pair *pair = *state;
    Weir__DescribeTableJob wish;
    Weir__Job job = describe_job(&wish);
    Weir__Result *received = NULL;
    struct error err = {0};

    assert_true(ipc_send_job(pair->worker, &job, &err));

    assert_false(ipc_receive_result(pair->frontend, &received, &err));
    assert_int_equal(err.kind, ERROR_INTERNAL);
    assert_null(received);
}

static void *interrupt_soon(void *context)
{
    clock_sleep_ms(50);
    ipc_interrupt(context);
    return NULL;
}

static void test_an_interrupt_ends_the_wait_of_another_thread(void **state)
{
    struct pair *pair = *state;
    Weir__Result *received = NULL;
    struct error err = {0};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, pair->frontend), 0);
    bool got = ipc_receive_result(pair->frontend, &received, &err);
    assert_int_equal(pthread_join(thread, NULL), 0);

    assert_false(got);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

static void test_after_an_interrupt_nothing_waits(void **state)
{
    struct pair *pair = *state;
    Weir__DescribeTableJob wish;
    Weir__Job job = describe_job(&wish);
    Weir__Result *received = NULL;
    struct error err = {0};

    ipc_interrupt(pair->frontend);
    ipc_interrupt(pair->frontend);

    assert_false(ipc_send_job(pair->frontend, &job, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_false(ipc_receive_result(pair->frontend, &received, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

static void test_dialing_where_nobody_listens_fails(void **state)
{
    struct pair *pair = *state;
    struct ipc *ipc = NULL;
    struct error err = {0};
    char address[128];

    snprintf(address, sizeof address, "ipc://%s/nobody", pair->folder);

    assert_false(ipc_dial(address, &ipc, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_null(ipc);
}

static void test_an_address_that_is_taken_is_refused(void **state)
{
    struct pair *pair = *state;
    struct ipc *ipc = NULL;
    struct error err = {0};

    assert_false(ipc_listen(pair->address, &ipc, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        TEST(test_a_job_arrives_as_it_was_sent),
        TEST(test_a_result_arrives_as_it_was_sent),
        TEST(test_a_message_of_many_mebibytes_arrives),
        TEST(test_a_message_over_the_limit_is_not_sent),
        TEST(test_a_job_in_place_of_a_result_is_refused),
        TEST(test_an_interrupt_ends_the_wait_of_another_thread),
        TEST(test_after_an_interrupt_nothing_waits),
        TEST(test_dialing_where_nobody_listens_fails),
        TEST(test_an_address_that_is_taken_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

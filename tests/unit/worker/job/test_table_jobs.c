/* worker/job: the jobs about tables and the store. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/job/fixture.h"

static const Weir__Result *describe(const char *name)
{
    Weir__DescribeTableJob asked;
    Weir__Job job = WEIR__JOB__INIT;
    const Weir__Result *result;

    weir__describe_table_job__init(&asked);
    asked.schema_name = mem_text("s");
    asked.table_name = mem_text(name);
    job.job_case = WEIR__JOB__JOB_DESCRIBE_TABLE;
    job.describe_table = &asked;
    result = job_fixture_run(&job);
    mem_free(asked.schema_name);
    mem_free(asked.table_name);
    return result;
}

/* Overwrites LMDB's two head pages. */
static void damage_registry(void)
{
    static const char damage[8192] = "damage";
    char path[100];

    snprintf(path, sizeof path, "%s/registry.mdb", job_fixture_options.data_dir);

    int file = open(path, O_WRONLY);

    assert_int_equal(write(file, damage, sizeof damage), sizeof damage);
    close(file);
}

static void test_a_created_table_is_described(void **state)
{
    const Weir__Result *result;

    (void)state;
    assert_null(job_fixture_create("t", 1)->failure);
    result = describe("t");
    assert_null(result->failure);
    assert_int_equal(result->table->n_columns, 3);
    assert_string_equal(result->table->columns[2]->name, "price");
    assert_int_equal(result->table->columns[2]->precision, 38);
    assert_int_equal(result->table->columns[2]->scale, 37);
    assert_int_equal(result->table->columns[0]->key_position, 1);
}

static void test_a_missing_table_is_described_as_absent(void **state)
{
    const Weir__Result *result;

    (void)state;
    result = describe("none");
    assert_null(result->failure);
    assert_null(result->table);
}

static void test_trouble_is_never_described_as_absent(void **state)
{
    const Weir__Result *result;

    (void)state;
    assert_null(job_fixture_create("t", 1)->failure);
    damage_registry();
    result = describe("none");
    assert_non_null(result->failure);
    assert_int_equal(result->failure->kind, ERROR_STORE);
}

static void test_creating_a_table_twice_is_a_failure_but_a_retry_is_none(void **state)
{
    const Weir__Result *result;

    (void)state;
    assert_null(job_fixture_create("t", 1)->failure);
    assert_null(job_fixture_create("t", 1)->failure);
    result = job_fixture_create("t", 2);
    assert_non_null(result->failure);
    assert_int_equal(result->failure->kind, ERROR_REQUEST);
    assert_string_equal(result->failure->message, "table \"s.t\" already exists");
}

static void test_a_batch_of_the_stored_columns_gets_their_ids(void **state)
{
    Weir__CheckBatchJob check = WEIR__CHECK_BATCH_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    const Weir__Result *result;

    (void)state;
    assert_null(job_fixture_create("t", 1)->failure);
    check.table = job_fixture_table("t", 0);
    job.job_case = WEIR__JOB__JOB_CHECK_BATCH;
    job.check_batch = &check;
    result = job_fixture_run(&job);
    weir__table_entry__free_unpacked(check.table, NULL);
    assert_null(result->failure);
    assert_int_equal(result->table->table_id, 1);
    assert_int_equal(result->n_request_column_ids, 3);
    assert_int_equal(result->request_column_ids[2], result->table->columns[2]->id);
}

static void test_a_job_without_its_table_is_a_failure(void **state)
{
    Weir__CheckBatchJob check = WEIR__CHECK_BATCH_JOB__INIT;
    Weir__CreateTableJob create = WEIR__CREATE_TABLE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    (void)state;
    job.job_case = WEIR__JOB__JOB_CHECK_BATCH;
    job.check_batch = &check;
    assert_non_null(job_fixture_run(&job)->failure);
    job.job_case = WEIR__JOB__JOB_CREATE_TABLE;
    job.create_table = &create;
    assert_non_null(job_fixture_run(&job)->failure);
}

static void test_the_store_is_tested_for_real(void **state)
{
    Weir__TestStoreJob test = WEIR__TEST_STORE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    (void)state;
    test.read_back = true;
    job.job_case = WEIR__JOB__JOB_TEST_STORE;
    job.test_store = &test;
    assert_null(job_fixture_run(&job)->failure);

    damage_registry();
    assert_non_null(job_fixture_run(&job)->failure);
}

static void test_the_sweep_makes_a_new_data_folder_ready(void **state)
{
    Weir__SweepJob sweep = WEIR__SWEEP_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    char path[100];

    (void)state;
    job.job_case = WEIR__JOB__JOB_SWEEP;
    job.sweep = &sweep;
    assert_null(job_fixture_run(&job)->failure);
    snprintf(path, sizeof path, "%s/runs", job_fixture_options.data_dir);
    assert_int_equal(access(path, W_OK), 0);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, job_fixture_setup, job_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_created_table_is_described),
        TEST(test_a_missing_table_is_described_as_absent),
        TEST(test_trouble_is_never_described_as_absent),
        TEST(test_creating_a_table_twice_is_a_failure_but_a_retry_is_none),
        TEST(test_a_batch_of_the_stored_columns_gets_their_ids),
        TEST(test_a_job_without_its_table_is_a_failure),
        TEST(test_the_store_is_tested_for_real),
        TEST(test_the_sweep_makes_a_new_data_folder_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

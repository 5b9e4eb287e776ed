/* worker/job/job: running a job of any kind. */
#include <stdatomic.h>
#include <string.h>

#include "tests/support/test.h"
#include "tests/unit/worker/job/fixture.h"

static void test_every_kind_has_a_name_and_stands_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < job_kinds_count; i++) {
        assert_non_null(job_kinds[i].run);
        for (unsigned j = 0; j < i; j++) {
            assert_int_not_equal(job_kinds[i].which, job_kinds[j].which);
            assert_string_not_equal(job_kinds[i].name, job_kinds[j].name);
        }
    }
}

static void test_every_kind_of_the_protocol_has_a_row(void **state)
{
    const ProtobufCMessageDescriptor *job = &weir__job__descriptor;

    (void)state;
    for (unsigned i = 0; i < job->n_fields; i++) {
        bool is_kind = job->fields[i].type == PROTOBUF_C_TYPE_MESSAGE;
        bool has_row = false;

        for (unsigned j = 0; j < job_kinds_count; j++) {
            has_row = has_row || (uint32_t)job_kinds[j].which == job->fields[i].id;
        }
        if (is_kind != has_row) {
            fail_msg("%s", job->fields[i].name);
        }
    }
}

static void test_a_ping_is_answered(void **state)
{
    Weir__PingJob ping = WEIR__PING_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    (void)state;
    job.job_case = WEIR__JOB__JOB_PING;
    job.ping = &ping;
    assert_null(job_fixture_run(&job)->failure);
    assert_int_equal(atomic_load(&job_fixture_page.job), 0);
    assert_true(atomic_load(&job_fixture_page.progress) > 0);
}

static void test_a_job_without_a_kind_is_a_failure(void **state)
{
    Weir__Job job = WEIR__JOB__INIT;
    const Weir__Result *result;

    (void)state;
    result = job_fixture_run(&job);
    assert_non_null(result->failure);
    assert_int_equal(result->failure->kind, ERROR_INTERNAL);
}

static void test_a_cancelled_job_stops_and_the_next_one_runs(void **state)
{
    Weir__PingJob ping = WEIR__PING_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    const Weir__Result *result;

    (void)state;
    job.job_case = WEIR__JOB__JOB_PING;
    job.ping = &ping;
    job.number = 7;
    atomic_store(&job_fixture_page.cancelled, 7);
    result = job_fixture_run(&job);
    assert_non_null(result->failure);
    assert_int_equal(result->failure->kind, ERROR_CANCELLED);

    job.number = 8;
    assert_null(job_fixture_run(&job)->failure);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, job_fixture_setup, job_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_kind_has_a_name_and_stands_once),
        TEST(test_every_kind_of_the_protocol_has_a_row),
        TEST(test_a_ping_is_answered),
        TEST(test_a_job_without_a_kind_is_a_failure),
        TEST(test_a_cancelled_job_stops_and_the_next_one_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which job decodes which files. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/mem.h"
#include "frontend/dispatch/plan.h"
#include "tests/support/test.h"

enum {
    FILES = 6
};

struct fixture {
    char folder[64];
    char *paths[FILES];
    struct batch_file files[FILES];
    struct batch_request request;
    struct plan plan;
    Weir__BatchTerms terms;
};

static int set_up(void **state)
{
    struct fixture *fixture = mem_zero(sizeof *fixture);

    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/weir-test-plan-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->request.files = fixture->files;
    weir__batch_terms__init(&fixture->terms);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    plan_clear(&fixture->plan);
    for (size_t i = 0; i < fixture->request.files_count; i++) {
        assert_int_equal(unlink(fixture->paths[i]), 0);
        mem_free(fixture->paths[i]);
    }
    assert_int_equal(rmdir(fixture->folder), 0);
    mem_free(fixture);
    return 0;
}

static void add_file(struct fixture *fixture, Weir__FileKind kind, uint64_t size)
{
    size_t i = fixture->request.files_count++;
    FILE *file = NULL;

    fixture->paths[i] = mem_format("%s/%zu", fixture->folder, i);
    file = fopen(fixture->paths[i], "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (off_t)size), 0);
    assert_int_equal(fclose(file), 0);
    fixture->files[i] = (struct batch_file){.path = fixture->paths[i], .kind = kind};
}

static void test_ordinals_count_from_zero_in_each_phase(void **state)
{
    struct fixture *fixture = *state;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, 1);
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, 1);
    add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, 1);
    plan_init(&fixture->plan, &fixture->request);

    assert_int_equal(fixture->plan.files[0]->ordinal, 0);
    assert_int_equal(fixture->plan.files[1]->ordinal, 1);
    assert_int_equal(fixture->plan.files[2]->ordinal, 0);
}

static void test_small_neighbours_of_one_kind_share_a_job(void **state)
{
    struct fixture *fixture = *state;
    OWNED(plan_jobs_free) struct plan_jobs *jobs = NULL;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, 1);
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, 1);
    add_file(fixture, WEIR__FILE_KIND__FILE_UPDATE, 1);
    plan_init(&fixture->plan, &fixture->request);
    jobs = plan_decode_jobs(&fixture->plan, &fixture->terms);

    assert_int_equal(jobs->count, 2);
    assert_int_equal(jobs->jobs[0]->decode->n_files, 2);
    assert_int_equal(jobs->jobs[1]->decode->n_files, 1);
    assert_int_equal(jobs->jobs[1]->decode->files[0]->kind, WEIR__FILE_KIND__FILE_UPDATE);
}

static void test_large_files_have_jobs_of_their_own(void **state)
{
    struct fixture *fixture = *state;
    OWNED(plan_jobs_free) struct plan_jobs *jobs = NULL;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, 1);
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, MIB);
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, MIB);
    plan_init(&fixture->plan, &fixture->request);
    jobs = plan_decode_jobs(&fixture->plan, &fixture->terms);

    assert_int_equal(jobs->count, 3);
}

static void test_a_batch_is_small_up_to_the_limit_of_all_its_files(void **state)
{
    struct fixture *fixture = *state;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, LIMIT_SMALL_BATCH_BYTES - 1);
    add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, 1);
    plan_init(&fixture->plan, &fixture->request);
    assert_true(plan_is_small(&fixture->plan));
    plan_clear(&fixture->plan);

    add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, 1);
    plan_init(&fixture->plan, &fixture->request);
    assert_false(plan_is_small(&fixture->plan));
}

static void test_a_compressed_batch_is_expected_to_grow(void **state)
{
    struct fixture *fixture = *state;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, LIMIT_SMALL_BATCH_BYTES / 2);
    fixture->request.compression = 1;
    plan_init(&fixture->plan, &fixture->request);

    assert_false(plan_is_small(&fixture->plan));
}

static void test_what_is_no_file_counts_nothing_and_is_left_to_the_job(void **state)
{
    struct fixture *fixture = *state;
    OWNED(plan_jobs_free) struct plan_jobs *jobs = NULL;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, 1);
    fixture->files[0].path = "/nonexistent/file";
    plan_init(&fixture->plan, &fixture->request);
    jobs = plan_decode_jobs(&fixture->plan, &fixture->terms);

    assert_true(plan_is_small(&fixture->plan));
    assert_int_equal(jobs->count, 1);
    assert_string_equal(jobs->jobs[0]->decode->files[0]->path, "/nonexistent/file");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ordinals_count_from_zero_in_each_phase),
        TEST(test_small_neighbours_of_one_kind_share_a_job),
        TEST(test_large_files_have_jobs_of_their_own),
        TEST(test_a_batch_is_small_up_to_the_limit_of_all_its_files),
        TEST(test_a_compressed_batch_is_expected_to_grow),
        TEST(test_what_is_no_file_counts_nothing_and_is_left_to_the_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

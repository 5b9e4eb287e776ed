/* A small batch is one job: files in, rows in the store. */
#include <string.h>

#include "common/ipc/failure.h"
#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/job/batch_fixture.h"

static void test_phases_of_a_small_batch_apply_in_order(void **state)
{
    struct fixture *fixture = *state;

    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n2,y,2\n3,z,3\n");
    fixture_apply_small(fixture);
    fixture_assert_table(fixture, "1:x:1;2:y:2;3:z:3;");

    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "b,id\n7,1\n8,4\n");
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_UPDATE,
                     "id,a,b\n4,new,unmod-x\n9,skipped,1\n2,unmod-x,null-x\n4,newer,unmod-x\n");
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, "id\n3\n17\n");
    fixture_apply_small(fixture);
    fixture_assert_table(fixture, "1:NULL:7;2:y:NULL;4:newer:8;");
}

static void test_later_rows_of_a_key_win(void **state)
{
    struct fixture *fixture = *state;

    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n1,y,2\n");
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,z,3\n");
    fixture_apply_small(fixture);
    fixture_assert_table(fixture, "1:z:3;");
}

static void test_columns_outside_the_request_keep_their_values(void **state)
{
    struct fixture *fixture = *state;

    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n");
    fixture_apply_small(fixture);
    fixture->entry->n_columns = 2; /* id, a */
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a\n1,y\n2,z\n");
    fixture_apply_small(fixture);
    fixture->entry->n_columns = 3;
    fixture_assert_table(fixture, "1:y:1;2:z:NULL;");
}

static void test_a_bad_file_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    Weir__Result *result = NULL;

    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n");
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, "id\nnot a number\n");
    result = fixture_small_batch(fixture);
    fixture_assert_failure(result, "1.csv\": line 2: column \"id\"");
    fixture_free_result(&result);
    fixture_assert_table(fixture, "");
}

static void test_a_large_batch_says_so_and_does_nothing(void **state)
{
    struct fixture *fixture = *state;
    OWNED(mem_release) char *text = mem_zero(9 << 20);
    Weir__Result *result = NULL;

    memcpy(text, "id,a\n1,", 7);
    memset(text + 7, 'x', (9 << 20) - 8);
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, text);
    result = fixture_small_batch(fixture);
    fixture_assert_success(result);
    assert_true(result->too_large);
    fixture_free_result(&result);
    fixture_assert_table(fixture, "");
}

static void test_a_cancelled_job_stops(void **state)
{
    struct fixture *fixture = *state;
    OWNED(fixture_free_result) Weir__Result *result = NULL;

    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n");
    fixture->page.cancelled = 1;
    result = fixture_small_batch(fixture);
    assert_non_null(result->failure);
    assert_int_equal(result->failure->kind, ERROR_CANCELLED);
    fixture->page.cancelled = 0;
    fixture_assert_table(fixture, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_phases_of_a_small_batch_apply_in_order, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_later_rows_of_a_key_win, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_columns_outside_the_request_keep_their_values,
                                        fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_file_changes_nothing, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_large_batch_says_so_and_does_nothing, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_cancelled_job_stops, fixture_set_up,
                                        fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

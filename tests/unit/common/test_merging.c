/* How many runs are merged at once. */
#include "common/limits.h"
#include "common/merging.h"
#include "tests/support/test.h"

static void test_small_runs_are_counted(void **state)
{
    (void)state;
    assert_true(merging_fits(0, 0));
    assert_true(merging_fits(LIMIT_RUNS_MERGED, LIMIT_MERGING_BYTES));
    assert_false(merging_fits(LIMIT_RUNS_MERGED + 1, 0));
}

static void test_runs_with_large_rows_are_weighed(void **state)
{
    (void)state;
    assert_false(merging_fits(100, LIMIT_MERGING_BYTES + 1));
    assert_true(merging_fits(16, UINT64_MAX)); /* so few are, whatever they take */
    assert_false(merging_fits(17, LIMIT_MERGING_BYTES + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_runs_are_counted),
        cmocka_unit_test(test_runs_with_large_rows_are_weighed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

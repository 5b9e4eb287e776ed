/* The runs of a batch stay in order, also when many are merged. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/merging.h"
#include "frontend/dispatch/runs.h"
#include "tests/support/test.h"

static const uint8_t batch_id[16] = {1};

static Weir__Result *new_result(size_t runs)
{
    Weir__Result *result = mem_alloc(sizeof *result);

    weir__result__init(result);
    result->runs = mem_zero_array(runs + 1, sizeof(Weir__Run *));
    return result;
}

static void add(Weir__Result *result, Weir__FileKind kind, uint32_t ordinal, uint32_t sequence)
{
    Weir__Run *run = mem_alloc(sizeof *run);

    weir__run__init(run);
    run->kind = kind;
    run->first_ordinal = ordinal;
    run->sequence = sequence;
    run->size_bytes = 1;
    run->path = mem_text("/nonexistent/run");
    result->runs[result->n_runs++] = run;
}

static void take(struct runs *runs, Weir__Result *result)
{
    runs_take(runs, result);
    weir__result__free_unpacked(result, NULL);
}

static void test_runs_are_given_by_kind_in_order_of_files(void **state)
{
    struct runs runs;
    Weir__Result *first = new_result(3);
    Weir__Result *second = new_result(3);
    Weir__Run **of_kind = NULL;
    size_t count = 0;

    (void)state;
    runs_init(&runs, "/nonexistent", batch_id);
    assert_string_equal(runs.folder, "/nonexistent/runs/01000000000000000000000000000000");
    add(first, WEIR__FILE_KIND__FILE_UPDATE, 2, 1);
    add(first, WEIR__FILE_KIND__FILE_DELETE, 0, 0);
    add(first, WEIR__FILE_KIND__FILE_UPDATE, 2, 0);
    add(second, WEIR__FILE_KIND__FILE_UPDATE, 1, 0);
    take(&runs, first);
    take(&runs, second);
    runs_of_kind(&runs, WEIR__FILE_KIND__FILE_UPDATE, &of_kind, &count);
    assert_int_equal(count, 3);
    assert_int_equal(of_kind[0]->first_ordinal, 1);
    assert_true(of_kind[1]->first_ordinal == 2 && of_kind[1]->sequence == 0);
    assert_true(of_kind[2]->first_ordinal == 2 && of_kind[2]->sequence == 1);
    runs_of_kind(&runs, WEIR__FILE_KIND__FILE_REPLACE, &of_kind, &count);
    assert_int_equal(count, 0);
    runs_clear(&runs);
}

static void test_surplus_is_merged_until_few_enough_are_left_in_order(void **state)
{
    struct runs runs;
    Weir__Result *many = new_result(2000);
    Weir__Run **merged = NULL;
    Weir__Run **of_kind = NULL;
    size_t count = 0;
    uint32_t last = 0;

    (void)state;
    runs_init(&runs, "/nonexistent", batch_id);
    for (uint32_t i = 0; i < 2000; i++) {
        add(many, WEIR__FILE_KIND__FILE_REPLACE, i, 0);
    }
    take(&runs, many);
    while (runs_surplus(&runs, &merged, &count)) {
        Weir__Result *one = new_result(1);

        assert_true(count >= 2 && count <= LIMIT_RUNS_MERGED);
        add(one, WEIR__FILE_KIND__FILE_REPLACE, merged[0]->first_ordinal, 0);
        one->runs[0]->size_bytes = count;
        runs_replace(&runs, merged, count, one);
        weir__result__free_unpacked(one, NULL);
    }
    runs_of_kind(&runs, WEIR__FILE_KIND__FILE_REPLACE, &of_kind, &count);
    assert_int_equal(count, LIMIT_RUNS_MERGED); /* no more than needed was merged */
    assert_int_equal(of_kind[0]->first_ordinal, 0);
    for (size_t i = 1; i < count; i++) {
        assert_true(of_kind[i]->first_ordinal > last);
        last = of_kind[i]->first_ordinal;
    }
    runs_clear(&runs);
}

/* Those with the large rows are in the way, although the others are more. */
static void test_the_runs_that_take_the_memory_are_merged(void **state)
{
    struct runs runs;
    Weir__Result *many = new_result(LIMIT_RUNS_MERGED);
    Weir__Run **merged = NULL;
    size_t count = 0;

    (void)state;
    runs_init(&runs, "/nonexistent", batch_id);
    for (uint32_t i = 0; i < LIMIT_RUNS_MERGED; i++) {
        add(many, WEIR__FILE_KIND__FILE_REPLACE, i, 0);
        many->runs[i]->reading_bytes =
            LIMIT_MERGING_BYTES / (i < LIMIT_RUNS_MERGED - 40 ? 1000 : 10);
    }
    take(&runs, many);
    assert_true(runs_surplus(&runs, &merged, &count));
    assert_int_equal(count, 16);
    assert_true(merged[0]->first_ordinal >= LIMIT_RUNS_MERGED - 40);
    runs_clear(&runs);
}

static void test_one_run_that_takes_all_the_memory_is_never_merged_alone(void **state)
{
    struct runs runs;
    Weir__Result *many = new_result(40);
    Weir__Run **merged = NULL;
    size_t count = 0;

    (void)state;
    runs_init(&runs, "/nonexistent", batch_id);
    for (uint32_t i = 0; i < 40; i++) {
        add(many, WEIR__FILE_KIND__FILE_REPLACE, i, 0);
    }
    many->runs[20]->reading_bytes = LIMIT_MERGING_BYTES + 1;
    take(&runs, many);
    assert_true(runs_surplus(&runs, &merged, &count));
    assert_true(count > 1); /* one alone would become itself, for ever */
    runs_clear(&runs);
}

static void test_runs_with_large_rows_are_merged_in_smaller_numbers(void **state)
{
    struct runs runs;
    Weir__Result *many = new_result(200);
    Weir__Run **merged = NULL;
    size_t count = 0;
    size_t merges = 0;

    (void)state;
    runs_init(&runs, "/nonexistent", batch_id);
    for (uint32_t i = 0; i < 200; i++) {
        add(many, WEIR__FILE_KIND__FILE_REPLACE, i, 0);
        many->runs[i]->reading_bytes = LIMIT_MERGING_BYTES / (i < 10 ? 3 : 1000);
    }
    take(&runs, many);
    while (runs_surplus(&runs, &merged, &count)) {
        Weir__Result *one = new_result(1);
        uint64_t reading_bytes = 0;
        uint64_t largest = 0;

        for (size_t i = 0; i < count; i++) {
            reading_bytes += merged[i]->reading_bytes;
            largest = merged[i]->reading_bytes > largest ? merged[i]->reading_bytes : largest;
        }
        assert_true(merging_fits(count, reading_bytes));
        add(one, WEIR__FILE_KIND__FILE_REPLACE, merged[0]->first_ordinal, 0);
        one->runs[0]->size_bytes = count;
        one->runs[0]->reading_bytes = largest;
        runs_replace(&runs, merged, count, one);
        weir__result__free_unpacked(one, NULL);
        merges++;
    }
    assert_int_equal(merges, 1); /* of those with the large rows, which are in the way */
    assert_true(runs.count > 180);
    runs_clear(&runs);
}

static void test_the_folder_goes_with_the_batch(void **state)
{
    char data_dir[] = "/tmp/weir-test-runs-XXXXXX";
    OWNED(mem_release) char *runs_folder = NULL;
    OWNED(mem_release) char *file = NULL;
    struct runs runs;

    (void)state;
    assert_non_null(mkdtemp(data_dir));
    runs_folder = mem_format("%s/runs", data_dir);
    assert_int_equal(mkdir(runs_folder, 0700), 0);
    runs_init(&runs, data_dir, batch_id);
    assert_int_equal(mkdir(runs.folder, 0700), 0);
    file = mem_format("%s/1.run", runs.folder);
    assert_int_equal(symlink("/etc/passwd", file), 0);
    runs_clear(&runs);
    assert_int_equal(rmdir(runs_folder), 0); /* it is empty again */
    assert_int_equal(rmdir(data_dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_are_given_by_kind_in_order_of_files),
        cmocka_unit_test(test_surplus_is_merged_until_few_enough_are_left_in_order),
        cmocka_unit_test(test_the_runs_that_take_the_memory_are_merged),
        cmocka_unit_test(test_one_run_that_takes_all_the_memory_is_never_merged_alone),
        cmocka_unit_test(test_runs_with_large_rows_are_merged_in_smaller_numbers),
        cmocka_unit_test(test_the_folder_goes_with_the_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

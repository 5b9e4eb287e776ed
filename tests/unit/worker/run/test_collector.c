/* worker/run/collector: any number of entries in any order come back sorted, and leave nothing. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>

#include "common/limits.h"
#include "common/mem.h"
#include "tests/support/test.h"
#include "worker/run/collector.h"
#include "worker/value/number.h"

enum {
    ENTRIES = 20000,
    BUDGET_BYTES = 1024, /* makes more run files of them than merge at once */
    KEY_BYTES = 8,
    LARGE_ENTRIES = 64, /* each in a run of its own: together more than is merged at once */
    LARGE_BYTES = 2 * 1024 * 1024,
};

static char folder[64]; /* exists */
static char runs[80];   /* the collector's, in it */

static bool go_on(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return true;
}

static const struct run_watch watch = {go_on, NULL};

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/weir-collector-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(runs, sizeof runs, "%s/runs", folder);
    return 0;
}

/* Fails if a run or its folder is still there. */
static int teardown(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* Adds the numbers below ENTRIES in an order of their own, each twice: as "a", later as "b". */
static void add_entries(struct run_collector *collector)
{
    struct error err = {0};
    uint8_t key[KEY_BYTES];

    for (uint64_t i = 0; i < 2 * ENTRIES; i++) {
        const struct run_entry entry = {
            .key = key,
            .key_length = sizeof key,
            .change = (const uint8_t *)(i < ENTRIES ? "a" : "b"),
            .change_length = 1,
        };

        number_write_be(key, i * 7919 % ENTRIES, sizeof key);
        assert_true(run_collector_add(collector, &entry, &err));
    }
}

static size_t count_run_files(void)
{
    DIR *opened = opendir(runs);
    const struct dirent *entry = NULL;
    size_t count = 0;

    assert_non_null(opened);
    while ((entry = readdir(opened)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    assert_int_equal(closedir(opened), 0);
    return count;
}

static void assert_sorted(struct run_collector *collector)
{
    struct run_merger *merger = NULL;
    struct run_entry entry;
    struct error err = {0};

    assert_true(run_collector_finish(collector, &merger, &err));
    for (uint64_t i = 0; i < 2 * ENTRIES; i++) {
        assert_int_equal(run_merger_next(merger, &entry, &err), RUN_ENTRY);
        assert_int_equal(number_read_be(entry.key, sizeof(uint64_t)), i / 2);
        assert_int_equal(entry.change[0], i % 2 == 0 ? 'a' : 'b');
    }
    assert_int_equal(run_merger_next(merger, &entry, &err), RUN_END);
    run_merger_free(&merger);
}

static void test_entries_come_back_in_order_and_equal_keys_as_they_were_added(void **state)
{
    struct run_builder *builder = run_builder_new(BUDGET_BYTES);
    struct run_collector *collector = run_collector_new(builder, runs, 0, &watch);

    (void)state;
    add_entries(collector);
    assert_true(count_run_files() > 2 * LIMIT_RUNS_MERGED);
    assert_sorted(collector);
    assert_int_equal(count_run_files(), LIMIT_RUNS_MERGED - 1); /* no more than needed was merged */
    run_collector_free(&collector);
    run_builder_free(&builder);
}

static void test_runs_with_large_entries_are_merged_in_turns(void **state)
{
    struct run_builder *builder = run_builder_new(LARGE_BYTES);
    struct run_collector *collector = run_collector_new(builder, runs, 0, &watch);
    OWNED(mem_release) uint8_t *change = mem_zero(LARGE_BYTES);
    struct run_merger *merger = NULL;
    struct run_entry entry;
    struct error err = {0};

    (void)state;
    assert_true((uint64_t)LARGE_ENTRIES * LARGE_BYTES > LIMIT_MERGING_BYTES);
    for (uint8_t i = 0; i < LARGE_ENTRIES; i++) {
        const uint8_t key = (uint8_t)(LARGE_ENTRIES - 1 - i) / 2;

        change[LARGE_BYTES - 1] = i;
        entry = (struct run_entry){
            .key = &key, .key_length = 1, .change = change, .change_length = LARGE_BYTES};
        assert_true(run_collector_add(collector, &entry, &err));
    }
    assert_int_equal(count_run_files(), LARGE_ENTRIES - 1);
    assert_true(run_collector_finish(collector, &merger, &err));
    assert_true(count_run_files() * LARGE_BYTES < LIMIT_MERGING_BYTES);
    for (uint8_t i = 0; i < LARGE_ENTRIES; i++) {
        assert_int_equal(run_merger_next(merger, &entry, &err), RUN_ENTRY);
        assert_int_equal(entry.key[0], i / 2);
        assert_int_equal(entry.change[LARGE_BYTES - 1], (LARGE_ENTRIES - 1 - i) ^ 1);
    }
    assert_int_equal(run_merger_next(merger, &entry, &err), RUN_END);
    run_merger_free(&merger);
    run_collector_free(&collector);
    run_builder_free(&builder);
}

static void test_few_entries_take_no_disk(void **state)
{
    struct run_builder *builder = run_builder_new(BUDGET_BYTES * 4096);
    struct run_collector *collector = run_collector_new(builder, runs, 0, &watch);

    (void)state;
    add_entries(collector);
    assert_sorted(collector);
    assert_int_not_equal(access(runs, F_OK), 0);
    run_collector_free(&collector);
    run_builder_free(&builder);
}

/* A job whose worker died is tried again under the same name. */
static void test_runs_of_a_killed_try_are_overwritten(void **state)
{
    struct run_builder *builder = run_builder_new(BUDGET_BYTES);
    struct run_collector *collector = run_collector_new(builder, runs, 0, &watch);
    char left[96];

    (void)state;
    (void)snprintf(left, sizeof left, "%s/0", runs);
    assert_int_equal(mkdir(runs, 0700), 0);
    assert_int_equal(close(open(left, O_WRONLY | O_CREAT, 0600)), 0);
    add_entries(collector);
    assert_sorted(collector);
    run_collector_free(&collector);
    run_builder_free(&builder);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_entries_come_back_in_order_and_equal_keys_as_they_were_added),
        TEST(test_runs_with_large_entries_are_merged_in_turns),
        TEST(test_few_entries_take_no_disk),
        TEST(test_runs_of_a_killed_try_are_overwritten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

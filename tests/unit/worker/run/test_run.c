/* Runs: sorted, stable, whole or refused. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "worker/run/run.h"

enum {
    ENTRIES = 5000
};

static const uint8_t secret[32] = {1, 2, 3};

struct fixture {
    char folder[64];
    unsigned seed;
};

static int set_up(void **state)
{
    struct fixture *fixture = mem_zero(sizeof *fixture);

    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/weir-test-run-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->seed = (unsigned)getpid();
    print_message("seed %u\n", fixture->seed);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", fixture->folder);
    assert_int_equal(system(command), 0);
    mem_free(fixture);
    return 0;
}

static char *path_in(const struct fixture *fixture, unsigned number)
{
    return mem_format("%s/%u.run", fixture->folder, number);
}

static bool add(struct run_builder *builder, const void *key, size_t key_length, const void *change,
                size_t change_length)
{
    const struct run_entry entry = {
        .key = key,
        .key_length = key_length,
        .change = change,
        .change_length = change_length,
    };

    return run_builder_add(builder, &entry);
}

/* Adds entries with random keys, many of them equal; the change tells the order of adding. */
static void add_random(struct run_builder *builder, unsigned *seed, uint32_t *number,
                       unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char key[40];
        int length = snprintf(key, sizeof key, rand_r(seed) % 2 ? "%u" : "the same beginning %u",
                              (unsigned)rand_r(seed) % 700);

        assert_true(add(builder, key, (size_t)length + 1, number, sizeof *number));
        (*number)++;
    }
}

static void assert_in_order(struct run_merger *merger, size_t count)
{
    OWNED(mem_release) uint8_t *last_key = mem_zero(64);
    struct run_entry entry = {0};
    struct error err = {0};
    uint32_t last_number = 0;
    size_t seen = 0;

    while (run_merger_next(merger, &entry, &err) == RUN_ENTRY) {
        uint32_t number = 0;
        int order = strcmp((const char *)last_key, (const char *)entry.key);

        memcpy(&number, entry.change, sizeof number);
        assert_true(order < 0 || (order == 0 && last_number < number) || seen == 0);
        memcpy(last_key, entry.key, entry.key_length);
        last_number = number;
        seen++;
    }
    assert_int_equal(err.kind, ERROR_NONE);
    assert_int_equal(seen, count);
}

static void test_merged_runs_are_sorted_and_keep_the_order_of_equal_keys(void **state)
{
    struct fixture *fixture = *state;
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(run_builder_free) struct run_builder *last = run_builder_new(1 << 20);
    struct error err = {0};
    uint32_t number = 1;
    uint64_t size = 0;

    for (unsigned i = 0; i < 7; i++) {
        OWNED(mem_release) char *path = path_in(fixture, i);
        const struct run_place place = {.path = path, .key = secret, .nonce = i};

        run_builder_reset(builder);
        add_random(builder, &fixture->seed, &number, ENTRIES / 8 + i);
        run_builder_sort(builder);
        assert_true(run_write(builder, &place, 0, &size, &err));
        assert_true(run_merger_add_file(merger, &place, &err));
    }
    add_random(last, &fixture->seed, &number, 100);
    run_builder_sort(last);
    run_merger_add_memory(merger, last);
    assert_in_order(merger, number - 1);
}

static void test_runs_merged_to_a_file_read_the_same(void **state)
{
    struct fixture *fixture = *state;
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    OWNED(run_merger_free) struct run_merger *again = run_merger_new();
    OWNED(run_builder_free) struct run_builder *first = run_builder_new(1 << 20);
    OWNED(run_builder_free) struct run_builder *second = run_builder_new(1 << 20);
    OWNED(mem_release) char *path = path_in(fixture, 1);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    struct error err = {0};
    uint32_t number = 1;
    uint64_t entries = 0;
    uint64_t size = 0;
    struct stat status;

    add_random(first, &fixture->seed, &number, ENTRIES);
    add_random(second, &fixture->seed, &number, ENTRIES);
    run_builder_sort(first);
    run_builder_sort(second);
    run_merger_add_memory(merger, first);
    run_merger_add_memory(merger, second);
    assert_true(run_write_merged(merger, &place, 0, &entries, &size, &err));
    assert_int_equal(entries, number - 1);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, size);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(run_merger_add_file(again, &place, &err));
    assert_in_order(again, number - 1);
}

static void test_a_builder_is_full_at_its_budget_but_takes_one_large_entry(void **state)
{
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(64 * 1024);
    OWNED(mem_release) uint8_t *large = mem_zero(1 << 20);
    size_t added = 0;

    (void)state;
    assert_true(add(builder, "key", 4, large, 1 << 20));
    assert_false(add(builder, "key", 4, "x", 1));
    run_builder_reset(builder);
    while (add(builder, "key", 4, large, 100)) {
        added++;
    }
    assert_int_equal(added, run_builder_entries(builder));
    assert_true(added * 100 < 64 * 1024);
    assert_true(added * 150 > 64 * 1024 / 2);
}

static void test_large_entries_cross_chunks(void **state)
{
    struct fixture *fixture = *state;
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    OWNED(mem_release) char *path = path_in(fixture, 1);
    OWNED(mem_release) uint8_t *large = mem_zero(300000);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    struct run_entry entry = {0};
    struct error err = {0};
    uint64_t size = 0;

    memset(large, 'x', 300000);
    assert_true(add(builder, "b", 2, large, 300000));
    assert_true(add(builder, "a", 2, large, 65530));
    assert_true(add(builder, "c", 2, "", 0));
    run_builder_sort(builder);
    assert_true(run_write(builder, &place, 0, &size, &err));
    assert_true(run_merger_add_file(merger, &place, &err));
    assert_int_equal(run_merger_next(merger, &entry, &err), RUN_ENTRY);
    assert_int_equal(entry.change_length, 65530);
    assert_int_equal(run_merger_next(merger, &entry, &err), RUN_ENTRY);
    assert_int_equal(entry.change_length, 300000);
    assert_memory_equal(entry.change, large, 300000);
    assert_int_equal(run_merger_next(merger, &entry, &err), RUN_ENTRY);
    assert_string_equal((const char *)entry.key, "c");
    assert_int_equal(run_merger_next(merger, &entry, &err), RUN_END);
}

static enum run_next read_to_the_end(const struct run_place *place, struct error *err)
{
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    struct run_entry entry = {0};
    enum run_next next = RUN_ENTRY;

    if (!run_merger_add_file(merger, place, err)) {
        return RUN_FAILED;
    }
    while (next == RUN_ENTRY) {
        next = run_merger_next(merger, &entry, err);
    }
    return next;
}

static void test_damaged_cut_and_foreign_runs_are_refused(void **state)
{
    struct fixture *fixture = *state;
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(mem_release) char *path = path_in(fixture, 1);
    struct run_place place = {.path = path, .key = secret, .nonce = 1};
    uint32_t number = 1;
    uint64_t size = 0;
    struct error err = {0};
    int fd = -1;

    add_random(builder, &fixture->seed, &number, ENTRIES);
    run_builder_sort(builder);
    assert_true(run_write(builder, &place, 0, &size, &err));
    assert_int_equal(read_to_the_end(&place, &err), RUN_END);

    place.nonce = 2;
    assert_int_equal(read_to_the_end(&place, &err), RUN_FAILED);
    assert_int_equal(err.kind, ERROR_STORE);
    place.nonce = 1;

    fd = open(path, O_RDWR | O_CLOEXEC);
    for (unsigned i = 0; i < 40; i++) {
        off_t at = (off_t)((uint64_t)rand_r(&fixture->seed) % size);
        uint8_t byte = 0;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_int_equal(read_to_the_end(&place, &err), RUN_FAILED);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    assert_int_equal(ftruncate(fd, (off_t)size - 30), 0);
    assert_int_equal(read_to_the_end(&place, &err), RUN_FAILED);
    (void)close(fd);
}

static void test_a_disk_with_too_little_room_fails_and_leaves_no_file(void **state)
{
    struct fixture *fixture = *state;
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(mem_release) char *path = path_in(fixture, 1);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    struct error err = {0};
    uint64_t size = 0;

    run_builder_sort(builder);
    assert_false(run_write(builder, &place, UINT64_MAX, &size, &err));
    assert_int_equal(err.kind, ERROR_FULL);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_a_run_file_is_never_written_over(void **state)
{
    struct fixture *fixture = *state;
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(mem_release) char *path = path_in(fixture, 1);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    struct error err = {0};
    uint64_t size = 0;

    run_builder_sort(builder);
    assert_true(run_write(builder, &place, 0, &size, &err));
    assert_false(run_write(builder, &place, 0, &size, &err));
    assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_merged_runs_are_sorted_and_keep_the_order_of_equal_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_runs_merged_to_a_file_read_the_same, set_up,
                                        tear_down),
        cmocka_unit_test(test_a_builder_is_full_at_its_budget_but_takes_one_large_entry),
        cmocka_unit_test_setup_teardown(test_large_entries_cross_chunks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_cut_and_foreign_runs_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_disk_with_too_little_room_fails_and_leaves_no_file,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_file_is_never_written_over, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

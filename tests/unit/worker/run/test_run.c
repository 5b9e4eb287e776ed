/* Runs: sorted, stable, whole or refused. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/magic.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "worker/run/chunk.h"
#include "worker/run/entry.h"
#include "worker/run/run_file.h"
#include "worker/run/run_magic.h"

enum {
    ENTRIES = 5000,
    CANNOT_MOUNT = 77,
};

static const uint8_t secret[32] = {1, 2, 3};

static bool tick(void *context, struct error *err)
{
    (void)err;
    if (context != NULL) {
        ++*(unsigned *)context;
    }
    return true;
}

static bool refuse(void *context, struct error *err)
{
    (void)context;
    return error_set(err, ERROR_CANCELLED, "the operation was cancelled");
}

static const struct run_watch no_watch = {tick, NULL};

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
    struct run_size size = {0};

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
    struct run_size size = {0};
    struct stat status;

    add_random(first, &fixture->seed, &number, ENTRIES);
    add_random(second, &fixture->seed, &number, ENTRIES);
    run_builder_sort(first);
    run_builder_sort(second);
    run_merger_add_memory(merger, first);
    run_merger_add_memory(merger, second);
    assert_true(run_write_merged(merger, &place, 0, &no_watch, &size, &err));
    assert_int_equal(size.entries, number - 1);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, size.file_bytes);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(run_merger_add_file(again, &place, &err));
    assert_in_order(again, number - 1);
}

static void test_a_cancelled_merge_leaves_no_file(void **state)
{
    struct fixture *fixture = *state;
    const struct run_watch watch = {refuse, NULL};
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(mem_release) char *path = path_in(fixture, 1);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    struct error err = {0};
    uint32_t number = 1;
    struct run_size size = {0};

    add_random(builder, &fixture->seed, &number, ENTRIES);
    run_builder_sort(builder);
    run_merger_add_memory(merger, builder);
    assert_false(run_write_merged(merger, &place, 0, &watch, &size, &err));
    assert_int_equal(err.kind, ERROR_CANCELLED);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_a_merge_to_a_file_shows_its_progress(void **state)
{
    struct fixture *fixture = *state;
    unsigned ticks = 0;
    const struct run_watch watch = {tick, &ticks};
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(mem_release) char *path = path_in(fixture, 1);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    struct error err = {0};
    uint32_t number = 1;
    struct run_size size = {0};

    add_random(builder, &fixture->seed, &number, 3 * RUN_TICK_ENTRIES);
    run_builder_sort(builder);
    run_merger_add_memory(merger, builder);
    assert_true(run_write_merged(merger, &place, 0, &watch, &size, &err));
    assert_int_equal(ticks, 3);
}

/* Sorts keys whose first `shared` bytes agree, and which may end in zeros that others lack. */
static void assert_sorts_behind(struct fixture *fixture, size_t shared)
{
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(64 << 20);
    uint8_t last[300] = {0};
    size_t last_length = 0;
    uint32_t last_number = 0;

    for (uint32_t number = 1; number <= 4 * ENTRIES; number++) {
        uint8_t key[300] = {0};
        size_t length = shared + 10 + (size_t)rand_r(&fixture->seed) % 20;

        memset(key, 7, shared);
        key[shared + (size_t)rand_r(&fixture->seed) % 10] = (uint8_t)(rand_r(&fixture->seed) % 3);
        assert_true(add(builder, key, length, &number, sizeof number));
    }
    run_builder_sort(builder);
    for (size_t i = 0; i < run_builder_entries(builder); i++) {
        struct run_entry entry = run_builder_entry(builder, i);
        size_t common = entry.key_length < last_length ? entry.key_length : last_length;
        int order = memcmp(last, entry.key, common);
        uint32_t number = 0;

        memcpy(&number, entry.change, sizeof number);
        assert_true(order < 0 || (order == 0 && last_length < entry.key_length) ||
                    (order == 0 && last_length == entry.key_length && last_number < number));
        memcpy(last, entry.key, entry.key_length);
        last_length = entry.key_length;
        last_number = number;
    }
}

static void test_keys_with_a_common_beginning_sort_as_the_rest_says(void **state)
{
    assert_sorts_behind(*state, 0);
    assert_sorts_behind(*state, 20);
    assert_sorts_behind(*state, 240);
}

/* In KiB; 0 where the sanitizers' own memory makes it meaningless. */
static long private_memory(void)
{
    long kib = 0;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "RssAnon: %ld", &kib);
    }
    (void)fclose(file);
#endif
    return kib;
}

static void test_collecting_and_sorting_stay_within_the_budget(void **state)
{
    struct fixture *fixture = *state;
    long before = private_memory();
    OWNED(run_builder_free)
    struct run_builder *builder = before > 0 ? run_builder_new(32 << 20) : NULL;
    uint8_t key[24] = "the same beginning";

    if (before == 0) {
        skip();
    }
    do {
        int random = rand_r(&fixture->seed);

        memcpy(key + 18, &random, sizeof random);
    } while (add(builder, key, sizeof key, "change", 6));
    run_builder_sort(builder);
    /* Entries, index and its spare may each end in a large page that is not full. */
    assert_in_range(private_memory() - before, 24 << 10, 39 << 10);
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
    struct run_size size = {0};

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

/* What a file has in memory, in parts of 100. */
static size_t share_in_page_cache(const char *path)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int fd = open(path, O_RDONLY);
    struct stat status;
    unsigned char *resident = NULL;
    void *mapped = NULL;
    size_t pages = 0;
    size_t count = 0;

    assert_int_equal(fstat(fd, &status), 0);
    pages = ((size_t)status.st_size + page - 1) / page;
    resident = mem_zero(pages);
    mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(mapped != MAP_FAILED);
    assert_int_equal(mincore(mapped, (size_t)status.st_size, resident), 0);
    for (size_t i = 0; i < pages; i++) {
        count += resident[i] & 1;
    }
    assert_int_equal(munmap(mapped, (size_t)status.st_size), 0);
    assert_int_equal(close(fd), 0);
    mem_free(resident);
    return 100 * count / pages;
}

static void test_what_was_read_can_leave_the_page_cache(void **state)
{
    struct fixture *fixture = *state;
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(64 << 20);
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    OWNED(mem_release) char *path = path_in(fixture, 1);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    struct run_size size = {0};
    struct error err = {0};
    struct statfs disk;
    uint32_t number = 1;
    int fd = -1;

    add_random(builder, &fixture->seed, &number, 200000);
    run_builder_sort(builder);
    assert_true(run_write(builder, &place, 0, &size, &err));
    fd = open(path, O_RDONLY);
    assert_int_equal(fsync(fd), 0); /* what is not on disk stays */
    assert_int_equal(fstatfs(fd, &disk), 0);
    assert_int_equal(close(fd), 0);

    assert_true(run_merger_add_file(merger, &place, &err));
    run_merger_drop_cache(merger);
    assert_in_order(merger, number - 1);
    if (disk.f_type != TMPFS_MAGIC) {
        assert_true(share_in_page_cache(path) < 20);
    }
}

static void test_damaged_cut_and_foreign_runs_are_refused(void **state)
{
    struct fixture *fixture = *state;
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(mem_release) char *path = path_in(fixture, 1);
    struct run_place place = {.path = path, .key = secret, .nonce = 1};
    uint32_t number = 1;
    struct run_size size = {0};
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
        off_t at = (off_t)((uint64_t)rand_r(&fixture->seed) % size.file_bytes);
        uint8_t byte = 0;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_int_equal(read_to_the_end(&place, &err), RUN_FAILED);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    assert_int_equal(ftruncate(fd, (off_t)size.file_bytes - 30), 0);
    assert_int_equal(read_to_the_end(&place, &err), RUN_FAILED);
    (void)close(fd);
}

/* Writes a run of several full chunks and gives the place of its first one. */
static void write_chunks(const struct run_place *place)
{
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(mem_release) uint8_t *large = mem_zero(4 * CHUNK_PLAIN_MAX);
    struct error err = {0};
    struct run_size size = {0};

    assert_true(add(builder, "key", 4, large, 4 * CHUNK_PLAIN_MAX));
    run_builder_sort(builder);
    assert_true(run_write(builder, place, 0, &size, &err));
}

static void copy_chunk(const char *from, unsigned number, int to, unsigned number_there)
{
    OWNED(mem_release) uint8_t *chunk = mem_zero(CHUNK_SEALED_MAX);
    int fd = open(from, O_RDONLY | O_CLOEXEC);

    assert_int_equal(
        pread(fd, chunk, CHUNK_SEALED_MAX, RUN_MAGIC_BYTES + (off_t)number * CHUNK_SEALED_MAX),
        CHUNK_SEALED_MAX);
    assert_int_equal(pwrite(to, chunk, CHUNK_SEALED_MAX,
                            RUN_MAGIC_BYTES + (off_t)number_there * CHUNK_SEALED_MAX),
                     CHUNK_SEALED_MAX);
    (void)close(fd);
}

static void test_a_chunk_in_anothers_place_is_refused(void **state)
{
    struct fixture *fixture = *state;
    OWNED(mem_release) char *path = path_in(fixture, 1);
    OWNED(mem_release) char *other_path = path_in(fixture, 2);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    const struct run_place other = {.path = other_path, .key = secret, .nonce = 2};
    struct error err = {0};
    int fd = -1;

    write_chunks(&place);
    write_chunks(&other);
    fd = open(path, O_RDWR | O_CLOEXEC);

    copy_chunk(path, 2, fd, 1);
    assert_int_equal(read_to_the_end(&place, &err), RUN_FAILED);

    copy_chunk(other_path, 1, fd, 1);
    assert_int_equal(read_to_the_end(&place, &err), RUN_FAILED);
    (void)close(fd);
}

static void test_a_run_cut_between_two_chunks_is_refused(void **state)
{
    struct fixture *fixture = *state;
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(mem_release) uint8_t *filling = mem_zero(CHUNK_PLAIN_MAX);
    OWNED(mem_release) char *path = path_in(fixture, 1);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    struct error err = {0};
    struct run_size size = {0};

    /* The first entry ends where the first chunk does. */
    assert_true(add(builder, "a", 2, filling, CHUNK_PLAIN_MAX - ENTRY_HEADER_BYTES - 2));
    assert_true(add(builder, "b", 2, filling, 100));
    run_builder_sort(builder);
    assert_true(run_write(builder, &place, 0, &size, &err));

    assert_int_equal(truncate(path, RUN_MAGIC_BYTES + CHUNK_SEALED_MAX), 0);
    assert_int_equal(read_to_the_end(&place, &err), RUN_FAILED);
    assert_int_equal(err.kind, ERROR_STORE);
}

/* Runs in a process of its own: the disk is a small one in memory, which takes root's rights. */
static int write_to_a_small_disk(const struct fixture *fixture)
{
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(8 << 20);
    OWNED(mem_release) uint8_t *large = mem_zero(2 << 20);
    OWNED(mem_release) char *path = path_in(fixture, 1);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    struct error err = {0};
    struct run_size size = {0};

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", fixture->folder, "tmpfs", 0, "size=1m") != 0) {
        return CANNOT_MOUNT;
    }
    if (!add(builder, "key", 4, large, 2 << 20)) {
        return 1;
    }
    run_builder_sort(builder);
    if (run_write(builder, &place, 0, &size, &err)) {
        return 2;
    }
    if (err.kind != ERROR_FULL || err.hint[0] == '\0') {
        return 3;
    }
    return access(path, F_OK) == -1 ? 0 : 4;
}

static void test_a_full_disk_fails_and_leaves_no_file(void **state)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        _exit(write_to_a_small_disk(*state));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT_MOUNT) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_a_disk_with_too_little_room_fails_and_leaves_no_file(void **state)
{
    struct fixture *fixture = *state;
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(1 << 20);
    OWNED(mem_release) char *path = path_in(fixture, 1);
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    struct error err = {0};
    struct run_size size = {0};

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
    struct run_size size = {0};

    run_builder_sort(builder);
    assert_true(run_write(builder, &place, 0, &size, &err));
    assert_false(run_write(builder, &place, 0, &size, &err));
    assert_int_equal(access(path, F_OK), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_merged_runs_are_sorted_and_keep_the_order_of_equal_keys),
        TEST(test_runs_merged_to_a_file_read_the_same),
        TEST(test_a_cancelled_merge_leaves_no_file),
        TEST(test_a_merge_to_a_file_shows_its_progress),
        TEST(test_keys_with_a_common_beginning_sort_as_the_rest_says),
        TEST(test_collecting_and_sorting_stay_within_the_budget),
        TEST(test_a_builder_is_full_at_its_budget_but_takes_one_large_entry),
        TEST(test_large_entries_cross_chunks),
        TEST(test_what_was_read_can_leave_the_page_cache),
        TEST(test_damaged_cut_and_foreign_runs_are_refused),
        TEST(test_a_chunk_in_anothers_place_is_refused),
        TEST(test_a_run_cut_between_two_chunks_is_refused),
        TEST(test_a_full_disk_fails_and_leaves_no_file),
        TEST(test_a_disk_with_too_little_room_fails_and_leaves_no_file),
        TEST(test_a_run_file_is_never_written_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

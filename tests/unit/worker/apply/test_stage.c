/* The apply stage: in place or in a new generation, all of a batch or nothing. */
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <dirent.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"
#include "worker/apply/stage.h"
#include "worker/value/number.h"

enum {
    KEY_BYTES = 4,
    ROW_BYTES = 1000,
    MANY_ROWS = 30000, /* several portions of a generation that is filled */
    CANNOT_MOUNT = 77,
};

static const uint8_t operation[LIMIT_OPERATION_ID_BYTES] = {7};

static const struct store_watch no_watch;

/* Begins a batch of which nothing is known. */
static struct stage *begin(struct store *store, const struct table *table, bool *already_out)
{
    const struct stage_batch batch = {0};
    struct stage *stage = NULL;
    struct error err = {0};

    if (!stage_begin(store, table, operation, &batch, &no_watch, &stage, already_out, &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(stage == NULL, *already_out);
    return stage;
}

/* Begins a batch whose entries lie around these two keys. */
static struct stage *begin_watched(struct store *store, const struct table *table, uint64_t entries,
                                   uint32_t low, uint32_t high, const struct store_watch *watch)
{
    static uint8_t next_operation[LIMIT_OPERATION_ID_BYTES] = {100};
    uint8_t bytes[2][KEY_BYTES];
    struct stage_key keys[] = {
        {bytes[1], KEY_BYTES},
        {bytes[0], KEY_BYTES},
    };
    const struct stage_batch batch = {.entries = entries, .keys = keys, .keys_count = 2};
    struct stage *stage = NULL;
    bool already = false;
    struct error err = {0};

    number_write_be(bytes[0], low, KEY_BYTES);
    number_write_be(bytes[1], high, KEY_BYTES);
    next_operation[0]++;
    if (!stage_begin(store, table, next_operation, &batch, watch, &stage, &already, &err)) {
        fail_msg("%s", err.message);
    }
    assert_false(already);
    return stage;
}

static struct stage *begin_spread(struct store *store, const struct table *table, uint64_t entries,
                                  uint32_t low, uint32_t high)
{
    return begin_watched(store, table, entries, low, high, &no_watch);
}

static void put_rows(struct store_txn *txn, uint32_t first, uint32_t end, uint8_t value)
{
    uint8_t row[ROW_BYTES];

    memset(row, value, sizeof row);
    for (uint32_t key = first; key < end; key++) {
        uint8_t key_bytes[KEY_BYTES];

        number_write_be(key_bytes, key, KEY_BYTES);
        store_row_put(txn, key_bytes, KEY_BYTES, row, sizeof row);
    }
    assert_true(store_txn_check(txn, &(struct error){0}));
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

static void commit_many_rows(struct store *store, const struct table *table)
{
    struct store_txn *txn = fixture_begin(store, table, 1);

    put_rows(txn, 0, MANY_ROWS, 1);
    fixture_commit(&txn);
}

static void commit(struct stage **stage)
{
    struct error err = {0};
    bool spilled = false;

    if (!stage_commit(stage, &spilled, &err)) {
        fail_msg("%s", err.message);
    }
    assert_null(*stage);
}

/* How many rows the table has for a reader, each of which must hold what `value_of` says. */
static uint64_t count_rows(struct store *store, uint8_t (*value_of)(uint32_t key))
{
    struct store_reader *reader = NULL;
    const uint8_t *key = NULL;
    const uint8_t *row = NULL;
    size_t key_length = 0;
    size_t row_length = 0;
    uint64_t count = 0;
    enum store_next next = STORE_END;
    struct error err = {0};

    assert_true(store_reader_open(store, "s", "t", &reader, &err));
    while ((next = store_reader_next(reader, &key, &key_length, &row, &row_length, &err)) ==
           STORE_ROW) {
        count++;
        if (value_of != NULL) {
            assert_int_equal(row_length, ROW_BYTES);
            assert_int_equal(row[0], value_of((uint32_t)number_read_be(key, KEY_BYTES)));
        }
    }
    assert_int_equal(next, STORE_END);
    assert_int_equal(store_reader_rows(reader), count);
    store_reader_close(&reader);
    return count;
}

static uint64_t generation_now(struct store *store)
{
    OWNED(table_free) struct table *table = NULL;
    struct error err = {0};

    assert_true(registry_find(store, "s", "t", &table, &err));
    return table->generation;
}

/* Generations on disk, named or not. */
static unsigned count_generations(const struct table *table)
{
    OWNED(mem_release)
    char *path = mem_format("%s/tables/%llu", fixture_folder, (unsigned long long)table->id);
    DIR *folder = opendir(path);
    const struct dirent *file = NULL;
    unsigned count = 0;

    assert_non_null(folder);
    while ((file = readdir(folder)) != NULL) {
        size_t length = strlen(file->d_name);

        count += length > 4 && strcmp(file->d_name + length - 4, ".mdb") == 0 ? 1 : 0;
    }
    (void)closedir(folder);
    return count;
}

static uint8_t third_phase(uint32_t key)
{
    return key % 2 == 0 && key < 100 ? 3 : 1;
}

static void test_an_empty_table_is_filled_unseen_and_then_seen_whole(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    bool already = false;
    struct stage *stage = begin(store, table, &already);

    (void)state;
    put_rows(stage_txn(stage), 0, MANY_ROWS, 1);
    assert_int_equal(count_rows(store, NULL), 0);
    /* Later phases meet rows that went to the file in an earlier portion. */
    for (uint32_t key = 0; key < 100; key += 2) {
        put_rows(stage_txn(stage), key, key + 1, 3);
    }
    for (uint32_t key = 1000; key < 2000; key++) {
        uint8_t key_bytes[KEY_BYTES];

        number_write_be(key_bytes, key, KEY_BYTES);
        store_row_delete(stage_txn(stage), key_bytes, KEY_BYTES);
    }
    commit(&stage);
    assert_int_equal(count_rows(store, third_phase), MANY_ROWS - 1000);
    assert_int_not_equal(generation_now(store), table->generation);
    assert_int_equal(count_generations(table), 1);
}

/* The later phase changes every page of what the first one has written. */
static void test_later_phases_take_no_more_memory_than_a_portion(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    bool already = false;
    struct stage *stage = begin(store, table, &already);
    long before = 0;

    (void)state;
    put_rows(stage_txn(stage), 0, MANY_ROWS, 1);
    before = private_memory();
    for (uint32_t key = 0; key < MANY_ROWS; key += 4) {
        uint8_t key_bytes[KEY_BYTES];

        number_write_be(key_bytes, key, KEY_BYTES);
        store_row_delete(stage_txn(stage), key_bytes, KEY_BYTES);
    }
    assert_true(private_memory() - before < 10 << 10);
    commit(&stage);
    assert_int_equal(count_rows(store, NULL), MANY_ROWS / 4 * 3);
}

static void test_a_table_with_rows_is_changed_where_it_is(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    struct store_txn *txn = fixture_begin(store, table, 1);
    struct stage *stage = NULL;
    bool already = false;

    (void)state;
    put_rows(txn, 5, 6, 1);
    fixture_commit(&txn);
    stage = begin(store, table, &already);
    put_rows(stage_txn(stage), 6, 9, 1);
    commit(&stage);
    assert_int_equal(count_rows(store, NULL), 4);
    assert_int_equal(generation_now(store), table->generation);
}

/* Commits rows 0 to MANY_ROWS - 1, then a stage without entries; says whether it filled. */
static bool fills(struct store *store, uint64_t entries, uint32_t low, uint32_t high)
{
    OWNED(table_free) struct table *table = NULL;
    struct stage *stage = NULL;
    struct error err = {0};

    assert_true(registry_find(store, "s", "t", &table, &err));
    stage = begin_spread(store, table, entries, low, high);
    commit(&stage);
    assert_int_equal(count_rows(store, NULL), MANY_ROWS);
    return generation_now(store) != table->generation;
}

static void test_a_batch_on_most_pages_fills_a_generation(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");

    (void)state;
    commit_many_rows(store, table);
    assert_false(fills(store, 100, 0, MANY_ROWS));                          /* few entries */
    assert_false(fills(store, MANY_ROWS, MANY_ROWS, 2 * MANY_ROWS));        /* behind all rows */
    assert_false(fills(store, MANY_ROWS, MANY_ROWS - 3000, 2 * MANY_ROWS)); /* the latest */
    assert_true(fills(store, MANY_ROWS / 4, MANY_ROWS / 4, MANY_ROWS / 4 * 3));
}

static int change_on_a_small_disk(void *context)
{
    struct store *store = NULL;
    struct table *table = NULL;
    struct stage *stage = NULL;
    uint64_t rows = 0;
    uint64_t generation = 0;

    (void)context;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", fixture_folder, "tmpfs", 0, "size=48m") != 0) {
        return CANNOT_MOUNT;
    }
    store = fixture_open();
    table = fixture_create(store, "t");
    commit_many_rows(store, table);
    stage = begin_spread(store, table, MANY_ROWS, 0, UINT32_MAX);
    put_rows(stage_txn(stage), MANY_ROWS - 100, MANY_ROWS + 1, 1);
    commit(&stage);
    rows = count_rows(store, NULL);
    generation = generation_now(store);
    store_close(&store);
    generation -= table->generation;
    table_free(&table);
    return rows == MANY_ROWS + 1 && generation == 0 ? 0 : 1;
}

static void test_a_table_that_the_disk_does_not_hold_twice_is_changed_where_it_is(void **state)
{
    int status = fixture_wait(fixture_fork(change_on_a_small_disk, NULL));

    (void)state;
    if (status == CANNOT_MOUNT) {
        skip();
    }
    assert_int_equal(status, 0);
}

/* Counts, and from then on wants the work to end. */
struct ticks {
    unsigned count;
    unsigned most;
};

static bool tick(void *context, struct error *err)
{
    struct ticks *ticks = context;

    return ++ticks->count <= ticks->most || error_set(err, ERROR_CANCELLED, "cancelled");
}

static void test_copying_former_rows_is_watched_until_the_commit(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    struct ticks ticks = {.most = UINT_MAX};
    const struct store_watch watch = {tick, &ticks};
    struct stage *stage = NULL;
    unsigned counted = 0;
    struct error err = {0};

    (void)state;
    commit_many_rows(store, table);
    stage = begin_watched(store, table, MANY_ROWS, 0, UINT32_MAX, &watch);
    counted = ticks.count;
    assert_in_range(counted, MANY_ROWS / 4 / 1024, MANY_ROWS); /* where the batch lies */
    put_rows(stage_txn(stage), MANY_ROWS / 2, MANY_ROWS / 2 + 1, 2);
    assert_in_range(ticks.count - counted, MANY_ROWS / 2 / 1024, MANY_ROWS);
    counted = ticks.count;
    assert_true(stage_complete(stage, &err));
    assert_in_range(ticks.count - counted, MANY_ROWS / 2 / 1024, MANY_ROWS);
    commit(&stage);
    assert_int_equal(count_rows(store, NULL), MANY_ROWS);
}

static void test_copying_former_rows_can_be_cancelled(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    struct ticks ticks = {.most = MANY_ROWS / 2 / 1024};
    const struct store_watch watch = {tick, &ticks};
    struct stage *stage = NULL;
    struct error err = {0};

    (void)state;
    commit_many_rows(store, table);
    stage = begin_watched(store, table, MANY_ROWS, 0, UINT32_MAX, &watch);
    assert_false(stage_complete(stage, &err));
    assert_int_equal(err.kind, ERROR_CANCELLED);
    assert_int_equal(ticks.count, ticks.most + 1);
    stage_abort(&stage);
    assert_int_equal(count_generations(table), 1);
    assert_int_equal(generation_now(store), table->generation);
    assert_int_equal(count_rows(store, NULL), MANY_ROWS);
}

static void test_an_aborted_stage_leaves_nothing(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    bool already = false;
    struct stage *stage = begin(store, table, &already);

    (void)state;
    put_rows(stage_txn(stage), 0, MANY_ROWS, 1);
    assert_int_equal(count_generations(table), 2);
    stage_abort(&stage);
    assert_null(stage);
    assert_int_equal(count_generations(table), 1);
    assert_int_equal(generation_now(store), table->generation);
    assert_int_equal(count_rows(store, NULL), 0);
}

/* From now on no file grows: as if the disk were full, for root too. */
static void let_files_grow(bool may_grow)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = may_grow ? limit.rlim_max : 0;
    (void)signal(SIGXFSZ, may_grow ? SIG_DFL : SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_generation_that_cannot_be_made_leaves_the_former_one(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    const struct stage_batch batch = {0};
    struct stage *stage = NULL;
    bool already = false;
    bool begun = false;
    struct error err = {0};

    (void)state;
    let_files_grow(false);
    begun = stage_begin(store, table, operation, &batch, &no_watch, &stage, &already, &err);
    let_files_grow(true);
    assert_false(begun);
    assert_int_equal(err.kind, ERROR_FULL);
    assert_int_equal(count_generations(table), 1);
    assert_int_equal(count_rows(store, NULL), 0);
}

/* The worker died between its commit and its answer, and the frontend knows the former table. */
static void test_a_stage_that_was_committed_says_so_when_it_begins_again(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    bool already = false;
    struct stage *stage = begin(store, table, &already);

    (void)state;
    put_rows(stage_txn(stage), 0, 10, 1);
    commit(&stage);
    assert_null(begin(store, table, &already));
    assert_true(already);
    assert_int_equal(count_rows(store, NULL), 10);
}

static int fill_and_die(void *context)
{
    struct store *store = fixture_open();
    bool already = false;
    struct stage *stage = begin(store, context, &already);

    put_rows(stage_txn(stage), 0, MANY_ROWS, 2);
    (void)raise(SIGKILL);
    return 0;
}

static void test_a_try_that_was_killed_is_removed_by_the_next(void **state)
{
    struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    struct stage *stage = NULL;
    bool already = false;

    (void)state;
    store_close(&store);
    assert_int_equal(fixture_wait(fixture_fork(fill_and_die, table)), -SIGKILL);
    assert_int_equal(count_generations(table), 2);
    store = fixture_open();
    assert_int_equal(count_rows(store, NULL), 0);
    stage = begin(store, table, &already);
    assert_int_equal(count_generations(table), 2);
    put_rows(stage_txn(stage), 0, MANY_ROWS, 1);
    commit(&stage);
    assert_int_equal(count_rows(store, NULL), MANY_ROWS);
    assert_int_equal(count_generations(table), 1);
    store_close(&store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_table_is_filled_unseen_and_then_seen_whole),
        TEST(test_later_phases_take_no_more_memory_than_a_portion),
        TEST(test_a_table_with_rows_is_changed_where_it_is),
        TEST(test_a_batch_on_most_pages_fills_a_generation),
        TEST(test_a_table_that_the_disk_does_not_hold_twice_is_changed_where_it_is),
        TEST(test_copying_former_rows_is_watched_until_the_commit),
        TEST(test_copying_former_rows_can_be_cancelled),
        TEST(test_an_aborted_stage_leaves_nothing),
        TEST(test_a_generation_that_cannot_be_made_leaves_the_former_one),
        TEST(test_a_stage_that_was_committed_says_so_when_it_begins_again),
        TEST(test_a_try_that_was_killed_is_removed_by_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

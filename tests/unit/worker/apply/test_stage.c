/* The apply stage: in place or in a new generation, all of a batch or nothing. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
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
};

static const uint8_t operation[LIMIT_OPERATION_ID_BYTES] = {7};

static struct stage *begin(struct store *store, const struct table *table, bool *already_out)
{
    struct stage *stage = NULL;
    struct error err = {0};

    if (!stage_begin(store, table, operation, &stage, already_out, &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(stage == NULL, *already_out);
    return stage;
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
    assert_null(store_txn_failure(txn));
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
        TEST(test_a_table_with_rows_is_changed_where_it_is),
        TEST(test_an_aborted_stage_leaves_nothing),
        TEST(test_a_stage_that_was_committed_says_so_when_it_begins_again),
        TEST(test_a_try_that_was_killed_is_removed_by_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

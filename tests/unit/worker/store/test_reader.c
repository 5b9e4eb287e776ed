/* worker/store/reader: whole batches as of one moment, whoever reads and whatever is written. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pwd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"
#include "worker/store/store_internal.h"

enum {
    BATCH_ROWS = 200,
    BATCHES = 60,
    LARGE_ROW = 9000, /* three pieces */
};

/* Writes a batch whose rows all begin with its number; every tenth row is in pieces. */
static bool write_batch(struct store *store, const struct table *table, uint64_t number)
{
    static uint8_t row[LARGE_ROW];
    uint8_t operation_id[LIMIT_OPERATION_ID_BYTES] = {1};
    struct store_txn *txn = NULL;
    struct error err = {0};
    bool already;
    bool spilled;

    memcpy(operation_id + 1, &number, sizeof number);
    if (!store_txn_begin(store, table, operation_id, &txn, &already, &err)) {
        return false;
    }
    memcpy(row, &number, sizeof number);
    for (unsigned i = 0; i < BATCH_ROWS; i++) {
        uint8_t key[4] = {0, 0, (uint8_t)(i >> 8), (uint8_t)i};

        store_row_put(txn, key, sizeof key, row, i % 10 == 0 ? LARGE_ROW : 100);
    }
    return store_txn_commit(&txn, &spilled, &err);
}

/* Reads on to the end; fails unless it sees `rows` rows, all of one batch, whose number is *number
 * (0: any, and is then set). */
static bool read_whole_batch(struct store_reader *reader, uint64_t *number)
{
    struct error err = {0};
    unsigned rows = 0;

    for (;;) {
        const uint8_t *key;
        const uint8_t *row;
        size_t key_length;
        size_t row_length;
        uint64_t found;
        enum store_next next =
            store_reader_next(reader, &key, &key_length, &row, &row_length, &err);

        if (next != STORE_ROW) {
            return next == STORE_END && rows == BATCH_ROWS && store_reader_rows(reader) == rows;
        }
        memcpy(&found, row, sizeof found);
        if (key_length != 4 || row_length != (rows % 10 == 0 ? LARGE_ROW : 100) ||
            (*number != 0 && found != *number)) {
            return false;
        }
        *number = found;
        rows++;
    }
}

static bool read_once(uint64_t *number)
{
    struct store *store = fixture_open_read_only();
    struct store_reader *reader = NULL;
    struct error err = {0};
    bool whole = store_reader_open(store, "s", "t", &reader, &err) && reader != NULL &&
                 read_whole_batch(reader, number);

    store_reader_close(&reader);
    store_close(&store);
    return whole;
}

static int read_until_the_last_batch(void *context)
{
    uint64_t deadline_us = clock_us() + 60 * 1000000;
    uint64_t last = 0;

    (void)context;
    while (last < BATCHES && clock_us() < deadline_us) {
        uint64_t number = 0;

        /* LMDB shows a commit to new readers a moment after it wrote it: who looks just then may
         * see the batch whose commit has not returned, and then once more the one before. */
        if (!read_once(&number) || number + 1 < last) {
            return 1;
        }
        last = number > last ? number : last;
    }
    return last == BATCHES ? 0 : 2;
}

/* Makes the table "s"."t" with its first batch and closes the store. */
static struct table *make_table(void)
{
    OWNED(store_close) struct store *store = fixture_open();
    struct table *table = fixture_create(store, "t");

    assert_true(write_batch(store, table, 1));
    return table;
}

static void test_a_missing_table_is_no_reader(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    struct store_reader *reader = NULL;
    struct error err = {0};

    (void)state;
    assert_true(store_reader_open(store, "s", "none", &reader, &err));
    assert_null(reader);
}

static void test_an_empty_table_has_no_rows(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    const uint8_t *bytes;
    size_t length;
    struct error err = {0};

    (void)state;
    assert_true(store_reader_open(store, "s", "t", &reader, &err));
    assert_int_equal(store_reader_rows(reader), 0);
    assert_int_equal(store_reader_next(reader, &bytes, &length, &bytes, &length, &err), STORE_END);
    assert_int_equal(store_reader_table(reader)->id, table->id);
}

static void test_readers_see_whole_batches_while_others_are_written(void **state)
{
    OWNED(table_free) struct table *table = make_table();
    OWNED(store_close) struct store *store = NULL;
    pid_t readers[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        readers[i] = fixture_fork(read_until_the_last_batch, NULL);
    }
    store = fixture_open();
    for (uint64_t number = 2; number <= BATCHES; number++) {
        assert_true(write_batch(store, table, number));
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(fixture_wait(readers[i]), 0);
    }
}

struct slow_reader {
    int began[2];     /* pipe: the transaction is open */
    int may_go_on[2]; /* pipe: the batches are written */
};

static int read_slowly(void *context)
{
    struct slow_reader *pipes = context;
    struct store *store = fixture_open_read_only();
    struct store_reader *reader = NULL;
    struct error err = {0};
    uint64_t number = 1;
    char byte = 0;

    if (!store_reader_open(store, "s", "t", &reader, &err) ||
        write(pipes->began[1], &byte, 1) != 1 || read(pipes->may_go_on[0], &byte, 1) != 1) {
        return 1;
    }

    bool whole = read_whole_batch(reader, &number);

    store_reader_close(&reader);
    store_close(&store);
    return whole ? 0 : 2;
}

static pid_t start_slow_reader(struct slow_reader *pipes)
{
    char byte;

    assert_int_equal(pipe(pipes->began), 0);
    assert_int_equal(pipe(pipes->may_go_on), 0);

    pid_t child = fixture_fork(read_slowly, pipes);

    assert_int_equal(read(pipes->began[0], &byte, 1), 1);
    return child;
}

static void close_pipes(const struct slow_reader *pipes)
{
    close(pipes->began[0]);
    close(pipes->began[1]);
    close(pipes->may_go_on[0]);
    close(pipes->may_go_on[1]);
}

static void test_a_long_reader_blocks_no_batch_and_keeps_its_moment(void **state)
{
    OWNED(table_free) struct table *table = make_table();
    OWNED(store_close) struct store *store = NULL;
    struct slow_reader pipes;
    pid_t child = start_slow_reader(&pipes);

    (void)state;
    store = fixture_open();
    for (uint64_t number = 2; number <= 20; number++) {
        assert_true(write_batch(store, table, number));
    }
    assert_int_equal(write(pipes.may_go_on[1], "", 1), 1);
    assert_int_equal(fixture_wait(child), 0);
    close_pipes(&pipes);
}

static off_t size_after_batches(const struct table *table, uint64_t first, uint64_t last)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(mem_release) char *path = store_table_path(store, table->id, table->generation);
    struct stat status;

    for (uint64_t number = first; number <= last; number++) {
        assert_true(write_batch(store, table, number));
    }
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void test_a_killed_reader_does_not_let_the_file_grow(void **state)
{
    OWNED(table_free) struct table *table = make_table();
    off_t before = size_after_batches(table, 2, 10);
    struct slow_reader pipes;
    pid_t child = start_slow_reader(&pipes);

    (void)state;
    kill(child, SIGKILL);
    assert_int_equal(fixture_wait(child), -SIGKILL);
    assert_true(size_after_batches(table, 11, 60) <= before + before / 2);
    close_pipes(&pipes);
}

static void test_a_lost_file_is_an_error_and_not_an_empty_table(void **state)
{
    OWNED(table_free) struct table *table = make_table();
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(mem_release) char *path = store_table_path(store, table->id, table->generation);
    const uint8_t operation_id[LIMIT_OPERATION_ID_BYTES] = {9};

    (void)state;
    for (unsigned lost = 0; lost < 2; lost++) {
        struct store_reader *reader = NULL;
        struct store_txn *txn = NULL;
        struct error err = {0};
        bool already;

        assert_int_equal(lost == 0 ? truncate(path, 0) : unlink(path), 0);
        assert_false(store_reader_open(store, "s", "t", &reader, &err));
        assert_int_equal(err.kind, ERROR_STORE);
        assert_non_null(strstr(err.message, "table \"s.t\""));
        assert_false(store_txn_begin(store, table, operation_id, &txn, &already, &err));
        assert_int_equal(err.kind, ERROR_STORE);
    }
}

static void remove_lock_files(const struct table *table)
{
    char path[200];

    snprintf(path, sizeof path, "%s/registry.mdb-lock", fixture_folder);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/tables/%llu/%llu.mdb-lock", fixture_folder,
             (unsigned long long)table->id, (unsigned long long)table->generation);
    assert_int_equal(unlink(path), 0);
}

static int write_as_nobody(void *context)
{
    const struct passwd *nobody = getpwnam("nobody");
    const uint64_t *number = context;
    struct store *store;
    struct table *table = NULL;
    struct error err = {0};

    if (nobody == NULL || setgid(nobody->pw_gid) != 0 || setuid(nobody->pw_uid) != 0) {
        return 1;
    }
    store = fixture_open();
    table = *number == 1 ? fixture_create(store, "t") : NULL;
    if (table == NULL && !registry_find(store, "s", "t", &table, &err)) {
        return 2;
    }

    bool written = write_batch(store, table, *number);

    table_free(&table);
    store_close(&store);
    return written ? 0 : 3;
}

static int read_as_root(void *context)
{
    uint64_t number = 0;

    (void)context;
    return read_once(&number) ? 0 : 1;
}

static void test_root_reads_and_leaves_nothing_that_shuts_the_server_out(void **state)
{
    const struct passwd *nobody = getpwnam("nobody");
    struct table first = {.id = 1, .generation = 1};
    uint64_t number = 1;

    (void)state;
    if (geteuid() != 0 || nobody == NULL) {
        skip();
    }
    assert_int_equal(chown(fixture_folder, nobody->pw_uid, nobody->pw_gid), 0);
    assert_int_equal(fixture_wait(fixture_fork(write_as_nobody, &number)), 0);
    remove_lock_files(&first);

    assert_int_equal(fixture_wait(fixture_fork(read_as_root, NULL)), 0);

    number = 2;
    assert_int_equal(fixture_wait(fixture_fork(write_as_nobody, &number)), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_missing_table_is_no_reader),
        TEST(test_an_empty_table_has_no_rows),
        TEST(test_readers_see_whole_batches_while_others_are_written),
        TEST(test_a_long_reader_blocks_no_batch_and_keeps_its_moment),
        TEST(test_a_killed_reader_does_not_let_the_file_grow),
        TEST(test_a_lost_file_is_an_error_and_not_an_empty_table),
        TEST(test_root_reads_and_leaves_nothing_that_shuts_the_server_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

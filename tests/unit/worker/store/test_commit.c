/* worker/store/env: a commit whose last write fails, though the disk may have taken it. LMDB's
 * calls to the kernel come by here. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <pthread.h>

#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"

enum {
    META_BYTES_MAX = 1000, /* all other writes are of whole pages */
    ROW_BYTES = 1000,
    FILLED_ROWS = 40000, /* several portions */
    WAITS = 10000,       /* of a millisecond */
};

static bool failing; /* the next write of a meta page */
static bool unsynced;
static atomic_bool failing_behind; /* the next sync of another thread */
static pthread_t main_thread;

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset)
{
    ssize_t written = syscall(SYS_pwrite64, file, bytes, length, offset);

    unsynced = true;
    if (failing && length <= META_BYTES_MAX) {
        failing = false;
        errno = EIO;
        return -1;
    }
    return written;
}

int fdatasync(int file)
{
    if (failing_behind && !pthread_equal(pthread_self(), main_thread)) {
        failing_behind = false;
        errno = EIO;
        return -1;
    }
    unsynced = false;
    return (int)syscall(SYS_fdatasync, file);
}

static bool write_batch(struct store *store, const struct table *table, uint64_t operation,
                        struct error *err)
{
    struct store_txn *txn = fixture_begin(store, table, operation);
    const uint8_t key = (uint8_t)operation;
    bool spilled;

    store_row_put(txn, &key, sizeof key, "row", 3);
    return store_txn_commit(&txn, &spilled, err);
}

static unsigned count_rows(struct store *store)
{
    struct store_reader *reader = NULL;
    struct error err = {0};
    const uint8_t *bytes;
    size_t length;
    unsigned rows = 0;

    assert_true(store_reader_open(store, "s", "t", &reader, &err));
    while (store_reader_next(reader, &bytes, &length, &bytes, &length, &err) == STORE_ROW) {
        rows++;
    }
    store_reader_close(&reader);
    return rows;
}

static void test_what_a_failed_commit_left_is_taken_back_on_the_disk_too(void **state)
{
    struct store *store = fixture_open();
    struct table *table = fixture_create(store, "t");
    struct error err = {0};

    (void)state;
    assert_true(write_batch(store, table, 1, &err));

    failing = true;
    assert_false(write_batch(store, table, 2, &err));
    assert_false(failing);
    assert_int_equal(err.kind, ERROR_STORE);
    assert_non_null(strstr(err.message, "could not commit: Input/output error"));
    assert_false(unsynced);
    assert_int_equal(count_rows(store), 1);

    error_clear(&err);
    assert_true(write_batch(store, table, 3, &err));
    assert_int_equal(count_rows(store), 2);
    table_free(&table);
    store_close(&store);
}

/* All syncs behind it succeed: the kernel tells of a failure once. */
static void test_a_failed_sync_of_a_portion_fails_the_commit(void **state)
{
    struct store *store = fixture_open();
    struct table *table = fixture_create(store, "t");
    struct table *filled = table_copy(table);
    struct store_txn *txn = NULL;
    static const uint8_t row[ROW_BYTES] = {1};
    struct error err = {0};
    bool spilled = false;

    (void)state;
    filled->operation_id[0]++;
    main_thread = pthread_self();
    failing_behind = true;
    assert_true(generation_make(store, filled, &err));
    assert_true(store_txn_begin_filling(store, filled, NULL, filled->operation_id, &txn, &err));
    for (uint32_t i = 0; i < FILLED_ROWS; i++) {
        const uint8_t key[] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

        store_row_put(txn, key, sizeof key, row, sizeof row);
    }
    for (int i = 0; i < WAITS && failing_behind; i++) {
        usleep(1000);
    }
    assert_false(failing_behind);
    assert_false(store_txn_commit(&txn, &spilled, &err));
    assert_int_equal(err.kind, ERROR_STORE);
    assert_non_null(strstr(err.message, "could not sync: Input/output error"));
    table_free(&filled);
    table_free(&table);
    store_close(&store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_a_failed_commit_left_is_taken_back_on_the_disk_too),
        TEST(test_a_failed_sync_of_a_portion_fails_the_commit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

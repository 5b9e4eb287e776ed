/* worker/store on a disk that runs out of room: the batch fails, the table stays. The disk is a
 * small one in memory, which takes root's rights. */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"

enum {
    CANNOT_MOUNT = 77,
    ROW_BYTES = 3000,
};

/* Each test runs in a process with a mount of its own. */
static int run_on_a_small_disk(int (*test)(void *context))
{
    int status = fixture_wait(fixture_fork(test, NULL));

    if (status == CANNOT_MOUNT) {
        skip();
    }
    return status;
}

static bool mount_small_disk(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", fixture_folder, "tmpfs", 0, "size=4m") == 0;
}

static bool put_rows(struct store *store, const struct table *table, uint64_t operation,
                     unsigned count, struct error *err)
{
    static const uint8_t row[ROW_BYTES] = {1};
    struct store_txn *txn = fixture_begin(store, table, operation);
    bool spilled;

    for (unsigned i = 0; i < count; i++) {
        uint8_t key[4] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

        store_row_put(txn, key, sizeof key, row, sizeof row);
    }
    return store_txn_commit(&txn, &spilled, err);
}

static uint64_t count_rows(struct store *store)
{
    struct store_reader *reader = NULL;
    struct error err = {0};
    const uint8_t *bytes;
    size_t length;
    uint64_t rows = 0;

    if (!store_reader_open(store, "s", "t", &reader, &err)) {
        return UINT64_MAX;
    }
    while (store_reader_next(reader, &bytes, &length, &bytes, &length, &err) == STORE_ROW) {
        rows++;
    }
    store_reader_close(&reader);
    return rows;
}

static int fill_with_a_batch(void *context)
{
    struct store *store;
    struct table *table;
    struct error err = {0};

    (void)context;
    if (!mount_small_disk()) {
        return CANNOT_MOUNT;
    }
    store = fixture_open();
    table = fixture_create(store, "t");
    if (!put_rows(store, table, 1, 10, &err)) {
        return 1;
    }
    if (put_rows(store, table, 2, 5000, &err) || err.kind != ERROR_FULL || err.hint[0] == '\0' ||
        strstr(err.message, "\"s.t\"") == NULL) {
        fprintf(stderr, "%s\n", err.message);
        return 2;
    }
    if (count_rows(store) != 10) {
        return 3;
    }
    /* The next batch finds the room that the failed one took. */
    return put_rows(store, table, 3, 20, &err) && count_rows(store) == 20 ? 0 : 4;
}

static void test_a_full_disk_fails_the_batch_and_keeps_the_table(void **state)
{
    (void)state;
    assert_int_equal(run_on_a_small_disk(fill_with_a_batch), 0);
}

static int create_without_room(void *context)
{
    struct store *store;
    struct table *table = NULL;
    struct table *wished = fixture_table("t", 1);
    struct error err = {0};
    char path[100];
    char filling[4096] = {0};

    (void)context;
    if (!mount_small_disk()) {
        return CANNOT_MOUNT;
    }
    store = fixture_open();
    snprintf(path, sizeof path, "%s/filling", fixture_folder);

    FILE *file = fopen(path, "w");

    while (fwrite(filling, sizeof filling, 1, file) == 1) {
    }
    fclose(file);
    if (registry_create(store, wished, &err) || err.kind != ERROR_FULL) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    if (!registry_find(store, "s", "t", &table, &err) || table != NULL) {
        return 2;
    }
    unlink(path);
    return registry_create(store, wished, &err) ? 0 : 3;
}

static void test_a_table_without_room_is_not_created_and_can_be_later(void **state)
{
    (void)state;
    assert_int_equal(run_on_a_small_disk(create_without_room), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_full_disk_fails_the_batch_and_keeps_the_table),
        TEST(test_a_table_without_room_is_not_created_and_can_be_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

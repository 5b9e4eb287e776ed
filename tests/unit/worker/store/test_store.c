/* Tables in a data folder: what is committed is there, what is not is not. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "worker/store/store.h"

enum {
    MAP_SIZE = 64 * 1024 * 1024
};

struct fixture {
    char folder[64];
    struct store *store;
};

static struct store *open_store(const struct fixture *fixture, uint64_t map_size)
{
    const struct store_terms terms = {.data_dir = fixture->folder, .map_size_bytes = map_size};
    struct store *store = NULL;
    struct error err = {0};

    if (!store_open(&terms, &store, &err)) {
        fail_msg("%s", err.message);
    }
    return store;
}

static int set_up(void **state)
{
    struct fixture *fixture = mem_zero(sizeof *fixture);

    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/weir-test-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->store = open_store(fixture, MAP_SIZE);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    store_close(&fixture->store);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", fixture->folder);
    assert_int_equal(system(command), 0);
    mem_free(fixture);
    return 0;
}

static struct table *create_table(struct store *store, const char *name)
{
    struct table *wished = mem_zero(sizeof *wished);
    struct table *table = NULL;
    struct error err = {0};

    wished->schema_name = mem_text("s");
    wished->name = mem_text(name);
    table_add_column(wished, "id")->type = COLUMN_LONG;
    wished->columns[0].key_position = 1;
    wished->operation_id[0] = 1;
    assert_true(registry_create(store, wished, &err));
    assert_true(registry_find(store, "s", name, &table, &err));
    assert_non_null(table);
    table_free(&wished);
    return table;
}

static struct store_txn *begin(struct store *store, const struct table *table, uint8_t operation)
{
    const uint8_t id[16] = {operation};
    struct store_txn *txn = NULL;
    struct error err = {0};
    bool already = false;

    if (!store_txn_begin(store, table, id, &txn, &already, &err)) {
        fail_msg("%s", err.message);
    }
    assert_false(already);
    return txn;
}

static void commit(struct store_txn *txn)
{
    struct error err = {0};
    bool spilled = false;

    if (!store_txn_commit(&txn, &spilled, &err)) {
        fail_msg("%s", err.message);
    }
}

/* Row i of a test: as long as `length`, filled with a byte of its own. */
static uint8_t *make_row(size_t length, unsigned i)
{
    uint8_t *row = mem_alloc(length + 1);

    memset(row, (int)('a' + i % 26), length);
    return row;
}

static void put(struct store_txn *txn, const char *key, size_t length, unsigned i)
{
    OWNED(mem_release) uint8_t *row = make_row(length, i);

    store_row_put(txn, key, strlen(key), row, length);
}

static void assert_row(struct store_txn *txn, const char *key, size_t length, unsigned i)
{
    OWNED(mem_release) uint8_t *wanted = make_row(length, i);
    const uint8_t *row = NULL;
    size_t row_length = 0;

    store_row_get(txn, key, strlen(key), &row, &row_length);
    assert_true(store_txn_check(txn, &(struct error){0}));
    assert_non_null(row);
    assert_int_equal(row_length, length);
    assert_memory_equal(row, wanted, length);
}

static void test_created_tables_are_found_and_listed(void **state)
{
    struct fixture *fixture = *state;
    OWNED(table_free) struct table *table = create_table(fixture->store, "t");
    struct table *none = NULL;
    struct error err = {0};

    assert_string_equal(table->columns[0].name, "id");
    assert_int_equal(table->columns[0].id, 1);
    assert_true(registry_find(fixture->store, "s", "other", &none, &err));
    assert_null(none);
    assert_true(registry_find(fixture->store, "st", "", &none, &err));
    assert_null(none);
}

static void test_creating_again_fails_unless_it_is_a_retry(void **state)
{
    struct fixture *fixture = *state;
    OWNED(table_free) struct table *table = create_table(fixture->store, "t");
    struct error err = {0};

    assert_true(registry_create(fixture->store, table, &err));
    table->operation_id[0] = 2;
    assert_false(registry_create(fixture->store, table, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
    assert_string_equal(err.message, "table \"s.t\" already exists");
}

static void test_rows_of_every_length_come_back(void **state)
{
    static const size_t lengths[] = {0,    1,    2000, 4079,  4080,  4081,
                                     8159, 8160, 8161, 12240, 12241, 300000};
    struct fixture *fixture = *state;
    OWNED(table_free) struct table *table = create_table(fixture->store, "t");
    struct store_txn *txn = begin(fixture->store, table, 1);
    char key[16];

    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        (void)snprintf(key, sizeof key, "key%02u", i);
        put(txn, key, lengths[i], i);
    }
    /* Every length takes the place of every other one. */
    for (unsigned shift = 1; shift < 12; shift++) {
        for (unsigned i = 0; i < 12; i++) {
            (void)snprintf(key, sizeof key, "key%02u", i);
            put(txn, key, lengths[(i + shift) % 12], i + shift);
        }
    }
    commit(txn);
    txn = begin(fixture->store, table, 2);
    for (unsigned i = 0; i < 12; i++) {
        (void)snprintf(key, sizeof key, "key%02u", i);
        assert_row(txn, key, lengths[(i + 11) % 12], i + 11);
        store_row_delete(txn, key, strlen(key));
    }
    commit(txn);
}

struct model {
    size_t lengths[100]; /* plus one; 0: no row */
    unsigned seeds[100];
};

static size_t count_model(const struct model *model)
{
    size_t count = 0;

    for (unsigned i = 0; i < 100; i++) {
        count += model->lengths[i] != 0 ? 1 : 0;
    }
    return count;
}

static void assert_reader_sees(struct store *store, const struct model *model)
{
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    const uint8_t *key = NULL;
    const uint8_t *row = NULL;
    size_t key_length = 0;
    size_t row_length = 0;
    size_t seen = 0;
    struct error err = {0};
    enum store_next next = STORE_ROW;

    assert_true(store_reader_open(store, "s", "t", &reader, &err));
    assert_int_equal(store_reader_rows(reader), count_model(model));
    while ((next = store_reader_next(reader, &key, &key_length, &row, &row_length, &err)) ==
           STORE_ROW) {
        OWNED(mem_release) uint8_t *wanted = NULL;
        unsigned i = 0;

        assert_int_equal(key_length, 5);
        i = (unsigned)(key[3] - '0') * 10 + (unsigned)(key[4] - '0');
        assert_int_equal(row_length + 1, model->lengths[i]);
        wanted = make_row(row_length, model->seeds[i]);
        assert_memory_equal(row, wanted, row_length);
        seen++;
    }
    assert_int_equal(next, STORE_END);
    assert_int_equal(seen, count_model(model));
}

static void test_random_changes_equal_a_model(void **state)
{
    struct fixture *fixture = *state;
    OWNED(table_free) struct table *table = create_table(fixture->store, "t");
    struct model model = {{0}, {0}};
    unsigned seed = (unsigned)getpid();

    print_message("seed %u\n", seed);
    for (unsigned round = 1; round <= 30; round++) {
        struct model before = model;
        struct store_txn *txn = begin(fixture->store, table, (uint8_t)round);

        for (unsigned step = 0; step < 200; step++) {
            unsigned i = (unsigned)rand_r(&seed) % 100;
            unsigned choice = (unsigned)rand_r(&seed) % 8;
            char key[16];

            (void)snprintf(key, sizeof key, "key%02u", i);
            if (choice < 2) {
                store_row_delete(txn, key, strlen(key));
                model.lengths[i] = 0;
            } else if (choice < 4 && model.lengths[i] != 0) {
                assert_row(txn, key, model.lengths[i] - 1, model.seeds[i]);
            } else {
                size_t length = (size_t)rand_r(&seed) % (choice == 7 ? 20000 : 100);

                put(txn, key, length, step);
                model.lengths[i] = length + 1;
                model.seeds[i] = step;
            }
        }
        if (round % 5 == 0) {
            store_txn_abort(&txn);
            model = before;
        } else {
            commit(txn);
        }
        assert_reader_sees(fixture->store, &model);
    }
}

static void test_a_retry_finds_its_own_batch(void **state)
{
    struct fixture *fixture = *state;
    OWNED(table_free) struct table *table = create_table(fixture->store, "t");
    OWNED(store_txn_abort) struct store_txn *txn = begin(fixture->store, table, 7);
    const uint8_t id[16] = {7};
    bool already = false;
    struct error err = {0};

    put(txn, "key00", 10, 0);
    commit(MOVE(txn));
    assert_true(store_txn_begin(fixture->store, table, id, &txn, &already, &err));
    assert_true(already);
}

static void test_a_full_map_fails_the_batch_and_keeps_the_table(void **state)
{
    struct fixture *fixture = *state;
    OWNED(table_free) struct table *table = create_table(fixture->store, "t");
    struct store_txn *txn = begin(fixture->store, table, 1);
    struct model model = {{0}, {0}};
    struct error err = {0};
    bool spilled = false;

    put(txn, "key05", 10, 5);
    model.lengths[5] = 11;
    model.seeds[5] = 5;
    commit(txn);
    store_close(&fixture->store);
    fixture->store = open_store(fixture, 1024 * 1024);
    txn = begin(fixture->store, table, 2);
    for (unsigned i = 0; i < 99; i++) {
        char key[16];

        (void)snprintf(key, sizeof key, "key%02u", i);
        put(txn, key, 20000, i);
    }
    assert_false(store_txn_commit(&txn, &spilled, &err));
    assert_int_equal(err.kind, ERROR_FULL);
    assert_reader_sees(fixture->store, &model);
}

static void test_sweep_removes_what_the_registry_does_not_name(void **state)
{
    struct fixture *fixture = *state;
    OWNED(table_free) struct table *table = create_table(fixture->store, "t");
    struct error err = {0};
    char command[512];
    struct stat status;
    char path[128];

    (void)snprintf(command, sizeof command,
                   "cd '%s' && mkdir -p tables/99 runs/b && touch tables/99/1.mdb runs/b/1 "
                   "tables/%llu/77.mdb",
                   fixture->folder, (unsigned long long)table->id);
    assert_int_equal(system(command), 0);
    if (!store_sweep(fixture->store, &err)) {
        fail_msg("%s", err.message);
    }
    (void)snprintf(command, sizeof command,
                   "cd '%s' && test ! -e tables/99 -a ! -e runs/b -a "
                   "! -e tables/%llu/77.mdb",
                   fixture->folder, (unsigned long long)table->id);
    assert_int_equal(system(command), 0);
    (void)snprintf(path, sizeof path, "%s/tables/%llu/%llu.mdb", fixture->folder,
                   (unsigned long long)table->id, (unsigned long long)table->generation);
    assert_int_equal(stat(path, &status), 0);
}

/* Writes batches for ever, each of ten rows that all hold the batch's number; tells of each. */
static void write_until_killed(const struct fixture *fixture, int pipe_fd)
{
    struct store *store = open_store(fixture, MAP_SIZE);
    struct error err = {0};
    struct table *table = NULL;

    if (!registry_find(store, "s", "t", &table, &err)) {
        _exit(1);
    }
    for (unsigned number = 1;; number++) {
        const uint8_t id[16] = {(uint8_t)number, (uint8_t)(number >> 8), 1};
        struct store_txn *txn = NULL;
        bool already = false;
        bool spilled = false;

        if (!store_txn_begin(store, table, id, &txn, &already, &err)) {
            _exit(1);
        }
        for (unsigned i = 0; i < 10; i++) {
            char key[16];

            (void)snprintf(key, sizeof key, "key%02u", i);
            store_row_put(txn, key, strlen(key), &number, sizeof number);
        }
        if (!store_txn_commit(&txn, &spilled, &err) ||
            write(pipe_fd, &number, sizeof number) != sizeof number) {
            _exit(1);
        }
    }
}

static void test_kill_leaves_whole_batches_and_all_that_were_reported(void **state)
{
    struct fixture *fixture = *state;
    OWNED(table_free) struct table *table = create_table(fixture->store, "t");
    unsigned seed = (unsigned)getpid();

    store_close(&fixture->store);
    for (unsigned round = 0; round < 5; round++) {
        OWNED(store_txn_abort) struct store_txn *txn = NULL;
        unsigned reported = 0;
        unsigned number = 0;
        int fds[2];
        pid_t child = -1;

        assert_int_equal(pipe(fds), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            write_until_killed(fixture, fds[1]);
        }
        (void)close(fds[1]);
        (void)usleep((useconds_t)(20000 + rand_r(&seed) % 50000));
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        while (read(fds[0], &number, sizeof number) == sizeof number) {
            reported = number;
        }
        (void)close(fds[0]);

        fixture->store = open_store(fixture, MAP_SIZE);
        txn = begin(fixture->store, table, 200);
        for (unsigned i = 0; i < 10 && reported > 0; i++) {
            const uint8_t *row = NULL;
            size_t length = 0;
            unsigned stored = 0;
            char key[16];

            (void)snprintf(key, sizeof key, "key%02u", i);
            store_row_get(txn, key, strlen(key), &row, &length);
            assert_int_equal(length, sizeof stored);
            memcpy(&stored, row, sizeof stored);
            assert_true(stored == reported || stored == reported + 1);
        }
        store_txn_abort(&txn);
        store_close(&fixture->store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_created_tables_are_found_and_listed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_creating_again_fails_unless_it_is_a_retry, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_rows_of_every_length_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random_changes_equal_a_model, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_retry_finds_its_own_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_map_fails_the_batch_and_keeps_the_table, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_sweep_removes_what_the_registry_does_not_name, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_kill_leaves_whole_batches_and_all_that_were_reported,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

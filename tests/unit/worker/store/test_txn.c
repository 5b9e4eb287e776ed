/* worker/store/txn: writing a table, held against a model in memory. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"
#include "worker/store/rows.h"
#include "worker/value/key.h"

enum {
    KEYS = 600,
    BATCHES = 25,
    OPERATIONS = 400,
    ROUNDS = 8,
    KILL_KEYS = 300,
};

/* What a row should be: its length and the number that its bytes are made of; 0: no row. */
struct expected {
    size_t length;
    uint64_t number;
};

struct model {
    struct expected rows[KEYS];
    uint64_t count;
};

/* Keys of all lengths of which none is the beginning of another, in order of their numbers; many
 * end in zero bytes as the key of a piece does. */
static size_t make_key(uint64_t number, uint8_t key[KEY_BYTES_MAX])
{
    size_t length = 4 + number * 7 % (KEY_BYTES_MAX - 3);

    memset(key, 0, length);
    key[0] = (uint8_t)(number >> 8);
    key[1] = (uint8_t)number;
    key[length - 1] = (uint8_t)(number % 3);
    return length;
}

static void make_row(const struct expected *expected, struct buffer *row)
{
    uint64_t state = expected->number;

    buffer_reset(row);
    while (row->length < expected->length) {
        uint64_t word = fixture_random(&state);
        size_t left = expected->length - row->length;

        buffer_append(row, &word, left < sizeof word ? left : sizeof word);
    }
}

/* Mostly short rows, and those around every size at which pieces begin. */
static size_t random_length(uint64_t *random)
{
    uint64_t choice = fixture_random(random) % 10;

    if (choice < 6) {
        return fixture_random(random) % 300;
    }
    if (choice < 9) {
        return (1 + fixture_random(random) % 3) * ROWS_PIECE_MAX + fixture_random(random) % 5 - 2;
    }
    return fixture_random(random) % 60000;
}

static void put(struct store_txn *txn, struct model *model, uint64_t number,
                const struct expected *expected)
{
    OWNED(buffer_clear) struct buffer row = {0};
    uint8_t key[KEY_BYTES_MAX];
    size_t key_length = make_key(number, key);

    make_row(expected, &row);
    store_row_put(txn, key, key_length, row.bytes, row.length);
    model->count += model->rows[number].number == 0;
    model->rows[number] = *expected;
}

static void delete_row(struct store_txn *txn, struct model *model, uint64_t number)
{
    uint8_t key[KEY_BYTES_MAX];
    size_t key_length = make_key(number, key);

    store_row_delete(txn, key, key_length);
    model->count -= model->rows[number].number != 0;
    model->rows[number] = (struct expected){0};
}

static void assert_same(const struct expected *expected, const uint8_t *row, size_t length)
{
    OWNED(buffer_clear) struct buffer wanted = {0};

    make_row(expected, &wanted);
    assert_int_equal(length, wanted.length);
    if (length > 0) {
        assert_memory_equal(row, wanted.bytes, length);
    }
}

static void get(struct store_txn *txn, const struct model *model, uint64_t number)
{
    uint8_t key[KEY_BYTES_MAX];
    size_t key_length = make_key(number, key);
    const uint8_t *row;
    size_t length;

    store_row_get(txn, key, key_length, &row, &length);
    assert_true(store_txn_check(txn, &(struct error){0}));
    assert_int_equal(row != NULL, model->rows[number].number != 0);
    if (row != NULL) {
        assert_same(&model->rows[number], row, length);
    }
}

/* One batch: ascending, as apply works, or anywhere. */
static void change_randomly(struct store_txn *txn, struct model *model, uint64_t *random)
{
    bool ascending = fixture_random(random) % 2 == 0;
    uint64_t number = 0;

    for (unsigned i = 0; i < OPERATIONS; i++) {
        uint64_t choice = fixture_random(random) % 10;

        number = ascending ? number + fixture_random(random) % 4 : fixture_random(random) % KEYS;
        if (number >= KEYS) {
            return;
        }
        if (choice < 3) {
            get(txn, model, number);
        }
        if (choice < 7) {
            struct expected expected = {.length = random_length(random),
                                        .number = fixture_random(random) | 1};

            put(txn, model, number, &expected);
        } else if (choice < 9) {
            delete_row(txn, model, number);
        } else {
            get(txn, model, number);
        }
    }
}

static void assert_table_is(struct store *store, const struct model *model)
{
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    struct error err = {0};

    assert_true(store_reader_open(store, "s", "t", &reader, &err));
    assert_int_equal(store_reader_rows(reader), model->count);
    for (uint64_t number = 0; number < KEYS; number++) {
        uint8_t wanted_key[KEY_BYTES_MAX];
        size_t wanted_length = make_key(number, wanted_key);
        const uint8_t *key;
        const uint8_t *row;
        size_t key_length;
        size_t length;

        if (model->rows[number].number == 0) {
            continue;
        }
        assert_int_equal(store_reader_next(reader, &key, &key_length, &row, &length, &err),
                         STORE_ROW);
        assert_int_equal(key_length, wanted_length);
        assert_memory_equal(key, wanted_key, key_length);
        assert_same(&model->rows[number], row, length);
    }

    const uint8_t *bytes;
    size_t length;

    assert_int_equal(store_reader_next(reader, &bytes, &length, &bytes, &length, &err), STORE_END);
}

static void test_random_batches_equal_a_model(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    struct model *model = mem_zero(sizeof *model);
    uint64_t random = fixture_seed();

    (void)state;
    for (uint64_t batch = 1; batch <= BATCHES; batch++) {
        struct model *before = mem_copy(model, sizeof *model);
        struct store_txn *txn = fixture_begin(store, table, batch);

        change_randomly(txn, model, &random);
        if (batch % 5 == 0) {
            store_txn_abort(&txn);
            memcpy(model, before, sizeof *model);
        } else {
            fixture_commit(&txn);
        }
        assert_table_is(store, model);
        mem_free(before);
    }
    mem_free(model);
}

static void test_each_batch_has_the_next_sequence_number(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");

    (void)state;
    for (uint64_t batch = 1; batch <= 3; batch++) {
        struct store_txn *aborted = fixture_begin(store, table, 100 + batch);

        assert_int_equal(store_txn_sequence(aborted), batch);
        store_txn_abort(&aborted);

        struct store_txn *txn = fixture_begin(store, table, batch);

        assert_int_equal(store_txn_sequence(txn), batch);
        fixture_commit(&txn);
    }
}

static void test_an_ordinary_batch_does_not_spill(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    struct error err = {0};

    (void)state;
    for (uint64_t batch = 1; batch <= 20; batch++) {
        struct store_txn *txn = fixture_begin(store, table, batch);
        bool spilled = true;

        store_row_put(txn, &batch, sizeof batch, "row", 3);
        assert_true(store_txn_commit(&txn, &spilled, &err));
        assert_false(spilled);
    }
}

static void test_only_the_last_batch_is_recognised_as_a_retry(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    const uint8_t operation_id[LIMIT_OPERATION_ID_BYTES] = {1};
    OWNED(store_txn_abort) struct store_txn *txn = fixture_begin(store, table, 1);
    struct error err = {0};
    bool already = false;

    (void)state;
    fixture_commit(&txn);
    assert_true(store_txn_begin(store, table, operation_id, &txn, &already, &err));
    assert_true(already);
    store_txn_abort(&txn);

    txn = fixture_begin(store, table, 2);
    fixture_commit(&txn);
    assert_true(store_txn_begin(store, table, operation_id, &txn, &already, &err));
    assert_false(already);
}

/* Batches that each put or delete the same keys: after batch n, every key k with (n + k) % 3 == 0
 * is missing and every other row is made of n. */
static struct expected after_batch(uint64_t batch, uint64_t number)
{
    if (batch == 0 || (batch + number) % 3 == 0) {
        return (struct expected){0};
    }
    return (struct expected){.length = number % 50 == 0 ? 30000 : 200, .number = batch};
}

struct killed_writer {
    int committed; /* pipe: tells each batch */
    uint64_t first;
};

static int write_until_killed(void *context)
{
    const struct killed_writer *writer = context;
    struct store *store = fixture_open();
    struct table *table = NULL;
    struct model *model = mem_zero(sizeof *model);
    struct error err = {0};

    if (!registry_find(store, "s", "t", &table, &err) || table == NULL) {
        return 1;
    }
    for (uint64_t batch = writer->first;; batch++) {
        struct store_txn *txn = fixture_begin(store, table, batch);

        for (uint64_t number = 0; number < KILL_KEYS; number++) {
            struct expected expected = after_batch(batch, number);

            if (expected.number == 0) {
                delete_row(txn, model, number);
            } else {
                put(txn, model, number, &expected);
            }
        }
        fixture_commit(&txn);
        if (write(writer->committed, &batch, sizeof batch) != sizeof batch) {
            return 2;
        }
    }
}

static bool is_after(struct store *store, uint64_t batch)
{
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    struct error err = {0};
    const uint8_t *key;
    const uint8_t *row;
    size_t key_length;
    size_t length;

    assert_true(store_reader_open(store, "s", "t", &reader, &err));
    for (uint64_t number = 0; number < KILL_KEYS; number++) {
        OWNED(buffer_clear) struct buffer wanted = {0};
        struct expected expected = after_batch(batch, number);
        uint8_t wanted_key[KEY_BYTES_MAX];
        size_t wanted_length = make_key(number, wanted_key);

        if (expected.number == 0) {
            continue;
        }
        make_row(&expected, &wanted);
        if (store_reader_next(reader, &key, &key_length, &row, &length, &err) != STORE_ROW ||
            key_length != wanted_length || memcmp(key, wanted_key, key_length) != 0 ||
            length != wanted.length || memcmp(row, wanted.bytes, length) != 0) {
            return false;
        }
    }
    return store_reader_next(reader, &key, &key_length, &row, &length, &err) == STORE_END;
}

static void test_after_a_kill_every_reported_batch_is_whole_and_the_next_is_whole_or_absent(
    void **state)
{
    uint64_t random = fixture_seed();
    uint64_t last = 0;
    struct store *store = fixture_open();
    struct table *table = fixture_create(store, "t");

    (void)state;
    table_free(&table);
    store_close(&store);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int pipes[2];
        uint64_t told;

        assert_int_equal(pipe(pipes), 0);

        struct killed_writer writer = {.committed = pipes[1], .first = last + 1};
        pid_t child = fixture_fork(write_until_killed, &writer);

        usleep((useconds_t)(fixture_random(&random) % 60000));
        kill(child, SIGKILL);
        assert_int_equal(fixture_wait(child), -SIGKILL);
        close(pipes[1]);
        while (read(pipes[0], &told, sizeof told) == sizeof told) {
            last = told;
        }
        close(pipes[0]);

        store = fixture_open();
        if (!is_after(store, last)) {
            last++;
            assert_true(is_after(store, last));
        }
        store_close(&store);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_random_batches_equal_a_model),
        TEST(test_each_batch_has_the_next_sequence_number),
        TEST(test_an_ordinary_batch_does_not_spill),
        TEST(test_only_the_last_batch_is_recognised_as_a_retry),
        TEST(test_after_a_kill_every_reported_batch_is_whole_and_the_next_is_whole_or_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A generation that is filled from a former one: to who writes, the former rows are there. */
#include <string.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"
#include "worker/store/store.h"
#include "worker/value/number.h"

enum {
    KEY_BYTES = 4,
    LONG_ROW_BYTES = 12000, /* stored in pieces */
    MODEL_KEYS = 20480,     /* several portions */
};

/* What a table holds, beside a plain array of it. */
struct model {
    struct store_txn *txn;
    uint64_t random;
    size_t lengths[MODEL_KEYS]; /* 0: there is no such row */
    uint8_t values[MODEL_KEYS];
};

static void model_put(struct model *model, uint32_t key)
{
    static uint8_t row[LONG_ROW_BYTES];
    uint8_t key_bytes[KEY_BYTES];
    uint64_t random = fixture_random(&model->random);

    model->values[key] = (uint8_t)random;
    model->lengths[key] = 1 + random / 256 % (random % 8 == 0 ? sizeof row : 100);
    memset(row, model->values[key], model->lengths[key]);
    number_write_be(key_bytes, key, KEY_BYTES);
    store_row_put(model->txn, key_bytes, KEY_BYTES, row, model->lengths[key]);
}

static void model_delete(struct model *model, uint32_t key)
{
    uint8_t key_bytes[KEY_BYTES];

    model->lengths[key] = 0;
    number_write_be(key_bytes, key, KEY_BYTES);
    store_row_delete(model->txn, key_bytes, KEY_BYTES);
}

static void model_check_row(const struct model *model, uint32_t key, const uint8_t *row,
                            size_t length)
{
    assert_int_equal(length, model->lengths[key]);
    assert_int_equal(row == NULL, length == 0);
    for (size_t i = 0; i < length; i += 1 + length / 7) {
        assert_int_equal(row[i], model->values[key]);
    }
}

static void model_get(const struct model *model, uint32_t key)
{
    uint8_t key_bytes[KEY_BYTES];
    const uint8_t *row = NULL;
    size_t length = 0;

    number_write_be(key_bytes, key, KEY_BYTES);
    store_row_get(model->txn, key_bytes, KEY_BYTES, &row, &length);
    model_check_row(model, key, row, length);
}

/* The first byte of 256 keys is the same, as the versions of a record share their beginning. */
static void model_look_around(const struct model *model, uint32_t key)
{
    uint8_t key_bytes[KEY_BYTES];
    struct store_row found = {0};
    uint32_t first = key / 256 * 256;
    uint32_t before = key;
    uint32_t from = key;

    number_write_be(key_bytes, key, KEY_BYTES);
    while (before > first && model->lengths[before - 1] == 0) {
        before--;
    }
    store_row_before(model->txn, key_bytes, KEY_BYTES, KEY_BYTES - 1, &found);
    if (before == first) {
        assert_null(found.row);
    } else {
        assert_int_equal(number_read_be(found.key, KEY_BYTES), before - 1);
        model_check_row(model, before - 1, found.row, found.row_length);
    }
    while (from < first + 256 && model->lengths[from] == 0) {
        from++;
    }
    store_row_from(model->txn, key_bytes, KEY_BYTES, KEY_BYTES - 1, &found);
    if (from == first + 256) {
        assert_null(found.row);
    } else {
        assert_int_equal(number_read_be(found.key, KEY_BYTES), from);
        model_check_row(model, from, found.row, found.row_length);
    }
}

/* One phase goes over the keys in order, as a merge gives them. */
static void model_phase(struct model *model)
{
    uint64_t stride = 1 + fixture_random(&model->random) % 20;

    for (uint64_t key = fixture_random(&model->random) % 2000; key < MODEL_KEYS;
         key += 1 + fixture_random(&model->random) % stride) {
        for (unsigned again = 0; again < 2; again++) {
            switch (fixture_random(&model->random) % 6) {
            case 0:
                model_get(model, (uint32_t)key);
                break;
            case 1:
                model_delete(model, (uint32_t)key);
                break;
            case 2:
                model_look_around(model, (uint32_t)key);
                break;
            case 3:
                model_get(model, (uint32_t)key);
                model_put(model, (uint32_t)key);
                break;
            default:
                model_put(model, (uint32_t)key);
                break;
            }
        }
    }
    assert_true(store_txn_check(model->txn, &(struct error){0}));
}

static void model_check_table(const struct model *model, struct store *store)
{
    struct store_reader *reader = NULL;
    const uint8_t *key = NULL;
    const uint8_t *row = NULL;
    size_t key_length = 0;
    size_t row_length = 0;
    uint64_t count = 0;
    struct error err = {0};

    assert_true(store_reader_open(store, "s", "t", &reader, &err));
    for (uint32_t expected = 0; expected < MODEL_KEYS; expected++) {
        if (model->lengths[expected] > 0) {
            assert_int_equal(store_reader_next(reader, &key, &key_length, &row, &row_length, &err),
                             STORE_ROW);
            assert_int_equal(number_read_be(key, KEY_BYTES), expected);
            model_check_row(model, expected, row, row_length);
            count++;
        }
    }
    assert_int_equal(store_reader_next(reader, &key, &key_length, &row, &row_length, &err),
                     STORE_END);
    assert_int_equal(store_reader_rows(reader), count);
    store_reader_close(&reader);
}

/* As bytes that are gone at the next call, for a sanitizer to see who keeps them. */
static enum store_next next_former(void *context, struct store_row *row_out, struct error *err)
{
    static uint8_t *bytes;
    enum store_next next = store_reader_next(context, &row_out->key, &row_out->key_length,
                                             &row_out->row, &row_out->row_length, err);

    mem_free(bytes);
    bytes = NULL;
    if (next == STORE_ROW) {
        bytes = mem_alloc(row_out->key_length + row_out->row_length);
        memcpy(bytes, row_out->key, row_out->key_length);
        memcpy(bytes + row_out->key_length, row_out->row, row_out->row_length);
        row_out->key = bytes;
        row_out->row = bytes + row_out->key_length;
    }
    return next;
}

/* Begins to fill a new generation from the rows of the one before, which the caller closes behind
 * the transaction; *filled_out names it. */
static struct store_reader *begin_filling(struct store *store, struct model *model,
                                          const struct table *table, struct table **filled_out)
{
    static uint8_t operation[LIMIT_OPERATION_ID_BYTES] = {100};
    struct table *filled = table_copy(table);
    static struct store_rows rows;
    struct store_reader *former = NULL;
    struct error err = {0};

    operation[0]++;
    memcpy(filled->operation_id, operation, sizeof operation);
    assert_true(generation_make(store, filled, &err));
    assert_true(store_reader_open(store, "s", "t", &former, &err));
    rows = (struct store_rows){next_former, former, store_reader_sequence(former)};
    assert_true(store_txn_begin_filling(store, filled, &rows, operation, &model->txn, &err));
    *filled_out = filled;
    return former;
}

/* Batches of some phases, each of which finds the rows of the ones before it. */
static void test_former_rows_are_there_from_the_beginning(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    struct table *table = fixture_create(store, "t");
    static struct model model;

    (void)state;
    model = (struct model){.random = fixture_seed()};
    for (unsigned batch = 0; batch < 6; batch++) {
        struct table *filled = NULL;
        bool spilled = false;
        struct error err = {0};

        struct store_reader *former = begin_filling(store, &model, table, &filled);

        for (unsigned phase = 0; phase <= batch % 3; phase++) {
            model_phase(&model);
        }
        assert_true(store_txn_commit(&model.txn, &spilled, &err));
        store_reader_close(&former);
        assert_true(registry_switch(store, table, filled, &err));
        table_free(&table);
        table = filled;
        model_check_table(&model, store);
    }
    table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_former_rows_are_there_from_the_beginning,
                                        fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Phases without history: what a table holds after them, beside a model that applies one entry
 * after the other. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"
#include "worker/apply/apply.h"
#include "worker/value/number.h"
#include "worker/value/row.h"

enum {
    KEYS = 40,
    COLUMNS = 3,
    RUNS = 3,
    KEY_BYTES = 4,

    /* What a cell of a change or of the model may be beside a number. */
    NONE = -1,
    UNMODIFIED = -2,
};

struct model_row {
    bool exists;
    int cells[COLUMNS]; /* a number or NONE */
};

static bool tick(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return true;
}

static bool refuse(void *context, struct error *err)
{
    (void)context;
    return error_set(err, ERROR_CANCELLED, "the operation was cancelled");
}

static const struct run_watch no_watch = {tick, NULL};

/* Adds a change of that key; cells are numbers, NONE or UNMODIFIED. */
static void add_entry(struct run_builder *builder, unsigned key, const int cells[COLUMNS],
                      bool is_row)
{
    OWNED(buffer_clear) struct buffer change = {0};
    uint8_t key_bytes[KEY_BYTES];
    uint32_t last_id = 0;

    for (unsigned i = 0; i < COLUMNS; i++) {
        uint8_t stored[sizeof(int)];

        if (cells[i] == UNMODIFIED) {
            continue;
        }
        memcpy(stored, &cells[i], sizeof stored);
        row_append_cell(&change, &last_id,
                        &(struct row_cell){.column_id = i + 1,
                                           .is_null = cells[i] == NONE,
                                           .stored = cells[i] == NONE ? NULL : stored,
                                           .length = cells[i] == NONE ? 0 : sizeof stored});
    }
    number_write_be(key_bytes, key, KEY_BYTES);
    assert_true(run_builder_add(builder, &(struct run_entry){.key = key_bytes,
                                                             .key_length = KEY_BYTES,
                                                             .change = change.bytes,
                                                             .change_length = change.length,
                                                             .is_row = is_row}));
}

static void add(struct run_builder *builder, unsigned key, const int cells[COLUMNS])
{
    add_entry(builder, key, cells, false);
}

static struct model_row read_row(struct store_txn *txn, unsigned key)
{
    struct model_row found = {
        .cells = {NONE, NONE, NONE}
    };
    uint8_t key_bytes[KEY_BYTES];
    const uint8_t *row = NULL;
    size_t length = 0;

    number_write_be(key_bytes, key, KEY_BYTES);
    store_row_get(txn, key_bytes, KEY_BYTES, &row, &length);
    if (row == NULL) {
        return found;
    }
    found.exists = true;
    for (unsigned i = 0; i < COLUMNS; i++) {
        struct row_cell cell = {0};

        if (row_find(row + ROW_SEQUENCE_BYTES, length - ROW_SEQUENCE_BYTES, i + 1, &cell)) {
            assert_int_equal(cell.length, sizeof(int));
            memcpy(&found.cells[i], cell.stored, sizeof(int));
        }
    }
    return found;
}

static void assert_row(struct store_txn *txn, unsigned key, const struct model_row *expected)
{
    struct model_row found = read_row(txn, key);

    assert_int_equal(found.exists, expected->exists);
    for (unsigned i = 0; i < COLUMNS; i++) {
        assert_int_equal(found.cells[i], expected->exists ? expected->cells[i] : NONE);
    }
}

static bool apply(struct store_txn *txn, enum file_kind kind, struct run_builder *builder,
                  const struct run_watch *watch, struct error *err)
{
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    const struct apply_phase phase = {kind, merger};
    uint64_t rows = 0;

    run_builder_sort(builder);
    run_merger_add_memory(merger, builder);
    return apply_phases(txn, false, &phase, 1, watch, &rows, err);
}

static void apply_one(struct store_txn *txn, enum file_kind kind, unsigned key,
                      const int cells[COLUMNS])
{
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(MIB);
    struct error err = {0};

    add(builder, key, cells);
    assert_true(apply(txn, kind, builder, &no_watch, &err));
}

static void apply_to_model(struct model_row *row, enum file_kind kind, const int cells[COLUMNS])
{
    if (kind == FILE_KIND_DELETE || (kind == FILE_KIND_UPDATE && !row->exists)) {
        row->exists = false;
        return;
    }
    for (unsigned i = 0; i < COLUMNS; i++) {
        if (cells[i] != UNMODIFIED) {
            row->cells[i] = cells[i];
        } else if (!row->exists) {
            row->cells[i] = NONE;
        }
    }
    row->exists = true;
}

/* A phase of random entries, many of them for the same key, spread over several runs. */
struct random_phase {
    struct run_builder *builders[RUNS];
    unsigned entries;
};

static struct apply_phase make_random_phase(struct random_phase *random,
                                            struct model_row model[KEYS], uint64_t *seed)
{
    static const enum file_kind kinds[] = {FILE_KIND_REPLACE, FILE_KIND_UPDATE, FILE_KIND_DELETE};
    struct apply_phase phase = {kinds[fixture_random(seed) % 3], run_merger_new()};

    random->entries = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        unsigned entries = (unsigned)(fixture_random(seed) % 12);

        random->builders[i] = run_builder_new(MIB);
        for (unsigned entry = 0; entry < entries; entry++) {
            unsigned key = (unsigned)(fixture_random(seed) % KEYS);
            bool is_row = phase.kind == FILE_KIND_REPLACE && fixture_random(seed) % 3 == 0;
            int cells[COLUMNS];

            for (unsigned column = 0; column < COLUMNS; column++) {
                cells[column] = (int)(fixture_random(seed) % 8) + (is_row ? 0 : UNMODIFIED);
            }
            add_entry(random->builders[i], key, cells, is_row);
            apply_to_model(&model[key], phase.kind, cells);
            random->entries++;
        }
        run_builder_sort(random->builders[i]);
        run_merger_add_memory(phase.merger, random->builders[i]);
    }
    return phase;
}

/* A batch of some phases, of which several may have entries for a key. */
static void apply_random_phases(struct store_txn *txn, struct model_row model[KEYS], uint64_t *seed)
{
    struct random_phase random[FILE_KINDS];
    struct apply_phase phases[FILE_KINDS];
    size_t count = 1 + fixture_random(seed) % FILE_KINDS;
    unsigned entries = 0;
    uint64_t rows = 0;
    struct error err = {0};

    for (size_t i = 0; i < count; i++) {
        phases[i] = make_random_phase(&random[i], model, seed);
        entries += random[i].entries;
    }
    assert_true(apply_phases(txn, false, phases, count, &no_watch, &rows, &err));
    assert_int_equal(rows, entries);
    for (size_t i = 0; i < count; i++) {
        run_merger_free(&phases[i].merger);
        for (unsigned run = 0; run < RUNS; run++) {
            run_builder_free(&random[i].builders[run]);
        }
    }
}

static void test_phases_leave_what_entries_one_after_the_other_leave(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    struct model_row model[KEYS] = {
        {false, {0}}
    };
    uint64_t seed = fixture_seed();

    (void)state;
    for (unsigned batch = 1; batch <= 40; batch++) {
        struct store_txn *txn = fixture_begin(store, table, batch);

        for (unsigned round = 0; round < 5; round++) {
            apply_random_phases(txn, model, &seed);
            for (unsigned key = 0; key < KEYS; key++) {
                assert_row(txn, key, &model[key]);
            }
        }
        fixture_commit(&txn);
    }
}

static void test_an_update_of_a_row_that_is_not_there_is_skipped(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    OWNED(store_txn_abort) struct store_txn *txn = fixture_begin(store, table, 1);

    (void)state;
    apply_one(txn, FILE_KIND_UPDATE, 7, (const int[]){1, 2, 3});
    assert_false(read_row(txn, 7).exists);
}

static void test_a_replace_keeps_the_cells_that_it_leaves_out(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    OWNED(store_txn_abort) struct store_txn *txn = fixture_begin(store, table, 1);

    (void)state;
    apply_one(txn, FILE_KIND_REPLACE, 7, (const int[]){1, 2, 3});
    apply_one(txn, FILE_KIND_REPLACE, 7, (const int[]){4, UNMODIFIED, NONE});
    assert_row(txn, 7,
               &(struct model_row){
                   true, {4, 2, NONE}
    });
}

static uint64_t sequence_of(struct store_txn *txn, unsigned key)
{
    uint8_t key_bytes[KEY_BYTES];
    const uint8_t *row = NULL;
    size_t length = 0;

    number_write_be(key_bytes, key, KEY_BYTES);
    store_row_get(txn, key_bytes, KEY_BYTES, &row, &length);
    assert_non_null(row);
    return number_read_le(row, ROW_SEQUENCE_BYTES);
}

static void test_a_row_carries_the_sequence_of_the_batch_that_wrote_it(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    struct store_txn *txn = fixture_begin(store, table, 1);
    uint64_t first = store_txn_sequence(txn);
    uint64_t second = 0;

    (void)state;
    apply_one(txn, FILE_KIND_REPLACE, 7, (const int[]){1, 2, 3});
    apply_one(txn, FILE_KIND_REPLACE, 8, (const int[]){1, 2, 3});
    fixture_commit(&txn);

    txn = fixture_begin(store, table, 2);
    second = store_txn_sequence(txn);
    assert_true(second > first);
    apply_one(txn, FILE_KIND_UPDATE, 8, (const int[]){UNMODIFIED, 5, UNMODIFIED});
    assert_int_equal(sequence_of(txn, 7), first);
    assert_int_equal(sequence_of(txn, 8), second);
    fixture_commit(&txn);
}

static void test_a_cancelled_phase_ends(void **state)
{
    static const struct run_watch watch = {refuse, NULL};
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    OWNED(store_txn_abort) struct store_txn *txn = fixture_begin(store, table, 1);
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(MIB);
    struct error err = {0};

    (void)state;
    for (unsigned key = 0; key < 2 * RUN_TICK_ENTRIES; key++) {
        add(builder, key, (const int[]){1, 2, 3});
    }
    assert_false(apply(txn, FILE_KIND_REPLACE, builder, &watch, &err));
    assert_int_equal(err.kind, ERROR_CANCELLED);
    assert_false(read_row(txn, 2 * RUN_TICK_ENTRIES - 1).exists);
}

static void test_a_damaged_row_fails_the_phase_and_names_the_table(void **state)
{
    static const uint8_t too_short[] = {1, 2, 3};
    static const uint8_t no_cells[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 200};
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    OWNED(store_txn_abort) struct store_txn *txn = fixture_begin(store, table, 1);
    uint8_t key_bytes[KEY_BYTES];

    (void)state;
    number_write_be(key_bytes, 7, KEY_BYTES);
    for (unsigned i = 0; i < 2; i++) {
        OWNED(run_builder_free) struct run_builder *builder = run_builder_new(MIB);
        struct error err = {0};

        store_row_put(txn, key_bytes, KEY_BYTES, i == 0 ? too_short : no_cells,
                      i == 0 ? sizeof too_short : sizeof no_cells);
        add(builder, 7, (const int[]){1, UNMODIFIED, UNMODIFIED});
        assert_false(apply(txn, FILE_KIND_UPDATE, builder, &no_watch, &err));
        assert_int_equal(err.kind, ERROR_STORE);
        assert_non_null(strstr(err.message, "\"s.t\""));
    }
}

static void test_a_run_that_was_cut_fails_the_phase(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    OWNED(store_txn_abort) struct store_txn *txn = fixture_begin(store, table, 1);
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(MIB);
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    OWNED(mem_release) char *path = mem_format("%s/run", fixture_folder);
    static const uint8_t secret[32] = {1};
    const struct run_place place = {.path = path, .key = secret, .nonce = 1};
    const struct apply_phase phase = {FILE_KIND_REPLACE, merger};
    struct run_size size;
    uint64_t rows = 0;
    struct error err = {0};

    (void)state;
    add(builder, 7, (const int[]){1, 2, 3});
    run_builder_sort(builder);
    assert_true(run_write(builder, &place, 0, &size, &err));
    assert_int_equal(truncate(path, (off_t)size.file_bytes - 1), 0);
    assert_true(run_merger_add_file(merger, &place, &err));
    assert_false(apply_phases(txn, false, &phase, 1, &no_watch, &rows, &err));
    assert_int_equal(err.kind, ERROR_STORE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_phases_leave_what_entries_one_after_the_other_leave),
        TEST(test_an_update_of_a_row_that_is_not_there_is_skipped),
        TEST(test_a_replace_keeps_the_cells_that_it_leaves_out),
        TEST(test_a_row_carries_the_sequence_of_the_batch_that_wrote_it),
        TEST(test_a_cancelled_phase_ends),
        TEST(test_a_damaged_row_fails_the_phase_and_names_the_table),
        TEST(test_a_run_that_was_cut_fails_the_phase),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

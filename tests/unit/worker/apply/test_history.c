/* Phases of history batches: the versions that they leave, beside a model that follows the rules of
 * history mode entry by entry. */
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"
#include "worker/apply/apply.h"
#include "worker/value/moment.h"
#include "worker/value/number.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

enum {
    RECORDS = 4,
    STARTS = 12, /* a record's versions begin at whole seconds from 0 to STARTS - 1 */
    RUNS = 2,
    ENTRIES_MAX = 10,
    SECOND_MS = 1000,

    /* Column ids, as the registry gives them: the key's "id" is the first. */
    START_ID = 2,
    END_ID = 3,
    ACTIVE_ID = 4,
    VALUE_ID = 5,

    UNMODIFIED = -1,
};

struct version {
    bool exists;
    bool active;
    int64_t end_ms;
    int value;
};

struct model {
    struct version versions[RECORDS][STARTS];
};

/* One row of a file: earliest_start looks at record and start, delete at record and end. */
struct wish {
    unsigned record;
    unsigned start;
    struct version version; /* value may be UNMODIFIED */
};

static bool tick(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return true;
}

static const struct run_watch no_watch = {tick, NULL};

static struct table *create_history_table(struct store *store)
{
    static const struct {
        const char *name;
        enum column_type type;
        unsigned key_position;
    } columns[] = {
        {"id",               COLUMN_INT,          1},
        {"_fivetran_start",  COLUMN_UTC_DATETIME, 2},
        {"_fivetran_end",    COLUMN_UTC_DATETIME, 0},
        {"_fivetran_active", COLUMN_BOOLEAN,      0},
        {"value",            COLUMN_INT,          0},
    };
    OWNED(table_free) struct table *wished = mem_zero(sizeof *wished);
    struct table *table = NULL;
    struct error err = {0};

    wished->schema_name = mem_text("s");
    wished->name = mem_text("t");
    for (unsigned i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        struct column *column = table_add_column(wished, columns[i].name);

        column->type = columns[i].type;
        column->key_position = columns[i].key_position;
    }
    assert_true(registry_create(store, wished, &err));
    assert_true(registry_find(store, "s", "t", &table, &err));
    assert_int_equal(table->columns[VALUE_ID - 1].id, VALUE_ID);
    return table;
}

static void store_ms(int64_t ms, uint8_t stored[MOMENT_STORED_BYTES])
{
    struct moment moment = {.seconds = ms / SECOND_MS};

    moment.nanos = (uint32_t)(ms % SECOND_MS) * 1000000U;
    moment_write_stored(moment, stored);
}

/* The record's part of a key, and the start's unless the entry is for the whole record. */
static void append_key(struct buffer *key, unsigned record, unsigned start, bool whole_record)
{
    uint8_t stored[MOMENT_STORED_BYTES];

    number_write_be(buffer_reserve(key, 4), record, 4);
    key->length += 4;
    if (!whole_record) {
        store_ms((int64_t)start * SECOND_MS, stored);
        assert_true(type_of(COLUMN_UTC_DATETIME)->append_key(stored, sizeof stored, key));
    }
}

static void append_moment(struct buffer *change, uint32_t *last_id, uint32_t id, int64_t ms)
{
    uint8_t stored[MOMENT_STORED_BYTES];

    store_ms(ms, stored);
    row_append_cell(change, last_id,
                    &(struct row_cell){.column_id = id, .stored = stored, .length = sizeof stored});
}

static void add(struct run_builder *builder, enum file_kind kind, const struct wish *wish)
{
    OWNED(buffer_clear) struct buffer key = {0};
    OWNED(buffer_clear) struct buffer change = {0};
    uint8_t active = wish->version.active ? 1 : 0;
    uint8_t value = (uint8_t)wish->version.value;
    uint32_t last_id = 0;

    append_key(&key, wish->record, wish->start,
               kind == FILE_KIND_EARLIEST_START || kind == FILE_KIND_DELETE);
    if (kind != FILE_KIND_DELETE) {
        append_moment(&change, &last_id, START_ID, (int64_t)wish->start * SECOND_MS);
    }
    if (kind != FILE_KIND_EARLIEST_START) {
        append_moment(&change, &last_id, END_ID, wish->version.end_ms);
    }
    if (kind == FILE_KIND_REPLACE || kind == FILE_KIND_UPDATE) {
        row_append_cell(&change, &last_id,
                        &(struct row_cell){.column_id = ACTIVE_ID, .stored = &active, .length = 1});
        if (wish->version.value != UNMODIFIED) {
            row_append_cell(
                &change, &last_id,
                &(struct row_cell){.column_id = VALUE_ID, .stored = &value, .length = 1});
        }
    }
    assert_true(run_builder_add(builder, &(struct run_entry){.key = key.bytes,
                                                             .key_length = key.length,
                                                             .change = change.bytes,
                                                             .change_length = change.length}));
}

static struct version *last_before(struct version versions[STARTS], unsigned start)
{
    for (unsigned i = start; i > 0; i--) {
        if (versions[i - 1].exists) {
            return &versions[i - 1];
        }
    }
    return NULL;
}

static void model_earliest_start(struct version versions[STARTS], unsigned start)
{
    struct version *last = NULL;

    for (unsigned i = start; i < STARTS; i++) {
        versions[i].exists = false;
    }
    last = last_before(versions, start);
    if (last != NULL) {
        last->active = false;
        if (last->end_ms >= (int64_t)start * SECOND_MS) {
            last->end_ms = (int64_t)start * SECOND_MS - 1;
        }
    }
}

static void model_delete(struct version versions[STARTS], int64_t end_ms)
{
    for (unsigned i = 0; i < STARTS; i++) {
        if (versions[i].exists && versions[i].active) {
            versions[i].active = false;
            versions[i].end_ms = end_ms;
        }
    }
}

static void apply_to_model(struct model *model, enum file_kind kind, const struct wish *wish)
{
    struct version *versions = model->versions[wish->record];
    const struct version *base = last_before(versions, wish->start);

    switch (kind) {
    case FILE_KIND_EARLIEST_START:
        model_earliest_start(versions, wish->start);
        break;
    case FILE_KIND_REPLACE:
        versions[wish->start] = wish->version;
        break;
    case FILE_KIND_UPDATE:
        if (base != NULL) {
            int value = wish->version.value == UNMODIFIED ? base->value : wish->version.value;

            versions[wish->start] = wish->version;
            versions[wish->start].value = value;
        }
        break;
    case FILE_KIND_DELETE:
        model_delete(versions, wish->version.end_ms);
        break;
    }
}

static struct wish random_wish(enum file_kind kind, uint64_t *seed)
{
    struct wish wish = {
        .record = (unsigned)(fixture_random(seed) % RECORDS),
        .start = (unsigned)(fixture_random(seed) % STARTS),
        .version = {.exists = true,
                    .active = fixture_random(seed) % 2 == 0,
                    .end_ms = (int64_t)(fixture_random(seed) % (STARTS * SECOND_MS)),
                    .value = (int)(fixture_random(seed) % 100)},
    };

    if (kind == FILE_KIND_UPDATE && fixture_random(seed) % 2 == 0) {
        wish.version.value = UNMODIFIED;
    }
    return wish;
}

/* Updates of a record apply in order of start; everything else in order of files and rows. */
static void apply_all_to_model(struct model *model, enum file_kind kind, const struct wish *wishes,
                               unsigned count)
{
    for (unsigned start = 0; start < STARTS; start++) {
        for (unsigned i = 0; i < count; i++) {
            if (kind == FILE_KIND_UPDATE ? wishes[i].start == start : start == 0) {
                apply_to_model(model, kind, &wishes[i]);
            }
        }
    }
}

/* A phase of random entries, spread over several runs. */
struct random_phase {
    struct run_builder *builders[RUNS];
    unsigned entries;
};

static struct apply_phase make_random_phase(struct random_phase *random, enum file_kind kind,
                                            struct model *model, uint64_t *seed)
{
    struct apply_phase phase = {kind, run_merger_new()};
    struct wish wishes[RUNS * ENTRIES_MAX];

    random->entries = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        random->builders[i] = run_builder_new(MIB);
        for (uint64_t left = fixture_random(seed) % ENTRIES_MAX; left > 0; left--) {
            wishes[random->entries] = random_wish(kind, seed);
            add(random->builders[i], kind, &wishes[random->entries++]);
        }
        run_builder_sort(random->builders[i]);
        run_merger_add_memory(phase.merger, random->builders[i]);
    }
    apply_all_to_model(model, kind, wishes, random->entries);
    return phase;
}

/* A batch of one phase or of several in their order. */
static void apply_random_phases(struct store_txn *txn, struct model *model, uint64_t *seed)
{
    struct random_phase random[FILE_KINDS];
    struct apply_phase phases[FILE_KINDS];
    size_t count = 0;
    unsigned entries = 0;
    uint64_t rows = 0;
    struct error err = {0};

    for (int kind = 0; kind < FILE_KINDS; kind++) {
        if (fixture_random(seed) % 4 != 0) {
            phases[count] = make_random_phase(&random[count], (enum file_kind)kind, model, seed);
            entries += random[count++].entries;
        }
    }
    assert_true(apply_phases(txn, true, phases, count, &no_watch, &rows, &err));
    assert_int_equal(rows, entries);
    for (size_t i = 0; i < count; i++) {
        run_merger_free(&phases[i].merger);
        for (unsigned run = 0; run < RUNS; run++) {
            run_builder_free(&random[i].builders[run]);
        }
    }
}

static void assert_moment(const uint8_t *cells, size_t length, uint32_t id, int64_t ms)
{
    struct row_cell cell = {0};
    uint8_t stored[MOMENT_STORED_BYTES];

    store_ms(ms, stored);
    assert_true(row_find(cells, length, id, &cell));
    assert_int_equal(cell.length, sizeof stored);
    assert_memory_equal(cell.stored, stored, sizeof stored);
}

static void assert_version(struct store_txn *txn, unsigned record, unsigned start,
                           const struct version *expected)
{
    OWNED(buffer_clear) struct buffer key = {0};
    struct row_cell cell = {0};
    const uint8_t *row = NULL;
    size_t length = 0;

    append_key(&key, record, start, false);
    store_row_get(txn, key.bytes, key.length, &row, &length);
    assert_int_equal(row != NULL, expected->exists);
    if (row == NULL) {
        return;
    }
    row += ROW_SEQUENCE_BYTES;
    length -= ROW_SEQUENCE_BYTES;
    assert_moment(row, length, START_ID, (int64_t)start * SECOND_MS);
    assert_moment(row, length, END_ID, expected->end_ms);
    assert_true(row_find(row, length, ACTIVE_ID, &cell));
    assert_int_equal(cell.stored[0], expected->active);
    assert_true(row_find(row, length, VALUE_ID, &cell));
    assert_int_equal(cell.stored[0], expected->value);
}

static void test_phases_leave_the_versions_that_the_rules_leave(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = create_history_table(store);
    struct model model = {0};
    uint64_t seed = fixture_seed();

    (void)state;
    for (unsigned batch = 1; batch <= 60; batch++) {
        struct store_txn *txn = fixture_begin(store, table, batch);

        for (unsigned round = 0; round < 4; round++) {
            apply_random_phases(txn, &model, &seed);
            for (unsigned i = 0; i < RECORDS * STARTS; i++) {
                assert_version(txn, i / STARTS, i % STARTS,
                               &model.versions[i / STARTS][i % STARTS]);
            }
        }
        fixture_commit(&txn);
    }
}

static void test_an_earliest_start_without_a_start_fails(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = create_history_table(store);
    OWNED(store_txn_abort) struct store_txn *txn = fixture_begin(store, table, 1);
    OWNED(run_builder_free) struct run_builder *builder = run_builder_new(MIB);
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    const struct apply_phase phase = {FILE_KIND_EARLIEST_START, merger};
    uint64_t rows = 0;
    struct error err = {0};

    (void)state;
    assert_true(run_builder_add(
        builder, &(struct run_entry){.key = (const uint8_t *)"key", .key_length = 3}));
    run_builder_sort(builder);
    run_merger_add_memory(merger, builder);
    assert_false(apply_phases(txn, true, &phase, 1, &no_watch, &rows, &err));
    assert_int_equal(err.kind, ERROR_STORE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_phases_leave_the_versions_that_the_rules_leave),
        TEST(test_an_earliest_start_without_a_start_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

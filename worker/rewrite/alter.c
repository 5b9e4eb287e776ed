/* See alter.h. Rows are read from the old generation and written to a new one, in key order: as
 * they come, or through a collector where keys change. */
#include "worker/rewrite/alter.h"

#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"
#include "worker/rewrite/alter_plan.h"
#include "worker/rewrite/convert.h"
#include "worker/value/key.h"
#include "worker/value/number.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

enum {
    TICK_ROWS = 1024
};

/* A column of the new table: where its value comes from, and what does not fit. */
struct source_column {
    const struct column *column;
    enum column_type from; /* its type before; COLUMN_UNSPECIFIED: it is new */
    struct buffer stored;  /* of the row in hand */
    bool is_null;
    uint64_t unfit_count;
    uint64_t null_count; /* in the key */
};

/* Rows on their way. */
struct rewriting {
    const struct table *before;
    const struct table *after;
    bool new_keys;
    struct run_collector *collector;
    const struct run_watch *watch;
    struct store_txn *txn;
    struct source_column *columns; /* in order of id */
    size_t columns_count;
    struct key_part *parts;
    struct buffer scratch;
    struct buffer key;
    struct buffer cells;
    struct buffer row; /* with the sequence in front */
    uint64_t shared_keys;
    bool unfit; /* something does not fit: only counting goes on */
};

static bool rewrite(struct store *store, const struct table *before, struct alter_plan *plan,
                    struct run_collector *collector, const struct run_watch *watch,
                    bool *spilled_out, struct error *err);
static void rewriting_init(struct rewriting *rewriting, const struct table *before,
                           const struct alter_plan *plan, struct run_collector *collector,
                           const struct run_watch *watch);
static void rewriting_clear(struct rewriting *rewriting);
static bool read_rows(struct rewriting *rewriting, struct store *store, struct error *err);
static bool convert_row(struct rewriting *rewriting, const uint8_t *row, size_t length,
                        struct error *err);
static void fill_column(struct rewriting *rewriting, struct source_column *column,
                        const struct row_cell *cell);
static void make_key(struct rewriting *rewriting);
static bool put(struct rewriting *rewriting, const uint8_t *key, size_t key_length,
                const struct buffer *cells, struct error *err);
static bool write_collected(struct rewriting *rewriting, struct error *err);
static bool check_fit(const struct rewriting *rewriting, struct error *err);
static void append_zero(enum column_type type, struct buffer *out);

bool alter_table(struct store *store, const struct table *wished, bool drop_columns,
                 struct run_collector *collector, const struct run_watch *watch, bool *spilled_out,
                 struct error *err)
{
    OWNED(table_free) struct table *before = NULL;
    OWNED(alter_plan_clear) struct alter_plan plan = {0};

    *spilled_out = false;
    if (!registry_find(store, wished->schema_name, wished->name, &before, err)) {
        return false;
    }
    if (before == NULL) {
        (void)error_set(err, ERROR_REQUEST,
                        "could not alter table \"%s.%s\": there is no such table",
                        text_name(wished->schema_name).text, text_name(wished->name).text);
        return error_hint(err, "Create it with CreateTable first.");
    }
    alter_plan_make(before, wished, drop_columns, &plan);
    if (!plan.changed) {
        return true;
    }
    /* Columns that stay add to those of the request. An entry beyond the limit could not be read
     * again. */
    if (plan.after->columns_count > LIMIT_COLUMNS) {
        return error_set(err, ERROR_LIMIT,
                         "could not alter table \"%s.%s\": it would have %zu columns, the limit is "
                         "%d",
                         text_name(wished->schema_name).text, text_name(wished->name).text,
                         plan.after->columns_count, (int)LIMIT_COLUMNS);
    }
    if (plan.rewrites && !rewrite(store, before, &plan, collector, watch, spilled_out, err)) {
        if (plan.after->generation != before->generation) {
            registry_drop_generation(store, plan.after);
        }
        return error_wrap(err, "could not alter table \"%s.%s\"",
                          text_name(wished->schema_name).text, text_name(wished->name).text);
    }
    /* Where this fails the disk does, and nobody knows which entry it holds: the new generation
     * stays, and the sweep at the next start asks the registry. */
    return registry_replace(store, before, plan.after, err);
}

static bool rewrite(struct store *store, const struct table *before, struct alter_plan *plan,
                    struct run_collector *collector, const struct run_watch *watch,
                    bool *spilled_out, struct error *err)
{
    OWNED(rewriting_clear) struct rewriting rewriting;
    bool already = false;

    rewriting_init(&rewriting, before, plan, collector, watch);
    if (!registry_make_generation(store, plan->after, err) ||
        !store_txn_begin(store, plan->after, plan->after->operation_id, &rewriting.txn, &already,
                         err)) {
        return false;
    }
    return read_rows(&rewriting, store, err) && check_fit(&rewriting, err) &&
           (!rewriting.new_keys || write_collected(&rewriting, err)) &&
           check_fit(&rewriting, err) && watch->tick(watch->context, err) &&
           store_txn_commit(&rewriting.txn, spilled_out, err);
}

static void rewriting_init(struct rewriting *rewriting, const struct table *before,
                           const struct alter_plan *plan, struct run_collector *collector,
                           const struct run_watch *watch)
{
    const struct table *after = plan->after;

    *rewriting = (struct rewriting){
        .before = before,
        .after = after,
        .new_keys = plan->new_keys,
        .collector = collector,
        .watch = watch,
        .columns = mem_zero_array(after->columns_count, sizeof(struct source_column)),
        .columns_count = after->columns_count,
        .parts = mem_zero_array(after->columns_count, sizeof(struct key_part)),
    };
    /* Columns stand in order of their ids: new ones come last. */
    for (size_t i = 0; i < after->columns_count; i++) {
        const struct column *column = &after->columns[i];
        const struct column *old = table_column_by_id(before, column->id);

        REQUIRE(i == 0 || column->id > after->columns[i - 1].id);
        rewriting->columns[i].column = column;
        rewriting->columns[i].from = old != NULL ? old->type : COLUMN_UNSPECIFIED;
    }
}

static void rewriting_clear(struct rewriting *rewriting)
{
    store_txn_abort(&rewriting->txn);
    for (size_t i = 0; i < rewriting->columns_count; i++) {
        buffer_clear(&rewriting->columns[i].stored);
    }
    mem_free(rewriting->columns);
    mem_free(rewriting->parts);
    buffer_clear(&rewriting->scratch);
    buffer_clear(&rewriting->key);
    buffer_clear(&rewriting->cells);
    buffer_clear(&rewriting->row);
}

static bool read_rows(struct rewriting *rewriting, struct store *store, struct error *err)
{
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    const struct table *before = rewriting->before;
    const uint8_t *key = NULL;
    const uint8_t *row = NULL;
    size_t key_length = 0;
    size_t row_length = 0;
    uint64_t rows = 0;
    enum store_next next = STORE_END;

    if (!store_reader_open(store, before->schema_name, before->name, &reader, err)) {
        return false;
    }
    if (reader == NULL) {
        return error_set(err, ERROR_STORE, "the table is gone");
    }
    while ((next = store_reader_next(reader, &key, &key_length, &row, &row_length, err)) ==
           STORE_ROW) {
        if (!convert_row(rewriting, row, row_length, err)) {
            return false;
        }
        if (!rewriting->unfit && !rewriting->new_keys &&
            !put(rewriting, key, key_length, &rewriting->cells, err)) {
            return false;
        }
        if (!rewriting->unfit && rewriting->new_keys) {
            const struct run_entry entry = {
                .key = rewriting->key.bytes,
                .key_length = rewriting->key.length,
                .change = rewriting->cells.bytes,
                .change_length = rewriting->cells.length,
            };

            if (!run_collector_add(rewriting->collector, &entry, err)) {
                return false;
            }
        }
        if (++rows % TICK_ROWS == 0 && !rewriting->watch->tick(rewriting->watch->context, err)) {
            return false;
        }
    }
    return next == STORE_END;
}

/* Makes the new row's cells and key; counts what does not fit. */
static bool convert_row(struct rewriting *rewriting, const uint8_t *row, size_t length,
                        struct error *err)
{
    struct row_cursor cursor;
    struct row_cell cell = {0};
    uint32_t last_id = 0;
    enum row_next next = ROW_BROKEN;

    if (length >= ROW_SEQUENCE_BYTES) {
        row_cursor_init(&cursor, row + ROW_SEQUENCE_BYTES, length - ROW_SEQUENCE_BYTES);
        next = row_cursor_next(&cursor, &cell);
    }
    buffer_reset(&rewriting->cells);
    for (size_t i = 0; i < rewriting->columns_count; i++) {
        struct source_column *column = &rewriting->columns[i];
        uint32_t id = column->column->id;

        while (next == ROW_CELL && cell.column_id < id) {
            next = row_cursor_next(&cursor, &cell); /* of a column that was dropped */
        }
        fill_column(rewriting, column, next == ROW_CELL && cell.column_id == id ? &cell : NULL);
        if (!column->is_null) {
            row_append_cell(&rewriting->cells, &last_id,
                            &(struct row_cell){.column_id = id,
                                               .stored = column->stored.bytes,
                                               .length = column->stored.length});
        }
    }
    while (next == ROW_CELL) {
        next = row_cursor_next(&cursor, &cell);
    }
    if (next == ROW_BROKEN) {
        return error_set(err, ERROR_STORE, "a row of the table is damaged");
    }
    if (rewriting->new_keys && !rewriting->unfit) {
        make_key(rewriting);
    }
    return true;
}

/* A column that is new to the table and joins the key is filled with its type's zero. */
static void fill_column(struct rewriting *rewriting, struct source_column *column,
                        const struct row_cell *cell)
{
    bool in_key = column->column->key_position > 0;

    buffer_reset(&column->stored);
    (void)buffer_reserve(&column->stored, 1);
    column->is_null = cell == NULL || cell->is_null;
    if (!column->is_null) {
        if (!convert_value(column->from, column->column->type, cell->stored, cell->length,
                           &rewriting->scratch, &column->stored)) {
            column->unfit_count++;
            rewriting->unfit = true;
        }
    } else if (in_key && column->from == COLUMN_UNSPECIFIED) {
        append_zero(column->column->type, &column->stored);
        column->is_null = false;
    } else if (in_key) {
        column->null_count++;
        rewriting->unfit = true;
    }
}

static void make_key(struct rewriting *rewriting)
{
    size_t count = 0;
    size_t bad_part = 0;

    for (size_t i = 0; i < rewriting->columns_count; i++) {
        const struct source_column *column = &rewriting->columns[i];

        if (column->column->key_position > 0) {
            rewriting->parts[column->column->key_position - 1] = (struct key_part){
                .type = column->column->type,
                .stored = column->stored.bytes,
                .length = column->stored.length,
            };
            count++;
        }
    }
    buffer_reset(&rewriting->key);
    if (key_append(rewriting->parts, count, key_is_history(rewriting->after), &rewriting->scratch,
                   &rewriting->key, &bad_part)) {
        return;
    }
    for (size_t i = 0; i < rewriting->columns_count; i++) {
        if (rewriting->columns[i].column->key_position == bad_part + 1) {
            rewriting->columns[i].unfit_count++; /* NaN */
        }
    }
    rewriting->unfit = true;
}

static bool put(struct rewriting *rewriting, const uint8_t *key, size_t key_length,
                const struct buffer *cells, struct error *err)
{
    const struct error *failure = NULL;

    buffer_reset(&rewriting->row);
    number_write_le(buffer_reserve(&rewriting->row, ROW_SEQUENCE_BYTES),
                    store_txn_sequence(rewriting->txn), ROW_SEQUENCE_BYTES);
    rewriting->row.length = ROW_SEQUENCE_BYTES;
    buffer_append(&rewriting->row, cells->bytes, cells->length);
    store_row_put(rewriting->txn, key, key_length, rewriting->row.bytes, rewriting->row.length);
    failure = store_txn_failure(rewriting->txn);
    return failure == NULL || error_copy(err, failure);
}

static bool write_collected(struct rewriting *rewriting, struct error *err)
{
    OWNED(run_merger_free) struct run_merger *merger = NULL;
    struct run_entry entry = {0};
    enum run_next next = RUN_END;
    uint64_t rows = 0;

    if (!run_collector_finish(rewriting->collector, &merger, err)) {
        return false;
    }
    buffer_reset(&rewriting->key);
    while ((next = run_merger_next(merger, &entry, err)) == RUN_ENTRY) {
        const struct buffer cells = {.bytes = (uint8_t *)(uintptr_t)entry.change,
                                     .length = entry.change_length};

        if (rows > 0 && entry.key_length == rewriting->key.length &&
            memcmp(entry.key, rewriting->key.bytes, entry.key_length) == 0) {
            rewriting->shared_keys++;
        } else if (!put(rewriting, entry.key, entry.key_length, &cells, err)) {
            return false;
        }
        buffer_reset(&rewriting->key);
        buffer_append(&rewriting->key, entry.key, entry.key_length);
        if (++rows % TICK_ROWS == 0 && !rewriting->watch->tick(rewriting->watch->context, err)) {
            return false;
        }
    }
    return next == RUN_END;
}

/* Says how many, not which: values are never quoted. */
static bool check_fit(const struct rewriting *rewriting, struct error *err)
{
    for (size_t i = 0; i < rewriting->columns_count; i++) {
        const struct source_column *column = &rewriting->columns[i];
        const struct text_shown name = text_name(column->column->name);

        if (column->unfit_count > 0) {
            return error_set(err, ERROR_REQUEST, "column \"%s\": %llu values do not fit %s%s",
                             name.text, (unsigned long long)column->unfit_count,
                             column_type_name(column->column->type),
                             column->column->key_position > 0 ? " in a primary key" : "");
        }
        if (column->null_count > 0) {
            return error_set(err, ERROR_REQUEST,
                             "column \"%s\" is NULL in %llu rows and cannot be in the primary key",
                             name.text, (unsigned long long)column->null_count);
        }
    }
    return rewriting->shared_keys == 0 ||
           error_set(err, ERROR_REQUEST, "%llu rows would share their primary key with another",
                     (unsigned long long)rewriting->shared_keys);
}

static void append_zero(enum column_type type, struct buffer *out)
{
    static const char *const zeros[] = {"false",      "0",        "0001-01-01T00:00:00",
                                        "0001-01-01", "00:00:00", ""};
    const char *problem = NULL;

    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        const char *zero = type_of(type)->accepts_empty ? "" : zeros[i];

        if (type_of(type)->parse(zero, strlen(zero), out, &problem) != PARSE_FAILED) {
            return;
        }
    }
    ENSURE(problem == NULL);
}

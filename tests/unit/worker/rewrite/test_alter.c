/* worker/rewrite/alter: what no client can see, and what a kill and a cancellation leave. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <dirent.h>

#include "common/limits.h"
#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"
#include "worker/rewrite/alter.h"
#include "worker/value/key.h"
#include "worker/value/number.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

enum {
    ROWS = 3000,
    LONG_KEY_BYTES = 600, /* beyond what a key keeps as it is */
};

static bool go_on(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return true;
}

static bool cancel(void *context, struct error *err)
{
    (void)context;
    return error_set(err, ERROR_CANCELLED, "cancelled");
}

static bool die(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return raise(SIGKILL) == 0;
}

static bool alter(const struct table *wished, bool drop_columns,
                  bool (*tick)(void *context, struct error *err), struct error *err)
{
    const struct run_watch watch = {tick, NULL};
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(mem_release) char *folder = mem_format("%s/runs-of-alter", fixture_folder);
    struct run_builder *builder = run_builder_new(4 * MIB);
    struct run_collector *collector = run_collector_new(builder, folder, 0, &watch);
    const struct rewrite_means means = {store, collector, &watch};
    bool altered = alter_table(&means, wished, drop_columns, err);

    run_collector_free(&collector);
    run_builder_free(&builder);
    return altered;
}

/* A row whose cells are texts, column ids from 1; NULL skips one. Its key is that of `table`. */
static void put_texts(struct store_txn *txn, const struct table *table, const char *const *texts)
{
    struct key_part parts[8];
    struct buffer stored[8] = {{0}};
    struct buffer row = {0};
    struct buffer key = {0};
    struct buffer scratch = {0};
    uint32_t last_id = 0;
    size_t bad_part = 0;
    const char *problem = NULL;

    number_write_le(buffer_reserve(&row, ROW_SEQUENCE_BYTES), store_txn_sequence(txn),
                    ROW_SEQUENCE_BYTES);
    row.length = ROW_SEQUENCE_BYTES;
    for (size_t i = 0; i < table->columns_count; i++) {
        const struct column *column = &table->columns[i];

        assert_int_equal(
            type_of(column->type)->parse(texts[i], strlen(texts[i]), &stored[i], &problem),
            PARSE_OK);
        row_append_cell(&row, &last_id,
                        &(struct row_cell){.column_id = column->id,
                                           .stored = stored[i].bytes,
                                           .length = stored[i].length});
        if (column->key_position > 0) {
            parts[column->key_position - 1] = (struct key_part){
                .type = column->type, .stored = stored[i].bytes, .length = stored[i].length};
        }
    }
    assert_true(key_append(parts, table_key_count(table), key_is_history(table), &scratch, &key,
                           &bad_part));
    store_row_put(txn, key.bytes, key.length, row.bytes, row.length);
    for (size_t i = 0; i < table->columns_count; i++) {
        buffer_clear(&stored[i]);
    }
    buffer_clear(&row);
    buffer_clear(&key);
    buffer_clear(&scratch);
}

/* "s"."t" with ROWS rows. */
static void fill_table(void)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    struct store_txn *txn = fixture_begin(store, table, 1);

    for (int i = 0; i < ROWS; i++) {
        char number[16];

        snprintf(number, sizeof number, "%d", i);
        put_texts(txn, table, (const char *const[]){number, number});
    }
    fixture_commit(&txn);
}

/* The table "s"."t" with its column "text" as INT. */
static struct table *wish_int(void)
{
    struct table *wished = fixture_table("t", 2);

    wished->columns[1].type = COLUMN_INT;
    return wished;
}

static void assert_table(enum column_type type, uint64_t generation, int files)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = NULL;
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    OWNED(mem_release) char *path = NULL;
    struct error err = {0};
    const struct dirent *entry = NULL;

    assert_true(registry_find(store, "s", "t", &table, &err));
    assert_int_equal(table->columns[1].type, type);
    assert_int_equal(table->generation, generation);
    assert_true(store_reader_open(store, "s", "t", &reader, &err));
    assert_int_equal(store_reader_rows(reader), ROWS);

    path = mem_format("%s/tables/%llu", fixture_folder, (unsigned long long)table->id);

    DIR *folder = opendir(path);

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        files -=
            strstr(entry->d_name, ".mdb") != NULL && strstr(entry->d_name, "-lock") == NULL ? 1 : 0;
    }
    closedir(folder);
    assert_int_equal(files, 0);
}

static void test_a_type_change_gives_a_new_generation_and_removes_the_old(void **state)
{
    OWNED(table_free) struct table *wished = wish_int();
    struct error err = {0};

    (void)state;
    fill_table();
    assert_true(alter(wished, false, go_on, &err));
    assert_table(COLUMN_INT, 2, 1);
}

static void test_the_same_request_again_changes_nothing(void **state)
{
    OWNED(table_free) struct table *wished = wish_int();
    struct error err = {0};

    (void)state;
    fill_table();
    assert_true(alter(wished, false, go_on, &err));
    assert_true(alter(wished, false, go_on, &err));
    assert_table(COLUMN_INT, 2, 1);
}

static void test_a_cancelled_rewrite_leaves_the_table_and_nothing_else(void **state)
{
    OWNED(table_free) struct table *wished = wish_int();
    struct error err = {0};

    (void)state;
    fill_table();
    assert_false(alter(wished, false, cancel, &err));
    assert_int_equal(err.kind, ERROR_CANCELLED);
    assert_table(COLUMN_STRING, 1, 1);
}

static int alter_and_die(void *context)
{
    struct error err = {0};

    return alter(context, false, die, &err) ? 0 : 1;
}

static void test_a_kill_while_rewriting_leaves_the_table_and_the_sweep_the_rest(void **state)
{
    OWNED(table_free) struct table *wished = wish_int();
    struct error err = {0};

    (void)state;
    fill_table();
    assert_int_equal(fixture_wait(fixture_fork(alter_and_die, wished)), -SIGKILL);
    assert_table(COLUMN_STRING, 1, 2);

    struct store *store = fixture_open();

    assert_true(store_sweep(store, &err));
    store_close(&store);
    assert_table(COLUMN_STRING, 1, 1);
    assert_true(alter(wished, false, go_on, &err));
    assert_table(COLUMN_INT, 3, 1); /* the number of the lost generation is not used again */
}

static void test_the_next_try_removes_what_a_killed_one_left(void **state)
{
    OWNED(table_free) struct table *wished = wish_int();
    struct error err = {0};

    (void)state;
    fill_table();
    assert_int_equal(fixture_wait(fixture_fork(alter_and_die, wished)), -SIGKILL);
    assert_true(alter(wished, false, go_on, &err));
    assert_table(COLUMN_INT, 3, 1);
}

static void test_columns_that_stay_count_for_the_limit(void **state)
{
    OWNED(table_free) struct table *wished = fixture_table("t", 2);
    struct error err = {0};
    char name[32];

    (void)state;
    fill_table();
    for (int i = 2; i < LIMIT_COLUMNS; i++) {
        snprintf(name, sizeof name, "column %d", i);
        table_add_column(wished, name)->type = COLUMN_INT;
    }
    assert_true(alter(wished, false, go_on, &err));
    mem_free(wished->columns[wished->columns_count - 1].name);
    wished->columns[wished->columns_count - 1].name = mem_text("one more");
    assert_false(alter(wished, false, go_on, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_table(COLUMN_STRING, 1, 1);
}

/* "_fivetran_start" stands outside a long key's digest in history tables only, and a table stops to
 * be one when it loses a column outside the key. */
static void test_long_keys_follow_when_a_table_loses_its_history(void **state)
{
    static const struct {
        const char *name;
        enum column_type type;
        uint32_t key_position;
    } columns[] = {
        {"id",               COLUMN_STRING,       1},
        {"_fivetran_start",  COLUMN_UTC_DATETIME, 2},
        {"_fivetran_end",    COLUMN_UTC_DATETIME, 0},
        {"_fivetran_active", COLUMN_BOOLEAN,      0},
    };
    OWNED(table_free) struct table *wished = mem_zero(sizeof *wished);
    OWNED(table_free) struct table *table = NULL;
    struct store *store = fixture_open();
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    struct store_row row = {0};
    struct error err = {0};
    char id[LONG_KEY_BYTES + 1];

    (void)state;
    memset(id, 'x', LONG_KEY_BYTES);
    id[LONG_KEY_BYTES] = '\0';
    wished->schema_name = mem_text("s");
    wished->name = mem_text("h");
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        struct column *column = table_add_column(wished, columns[i].name);

        column->type = columns[i].type;
        column->key_position = columns[i].key_position;
    }
    assert_true(registry_create(store, wished, &err));
    assert_true(registry_find(store, "s", "h", &table, &err));
    assert_true(key_is_history(table));
    txn = fixture_begin(store, table, 1);
    put_texts(txn, table,
              (const char *const[]){id, "2024-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "true"});
    fixture_commit(&txn);
    store_close(&store);

    mem_free(wished->columns[3].name);
    wished->columns_count = 3;
    wished->operation_id[0] = 7;
    assert_true(alter(wished, true, go_on, &err));

    store = fixture_open();
    assert_true(store_reader_open(store, "s", "h", &reader, &err));
    assert_int_equal(
        store_reader_next(reader, &row.key, &row.key_length, &row.row, &row.row_length, &err),
        STORE_ROW);
    /* The digest ends the key; a version's start would follow it. */
    assert_int_equal(row.key_length, KEY_PLAIN_MAX + KEY_DIGEST_BYTES);
    store_reader_close(&reader);
    store_close(&store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_type_change_gives_a_new_generation_and_removes_the_old),
        TEST(test_the_same_request_again_changes_nothing),
        TEST(test_a_cancelled_rewrite_leaves_the_table_and_nothing_else),
        TEST(test_a_kill_while_rewriting_leaves_the_table_and_the_sweep_the_rest),
        TEST(test_the_next_try_removes_what_a_killed_one_left),
        TEST(test_columns_that_stay_count_for_the_limit),
        TEST(test_long_keys_follow_when_a_table_loses_its_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* frontend/rpc/table_request: a request's table by the protocol's rules. */
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "frontend/rpc/table_request.h"
#include "tests/support/test.h"

enum {
    COLUMNS_MAX = 8
};

/* A request's table on the stack. */
struct asked {
    FivetranSdk__V2__Table table;
    FivetranSdk__V2__Column *list[COLUMNS_MAX];
    FivetranSdk__V2__Column columns[COLUMNS_MAX];
    FivetranSdk__V2__DataTypeParams params;
    FivetranSdk__V2__DecimalParams decimal;
};

static char *literal(const char *text)
{
    static char kept[64][64];
    static size_t next;
    char *copy = kept[next++ % 64];

    snprintf(copy, 64, "%s", text);
    return copy;
}

static void start(struct asked *asked, const char *name)
{
    memset(asked, 0, sizeof *asked);
    fivetran_sdk__v2__table__init(&asked->table);
    asked->table.name = literal(name);
    asked->table.columns = asked->list;
}

static FivetranSdk__V2__Column *add(struct asked *asked, const char *name, int type, bool key)
{
    FivetranSdk__V2__Column *column = &asked->columns[asked->table.n_columns];

    fivetran_sdk__v2__column__init(column);
    column->name = literal(name);
    column->type = (FivetranSdk__V2__DataType)type;
    column->primary_key = key;
    asked->list[asked->table.n_columns++] = column;
    return column;
}

static void add_decimal(struct asked *asked, const char *name, uint32_t precision, uint32_t scale)
{
    FivetranSdk__V2__Column *column = add(asked, name, COLUMN_DECIMAL, false);

    fivetran_sdk__v2__decimal_params__init(&asked->decimal);
    asked->decimal.precision = precision;
    asked->decimal.scale = scale;
    fivetran_sdk__v2__data_type_params__init(&asked->params);
    asked->params.params_case = FIVETRAN_SDK__V2__DATA_TYPE_PARAMS__PARAMS_DECIMAL;
    asked->params.decimal = &asked->decimal;
    column->params = &asked->params;
}

/* Reads the table and expects a refusal that has `said` in it. */
static void expect_refusal(const struct asked *asked, const char *said)
{
    struct table *table = NULL;
    struct error err = {0};

    assert_false(table_request_read("s", &asked->table, &table, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
    assert_non_null(strstr(err.message, said));
    assert_null(table);
}

static void test_columns_are_read_as_sent(void **state)
{
    struct table *table = NULL;
    struct error err = {0};
    struct asked asked;

    (void)state;
    start(&asked, "t");
    add(&asked, "a.b", COLUMN_INT, true);
    add(&asked, "\"", COLUMN_NAIVE_TIME, false);
    assert_true(table_request_read("s", &asked.table, &table, &err));
    assert_string_equal(table->schema_name, "s");
    assert_int_equal(table->columns_count, 2);
    assert_string_equal(table->columns[0].name, "a.b");
    assert_int_equal(table->columns[0].key_position, 1);
    assert_int_equal(table->columns[1].type, COLUMN_NAIVE_TIME);
    assert_int_equal(table->columns[1].key_position, 0);
    table_free(&table);
}

static void test_every_known_type_is_accepted(void **state)
{
    (void)state;
    for (int type = COLUMN_UNSPECIFIED + 1; type < COLUMN_TYPE_END; type++) {
        struct table *table = NULL;
        struct error err = {0};
        struct asked asked;

        start(&asked, "t");
        add(&asked, "a", type, true);
        assert_true(table_request_read("s", &asked.table, &table, &err));
        table_free(&table);
    }
}

static void test_an_unspecified_or_unknown_type_names_the_column(void **state)
{
    static const int types[] = {COLUMN_UNSPECIFIED, COLUMN_TYPE_END, 1000, -1};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct asked asked;

        start(&asked, "t");
        add(&asked, "price", types[i], true);
        expect_refusal(&asked, "column \"price\"");
    }
}

static void test_an_absent_table_is_refused(void **state)
{
    struct table *table = NULL;
    struct error err = {0};

    (void)state;
    assert_false(table_request_read("s", NULL, &table, &err));
    assert_non_null(strstr(err.message, "no table"));
}

static void test_empty_names_are_refused(void **state)
{
    struct error err = {0};
    struct asked asked;

    (void)state;
    assert_false(table_request_check_names("", "t", &err));
    assert_non_null(strstr(err.message, "schema name"));
    assert_false(table_request_check_names("s", "", &err));
    assert_non_null(strstr(err.message, "table name"));
    start(&asked, "t");
    add(&asked, "", COLUMN_INT, true);
    expect_refusal(&asked, "a column has no name");
}

static void test_names_that_are_no_registry_key_are_told_the_limit(void **state)
{
    char name[LIMIT_TABLE_NAME_BYTES + 1];
    struct error err = {0};

    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_false(table_request_check_names("s", name, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_non_null(strstr(err.message, "480"));
    assert_true(table_request_check_names("s", name + 1, &err));
}

static void test_no_columns_are_refused(void **state)
{
    struct asked asked;

    (void)state;
    start(&asked, "t");
    expect_refusal(&asked, "no columns");
}

static void test_a_column_that_is_there_twice_is_named(void **state)
{
    struct asked asked;

    (void)state;
    start(&asked, "t");
    add(&asked, "a", COLUMN_INT, true);
    add(&asked, "A", COLUMN_INT, false);
    add(&asked, "a", COLUMN_INT, false);
    expect_refusal(&asked, "column \"a\" is there twice");
}

static void test_without_a_key_the_row_id_is_the_key(void **state)
{
    struct table *table = NULL;
    struct error err = {0};
    struct asked asked;

    (void)state;
    start(&asked, "t");
    add(&asked, "a", COLUMN_INT, false);
    add(&asked, "_fivetran_id", COLUMN_STRING, false);
    assert_true(table_request_read("s", &asked.table, &table, &err));
    assert_int_equal(table->columns[0].key_position, 0);
    assert_int_equal(table->columns[1].key_position, 1);
    table_free(&table);
}

static void test_a_versions_start_comes_last_in_the_key(void **state)
{
    struct table *table = NULL;
    struct error err = {0};
    struct asked asked;

    (void)state;
    start(&asked, "t");
    add(&asked, "_fivetran_start", COLUMN_UTC_DATETIME, true);
    add(&asked, "b", COLUMN_INT, true);
    add(&asked, "a", COLUMN_INT, true);
    assert_true(table_request_read("s", &asked.table, &table, &err));
    assert_int_equal(table->columns[0].key_position, 3);
    assert_int_equal(table->columns[1].key_position, 1);
    assert_int_equal(table->columns[2].key_position, 2);
    table_free(&table);
}

static void test_a_precision_over_38_is_kept_as_38_with_its_scale(void **state)
{
    struct table *table = NULL;
    struct error err = {0};
    struct asked asked;

    (void)state;
    start(&asked, "t");
    add(&asked, "id", COLUMN_INT, true);
    add_decimal(&asked, "price", 43, 15);
    assert_true(table_request_read("s", &asked.table, &table, &err));
    assert_true(table->columns[1].has_decimal);
    assert_int_equal(table->columns[1].precision, 38);
    assert_int_equal(table->columns[1].scale, 15);
    table_free(&table);
}

static void test_what_was_created_is_described(void **state)
{
    struct table *table = NULL;
    struct error err = {0};
    struct asked asked;

    (void)state;
    start(&asked, "t");
    add(&asked, "id", COLUMN_LONG, true);
    add_decimal(&asked, "price", 10, 2);
    add(&asked, "any", COLUMN_DECIMAL, false);
    assert_true(table_request_read("s", &asked.table, &table, &err));

    FivetranSdk__V2__Table *answer = table_request_answer(table);

    assert_string_equal(answer->name, "t");
    assert_int_equal(answer->n_columns, 3);
    assert_string_equal(answer->columns[0]->name, "id");
    assert_int_equal(answer->columns[0]->type, FIVETRAN_SDK__V2__DATA_TYPE__LONG);
    assert_true(answer->columns[0]->primary_key);
    assert_null(answer->columns[0]->params);
    assert_int_equal(answer->columns[1]->params->decimal->precision, 10);
    assert_int_equal(answer->columns[1]->params->decimal->scale, 2);
    assert_null(answer->columns[2]->params);
    fivetran_sdk__v2__table__free_unpacked(answer, NULL);
    table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_read_as_sent),
        cmocka_unit_test(test_every_known_type_is_accepted),
        cmocka_unit_test(test_an_unspecified_or_unknown_type_names_the_column),
        cmocka_unit_test(test_an_absent_table_is_refused),
        cmocka_unit_test(test_empty_names_are_refused),
        cmocka_unit_test(test_names_that_are_no_registry_key_are_told_the_limit),
        cmocka_unit_test(test_no_columns_are_refused),
        cmocka_unit_test(test_a_column_that_is_there_twice_is_named),
        cmocka_unit_test(test_without_a_key_the_row_id_is_the_key),
        cmocka_unit_test(test_a_versions_start_comes_last_in_the_key),
        cmocka_unit_test(test_a_precision_over_38_is_kept_as_38_with_its_scale),
        cmocka_unit_test(test_what_was_created_is_described),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

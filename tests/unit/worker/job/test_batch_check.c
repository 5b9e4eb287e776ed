/* worker/job/batch_check: a request's table against the stored one. */
#include <string.h>

#include "common/mem.h"
#include "common/table_entry.h"
#include "tests/support/test.h"
#include "tests/unit/worker/job/fixture.h"
#include "worker/job/batch_check.h"

/* What is done to a request that agrees with the table. */
struct disagreement {
    const char *what;
    void (*change)(Weir__TableEntry *request);
    const char *message; /* NULL: it still agrees */
};

static void change_nothing(Weir__TableEntry *request)
{
    (void)request;
}

static void reorder(Weir__TableEntry *request)
{
    Weir__ColumnEntry *first = request->columns[0];

    request->columns[0] = request->columns[2];
    request->columns[2] = first;
}

static void leave_out_a_column(Weir__TableEntry *request)
{
    weir__column_entry__free_unpacked(request->columns[2], NULL);
    request->n_columns = 2;
}

static void change_params(Weir__TableEntry *request)
{
    request->columns[2]->precision = 10;
    request->columns[2]->scale = 2;
}

static void rename_table(Weir__TableEntry *request)
{
    request->table_name[0] = 'x';
}

static void rename_column(Weir__TableEntry *request)
{
    request->columns[1]->name[0] = 'T';
}

static void change_type(Weir__TableEntry *request)
{
    request->columns[1]->type = COLUMN_JSON;
}

static void unset_type(Weir__TableEntry *request)
{
    request->columns[1]->type = 0;
}

static void use_unknown_type(Weir__TableEntry *request)
{
    request->columns[1]->type = 4000000000;
}

static void leave_key(Weir__TableEntry *request)
{
    request->columns[0]->key_position = 0;
}

static void join_key(Weir__TableEntry *request)
{
    request->columns[1]->key_position = 2;
}

#define TABLE "could not write to table \"s.t\": "

static const struct disagreement disagreements[] = {
    {"the same",             change_nothing,     NULL                                                           },
    {"another order",        reorder,            NULL                                                           },
    {"a column left out",    leave_out_a_column, NULL                                                           },
    {"other params",         change_params,      NULL                                                           },
    {"no such table",        rename_table,       "could not write to table \"s.x\": there is no such table"     },
    {"no such column",       rename_column,      TABLE "it has no column \"Text\""                              },
    {"another type",         change_type,        TABLE "column \"text\" is STRING, the request says JSON"       },
    {"no type",              unset_type,         TABLE "column \"text\" is STRING, the request says UNSPECIFIED"},
    {"an unknown type",      use_unknown_type,
     TABLE "column \"text\" is STRING, the request says unknown"                                                },
    {"not in the key there", leave_key,
     TABLE "column \"id\" is in the primary key, the request says that it is not"                               },
    {"in the key there",     join_key,
     TABLE "column \"text\" is not in the primary key, the request says that it is"                             },
};

static void test_each_disagreement_names_table_and_column(void **state)
{
    OWNED(store_close) struct store *store = NULL;
    struct error err = {0};

    (void)state;
    assert_null(job_fixture_create("t", 1)->failure);
    assert_true(job_open_store(job_fixture_worker, &store, &err));
    for (size_t i = 0; i < sizeof disagreements / sizeof disagreements[0]; i++) {
        const struct disagreement *row = &disagreements[i];
        Weir__TableEntry *request = job_fixture_table("t", 0);
        OWNED(table_free) struct table *table = NULL;
        OWNED(mem_release) uint32_t *ids = NULL;
        size_t ids_count = 0;

        row->change(request);

        bool agrees = check_batch_table(store, request, false, &table, &ids, &ids_count, &err);

        assert_int_equal(agrees, row->message == NULL);
        if (agrees) {
            assert_int_equal(ids_count, request->n_columns);
            for (size_t j = 0; j < ids_count; j++) {
                assert_string_equal(table_column_by_id(table, ids[j])->name,
                                    request->columns[j]->name);
            }
        } else {
            assert_int_equal(err.kind, ERROR_REQUEST);
            assert_string_equal(err.message, row->message);
        }
        weir__table_entry__free_unpacked(request, NULL);
    }
}

static void test_a_history_batch_wants_a_history_table(void **state)
{
    OWNED(store_close) struct store *store = NULL;
    OWNED(table_free) struct table *table = NULL;
    OWNED(mem_release) uint32_t *ids = NULL;
    Weir__TableEntry *request = job_fixture_table("t", 0);
    size_t ids_count = 0;
    struct error err = {0};

    (void)state;
    assert_null(job_fixture_create("t", 1)->failure);
    assert_true(job_open_store(job_fixture_worker, &store, &err));
    assert_false(check_batch_table(store, request, true, &table, &ids, &ids_count, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
    assert_non_null(strstr(err.message, "has no history"));
    weir__table_entry__free_unpacked(request, NULL);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, job_fixture_setup, job_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_disagreement_names_table_and_column),
        TEST(test_a_history_batch_wants_a_history_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

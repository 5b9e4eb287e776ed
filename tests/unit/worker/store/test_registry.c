/* worker/store/registry: which tables there are. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"
#include "worker/store/facts.h"
#include "worker/store/folder.h"
#include "worker/store/store_internal.h"

enum {
    CREATORS = 8
};

static void test_a_created_table_is_found_as_it_was_given(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *wished = fixture_table("a.b \"'", 7);
    OWNED(table_free) struct table *found = NULL;
    struct error err = {0};

    (void)state;
    wished->columns[1].type = COLUMN_DECIMAL;
    wished->columns[1].has_decimal = true;
    wished->columns[1].precision = 38;
    wished->columns[1].scale = 37;
    assert_true(registry_create(store, wished, &err));
    store_close(&store);
    store = fixture_open();
    assert_true(registry_find(store, "s", "a.b \"'", &found, &err));

    assert_string_equal(found->schema_name, "s");
    assert_string_equal(found->name, "a.b \"'");
    assert_int_equal(found->columns_count, 2);
    assert_string_equal(found->columns[0].name, "id");
    assert_int_equal(found->columns[0].key_position, 1);
    assert_int_equal(found->columns[0].id, 1);
    assert_int_equal(found->columns[1].id, 2);
    assert_int_equal(found->columns[1].type, COLUMN_DECIMAL);
    assert_int_equal(found->columns[1].precision, 38);
    assert_int_equal(found->columns[1].scale, 37);
    assert_int_equal(found->next_column_id, 3);
    assert_memory_equal(found->operation_id, wished->operation_id, sizeof found->operation_id);
}

static void set_next_id(struct store *store, uint64_t next_id)
{
    MDB_txn *txn = NULL;

    assert_int_equal(mdb_txn_begin(store->registry, NULL, 0, &txn), 0);
    assert_int_equal(fact_put(store, txn, FACT_NEXT_ID, NULL, next_id), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
}

static void set_unnamed(struct store *store, const struct table *table, uint64_t id)
{
    MDB_txn *txn = NULL;

    assert_int_equal(mdb_txn_begin(store->registry, NULL, 0, &txn), 0);
    assert_int_equal(fact_put(store, txn, FACT_UNNAMED, table, id), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
}

/* What has a number of its own would be taken for what a killed try left behind. */
static void test_a_number_is_never_given_again(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *first = fixture_create(store, "first");
    OWNED(table_free) struct table *other = fixture_table("other", 9);
    struct error err = {0};

    (void)state;
    assert_true(registry_check(store, &err));
    set_next_id(store, first->id);
    assert_false(registry_check(store, &err));
    assert_non_null(strstr(err.message, "would give the number of table \"s.first\" again"));
    error_clear(&err);
    assert_false(store_sweep(store, &err));
    error_clear(&err);
    set_next_id(store, 0);
    assert_false(registry_create(store, other, &err));
    assert_int_equal(err.kind, ERROR_STORE);
}

static void test_a_table_being_made_has_a_number_of_its_own(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *first = fixture_create(store, "first");
    OWNED(table_free) struct table *second = fixture_create(store, "second");
    OWNED(table_free) struct table *begun = fixture_table("begun", 9);
    OWNED(table_free) struct table *other = fixture_table("other", 10);
    struct error err = {0};

    (void)state;
    set_next_id(store, second->id + 300);
    set_unnamed(store, begun, second->id + 100);
    set_unnamed(store, other, second->id + 200);
    assert_true(registry_check(store, &err));
    const uint64_t wrong[] = {first->id, second->id + 100, second->id + 300, 0};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set_unnamed(store, other, wrong[i]);
        assert_false(registry_check(store, &err));
        assert_non_null(strstr(err.message, "of a table again"));
        error_clear(&err);
    }
}

static void test_an_entry_under_another_name_is_refused(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *created = fixture_create(store, "t");
    OWNED(table_free) struct table *found = NULL;
    MDB_txn *txn = NULL;
    char name[] = {'s', '\0', 't'};
    MDB_val key = {.mv_data = name, .mv_size = sizeof name};
    MDB_val value = {0};
    struct error err = {0};

    (void)state;
    assert_string_equal(created->name, "t");
    assert_int_equal(mdb_txn_begin(store->registry, NULL, 0, &txn), 0);
    assert_int_equal(mdb_get(txn, store->tables, &key, &value), 0);
    name[2] = 'u';
    assert_int_equal(mdb_put(txn, store->tables, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    assert_false(registry_find(store, "s", "u", &found, &err));
    assert_non_null(strstr(err.message, "an entry under another table's name"));
}

static void test_names_that_join_to_the_same_text_are_different_tables(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *one = fixture_table("c", 1);
    OWNED(table_free) struct table *other = fixture_table("b.c", 2);
    struct error err = {0};

    (void)state;
    mem_free(one->schema_name);
    one->schema_name = mem_text("a.b");
    mem_free(other->schema_name);
    other->schema_name = mem_text("a");
    assert_true(registry_create(store, one, &err));
    assert_true(registry_create(store, other, &err));
}

static void test_a_missing_table_is_no_error(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    struct table *found = NULL;
    struct error err = {0};
    char *name = mem_zero(10000);

    (void)state;
    memset(name, 'x', 9999);
    assert_true(registry_find(store, "s", "none", &found, &err));
    assert_null(found);
    assert_true(registry_find(store, "s", name, &found, &err));
    assert_null(found);
    mem_free(name);
}

static void test_an_existing_table_is_refused_by_name(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *wished = fixture_table("t", 1);
    struct error err = {0};

    (void)state;
    assert_true(registry_create(store, wished, &err));
    wished->operation_id[0] = 2;
    assert_false(registry_create(store, wished, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
    assert_string_equal(err.message, "table \"s.t\" already exists");
}

static void test_a_retry_of_the_same_operation_succeeds(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *wished = fixture_table("t", 2);
    OWNED(table_free) struct table *first = NULL;
    OWNED(table_free) struct table *second = NULL;
    struct error err = {0};

    (void)state;
    assert_true(registry_create(store, wished, &err));
    assert_true(registry_find(store, "s", "t", &first, &err));
    assert_true(registry_create(store, wished, &err));
    assert_true(registry_find(store, "s", "t", &second, &err));
    assert_int_equal(first->generation, second->generation);
}

static void test_without_operation_ids_nothing_is_a_retry(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *wished = fixture_table("t", 0);
    struct error err = {0};

    (void)state;
    assert_true(registry_create(store, wished, &err));
    assert_false(registry_create(store, wished, &err));
}

static void test_the_longest_name_works_and_a_longer_one_gives_the_limit(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *wished = fixture_table("t", 2);
    OWNED(table_free) struct table *found = NULL;
    struct error err = {0};
    char name[LIMIT_TABLE_NAME_BYTES + 1] = {0};

    (void)state;
    memset(name, 'x', sizeof name - 1);
    mem_free(wished->name);
    wished->name = mem_text(name);
    assert_false(registry_create(store, wished, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
    assert_non_null(strstr(err.message, "481 bytes together, 480 is the most"));

    wished->name[sizeof name - 2] = '\0';
    assert_true(registry_create(store, wished, &err));
    assert_true(registry_find(store, "s", wished->name, &found, &err));
    assert_non_null(found);
}

static bool join_names(void *context, const struct table *table)
{
    char *names = context;

    strcat(names, table->schema_name);
    strcat(names, "/");
    strcat(names, table->name);
    strcat(names, " ");
    return strcmp(table->name, "stop") != 0;
}

static void test_each_visits_in_order_of_schema_and_name_until_told_to_stop(void **state)
{
    static const char *const names[][2] = {
        {"b",  "a"   },
        {"a",  "z"   },
        {"ab", "a"   },
        {"b",  "stop"},
        {"a",  "b"   },
        {"c",  "x"   }
    };
    OWNED(store_close) struct store *store = fixture_open();
    struct error err = {0};
    char visited[200] = "";

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        OWNED(table_free) struct table *wished = fixture_table(names[i][1], 1);

        mem_free(wished->schema_name);
        wished->schema_name = mem_text(names[i][0]);
        assert_true(registry_create(store, wished, &err));
    }
    assert_true(registry_each(store, join_names, visited, &err));
    assert_string_equal(visited, "a/b a/z ab/a b/a b/stop ");
}

static int create_as(void *context)
{
    const uint8_t *operation = context;
    struct store *store = fixture_open();
    struct table *wished = fixture_table("t", *operation);
    struct error err = {0};
    bool created = registry_create(store, wished, &err);

    if (!created && strstr(err.message, "already exists") == NULL) {
        return 2;
    }
    table_free(&wished);
    store_close(&store);
    return created ? 0 : 1;
}

static void test_of_many_processes_that_create_one_table_exactly_one_succeeds(void **state)
{
    pid_t creators[CREATORS];
    uint8_t operations[CREATORS];
    unsigned succeeded = 0;

    (void)state;
    for (unsigned i = 0; i < CREATORS; i++) {
        operations[i] = (uint8_t)(i + 1);
        creators[i] = fixture_fork(create_as, &operations[i]);
    }
    for (unsigned i = 0; i < CREATORS; i++) {
        int status = fixture_wait(creators[i]);

        assert_in_range(status, 0, 1);
        succeeded += status == 0;
    }
    assert_int_equal(succeeded, 1);
}

static bool count_name(void *context, const char *name, struct error *err)
{
    unsigned *count = context;

    (void)name;
    (void)err;
    *count += 1;
    return true;
}

static void test_those_who_lose_leave_no_folder_behind(void **state)
{
    char tables[100];
    unsigned folders = 0;
    struct error err = {0};

    test_of_many_processes_that_create_one_table_exactly_one_succeeds(state);
    snprintf(tables, sizeof tables, "%s/tables", fixture_folder);
    assert_true(folder_each(tables, count_name, &folders, &err));
    assert_int_equal(folders, 1);
}

/* Writes a state with that format version into the registry. */
static void set_format_version(uint64_t version)
{
    struct store *store = fixture_open();
    MDB_txn *txn = NULL;
    char name[] = "format_version";
    MDB_val key = {.mv_data = name, .mv_size = sizeof name - 1};
    MDB_val value = {.mv_data = &version, .mv_size = sizeof version};
    struct error err = {0};

    assert_int_equal(mdb_txn_begin(store->registry, NULL, 0, &txn), 0);
    assert_int_equal(mdb_put(txn, store->facts, &key, &value, 0), 0);
    assert_true(env_commit(&txn, &err));
    store_close(&store);
}

static void test_a_newer_format_is_refused_with_both_versions(void **state)
{
    struct store_terms terms = {.data_dir = fixture_folder, .map_size_bytes = FIXTURE_MAP_BYTES};
    struct store *store = NULL;
    struct error err = {0};

    (void)state;
    set_format_version(9);
    assert_false(store_open(&terms, &store, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
    assert_non_null(strstr(err.message, "has format version 9, this weir knows 1"));
    assert_null(store);
}

/* Puts bytes in the place of the registry. */
static void write_registry(const char *bytes, size_t length)
{
    char path[100];

    snprintf(path, sizeof path, "%s/registry.mdb", fixture_folder);

    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(file, bytes, length), length);
    close(file);
}

static void test_a_foreign_registry_is_an_error_and_stays(void **state)
{
    struct store_terms terms = {.data_dir = fixture_folder, .map_size_bytes = FIXTURE_MAP_BYTES};
    static const char text[10000] = "this is no registry";
    static const size_t lengths[] = {1, 100, 4096, 8192, 10000};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct store *store = NULL;
        struct error err = {0};

        write_registry(text, lengths[i]);
        assert_false(store_open(&terms, &store, &err));
        assert_int_equal(err.kind, ERROR_STORE);
        assert_non_null(strstr(err.message, "registry.mdb"));
    }
}

static void test_a_lost_registry_is_not_made_anew_over_tables(void **state)
{
    struct store_terms terms = {.data_dir = fixture_folder, .map_size_bytes = FIXTURE_MAP_BYTES};
    struct store *store = fixture_open();
    struct table *table = fixture_create(store, "t");
    struct error err = {0};
    char path[100];

    (void)state;
    table_free(&table);
    store_close(&store);
    snprintf(path, sizeof path, "%s/registry.mdb", fixture_folder);
    assert_int_equal(unlink(path), 0);

    assert_false(store_open(&terms, &store, &err));
    assert_int_equal(err.kind, ERROR_STORE);
    assert_non_null(strstr(err.message, "its registry.mdb is missing"));
    /* The first refusal leaves an environment behind: it must not pass for a registry. */
    assert_false(store_open(&terms, &store, &err));
}

static void test_a_reader_creates_nothing(void **state)
{
    struct store_terms terms = {
        .data_dir = fixture_folder, .map_size_bytes = FIXTURE_MAP_BYTES, .read_only = true};
    struct store *store = NULL;
    struct error err = {0};
    unsigned names = 0;

    (void)state;
    assert_false(store_open(&terms, &store, &err));
    assert_int_equal(err.kind, ERROR_STORE);
    assert_true(folder_each(fixture_folder, count_name, &names, &err));
    assert_int_equal(names, 0);
}

static int create_until_killed(void *context)
{
    const int *told = context;
    struct store *store = fixture_open();
    struct error err = {0};

    for (uint32_t number = 0;; number++) {
        char name[16];

        snprintf(name, sizeof name, "t%u", number);

        struct table *wished = fixture_table(name, 1);

        if (!registry_create(store, wished, &err) ||
            write(*told, &number, sizeof number) != sizeof number) {
            return 1;
        }
        table_free(&wished);
    }
}

static bool count_table(void *context, const struct table *table)
{
    unsigned *count = context;

    (void)table;
    *count += 1;
    return true;
}

static void test_after_a_kill_every_named_table_opens_and_nothing_else_is_left(void **state)
{
    uint64_t random = fixture_seed();
    uint32_t number = 0;
    uint32_t told = 0;
    int pipes[2];

    (void)state;
    assert_int_equal(pipe(pipes), 0);

    pid_t child = fixture_fork(create_until_killed, &pipes[1]);

    usleep((useconds_t)(30000 + fixture_random(&random) % 60000));
    kill(child, SIGKILL);
    assert_int_equal(fixture_wait(child), -SIGKILL);
    close(pipes[1]);
    while (read(pipes[0], &number, sizeof number) == sizeof number) {
        told = number + 1;
    }
    close(pipes[0]);

    OWNED(store_close) struct store *store = fixture_open();
    OWNED(mem_release) char *tables = store_tables_folder(store);
    struct error err = {0};
    unsigned named = 0;
    unsigned folders = 0;

    assert_true(store_sweep(store, &err));
    assert_true(registry_each(store, count_table, &named, &err));
    assert_true(folder_each(tables, count_name, &folders, &err));
    assert_in_range(named, told, told + 1);
    assert_int_equal(folders, named);
    for (uint32_t i = 0; i < told; i++) {
        OWNED(store_reader_close) struct store_reader *reader = NULL;
        char name[16];

        snprintf(name, sizeof name, "t%u", i);
        assert_true(store_reader_open(store, "s", name, &reader, &err));
        assert_non_null(reader);
    }
}

static void test_the_sweep_touches_only_names_of_its_own_making(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    static const char *const kept[] = {"tables/notes",   "tables/1/1.mdb.copy", "tables/1/notes",
                                       "tables/1/1.mdb", "tables/1/1.mdb-lock", "notes"};
    static const char *const removed[] = {"tables/1/7.mdb", "tables/1/7.mdb-lock", "tables/2",
                                          "runs/batch"};
    struct error err = {0};
    char path[120];

    (void)state;
    assert_int_equal(table->id, 1);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", fixture_folder, kept[i]);
        close(open(path, O_WRONLY | O_CREAT, 0600));
    }
    snprintf(path, sizeof path, "%s/runs", fixture_folder);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof removed / sizeof removed[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", fixture_folder, removed[i]);
        if (strstr(removed[i], ".mdb") == NULL) {
            assert_int_equal(mkdir(path, 0700), 0);
            strcat(path, "/1.mdb");
        }
        close(open(path, O_WRONLY | O_CREAT, 0600));
    }

    assert_true(store_sweep(store, &err));

    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", fixture_folder, kept[i]);
        assert_int_equal(access(path, F_OK), 0);
    }
    for (size_t i = 0; i < sizeof removed / sizeof removed[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", fixture_folder, removed[i]);
        assert_int_equal(access(path, F_OK), -1);
    }
}

static void test_data_is_for_the_servers_user_only(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    OWNED(table_free) struct table *table = fixture_create(store, "t");
    OWNED(mem_release) char *folder = store_table_folder(store, table->id);
    OWNED(mem_release) char *file = store_table_path(store, table->id, table->generation);
    struct stat status;

    (void)state;
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_the_store_test_writes_and_reads_back(void **state)
{
    OWNED(store_close) struct store *store = fixture_open();
    struct error err = {0};

    (void)state;
    assert_true(store_test(store, true, &err));
    assert_true(store_test(store, false, &err));
    assert_true(store_check_room(store, &err));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_created_table_is_found_as_it_was_given),
        TEST(test_a_number_is_never_given_again),
        TEST(test_a_table_being_made_has_a_number_of_its_own),
        TEST(test_an_entry_under_another_name_is_refused),
        TEST(test_names_that_join_to_the_same_text_are_different_tables),
        TEST(test_a_missing_table_is_no_error),
        TEST(test_an_existing_table_is_refused_by_name),
        TEST(test_a_retry_of_the_same_operation_succeeds),
        TEST(test_without_operation_ids_nothing_is_a_retry),
        TEST(test_the_longest_name_works_and_a_longer_one_gives_the_limit),
        TEST(test_each_visits_in_order_of_schema_and_name_until_told_to_stop),
        TEST(test_of_many_processes_that_create_one_table_exactly_one_succeeds),
        TEST(test_those_who_lose_leave_no_folder_behind),
        TEST(test_a_newer_format_is_refused_with_both_versions),
        TEST(test_a_foreign_registry_is_an_error_and_stays),
        TEST(test_a_lost_registry_is_not_made_anew_over_tables),
        TEST(test_a_reader_creates_nothing),
        TEST(test_after_a_kill_every_named_table_opens_and_nothing_else_is_left),
        TEST(test_the_sweep_touches_only_names_of_its_own_making),
        TEST(test_data_is_for_the_servers_user_only),
        TEST(test_the_store_test_writes_and_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A data folder of its own for each test, and tables in it. */
#include "tests/unit/worker/store/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "tests/support/test.h"
#include "worker/store/folder.h"

char fixture_folder[64];

static struct store *open_store(bool read_only)
{
    struct store_terms terms = {
        .data_dir = fixture_folder, .map_size_bytes = FIXTURE_MAP_BYTES, .read_only = read_only};
    struct store *store = NULL;
    struct error err = {0};

    if (!store_open(&terms, &store, &err)) {
        fail_msg("%s", err.message);
    }
    return store;
}

int fixture_setup(void **state)
{
    (void)state;
    snprintf(fixture_folder, sizeof fixture_folder, "/tmp/weir-store-XXXXXX");
    return mkdtemp(fixture_folder) != NULL ? 0 : -1;
}

int fixture_teardown(void **state)
{
    struct error err = {0};

    (void)state;
    return folder_remove(fixture_folder, &err) ? 0 : -1;
}

struct store *fixture_open(void)
{
    return open_store(false);
}

struct store *fixture_open_read_only(void)
{
    return open_store(true);
}

struct table *fixture_table(const char *name, uint8_t operation)
{
    struct table *table = mem_zero(sizeof *table);
    struct column *column;

    table->schema_name = mem_text("s");
    table->name = mem_text(name);
    memset(table->operation_id, operation, sizeof table->operation_id);
    column = table_add_column(table, "id");
    column->type = COLUMN_INT;
    column->key_position = 1;
    column = table_add_column(table, "text");
    column->type = COLUMN_STRING;
    return table;
}

struct table *fixture_create(struct store *store, const char *name)
{
    OWNED(table_free) struct table *wished = fixture_table(name, 1);
    struct table *table = NULL;
    struct error err = {0};

    if (!registry_create(store, wished, &err) ||
        !registry_find(store, wished->schema_name, name, &table, &err)) {
        fail_msg("%s", err.message);
    }
    assert_non_null(table);
    return table;
}

struct store_txn *fixture_begin(struct store *store, const struct table *table, uint64_t operation)
{
    uint8_t operation_id[LIMIT_OPERATION_ID_BYTES] = {0};
    struct store_txn *txn = NULL;
    struct error err = {0};
    bool already = false;

    memcpy(operation_id, &operation, sizeof operation);
    if (!store_txn_begin(store, table, operation_id, &txn, &already, &err)) {
        fail_msg("%s", err.message);
    }
    assert_false(already);
    return txn;
}

void fixture_commit(struct store_txn **txn)
{
    struct error err = {0};
    bool spilled;

    if (!store_txn_commit(txn, &spilled, &err)) {
        fail_msg("%s", err.message);
    }
}

pid_t fixture_fork(int (*child)(void *context), void *context)
{
    pid_t process = fork();

    if (process == 0) {
        _exit(child(context));
    }
    assert_true(process > 0);
    return process;
}

int fixture_wait(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

uint64_t fixture_random(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15;

    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
}

uint64_t fixture_seed(void)
{
    const char *given = getenv("WEIR_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : clock_us();

    print_message("WEIR_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

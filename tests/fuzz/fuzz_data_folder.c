/* One thing in a data folder is damaged: the commands and the jobs that meet it tell, and none
 * reads outside of it.
 *
 * The first byte says what the others take the place of: an entry of the registry, one of its
 * facts, the entry of the table's last batch, or a row, whose key's length comes first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lmdb.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "worker/check/check.h"
#include "worker/store/facts.h"
#include "worker/store/folder.h"
#include "worker/store/store.h"
#include "worker/value/row.h"

enum {
    ID_COLUMN = 1,
    TEXT_COLUMN = 2,
};

#define MAP_BYTES (64 * MIB)

/* What the bytes take the place of: a value in a database of one of the two environments. */
struct place {
    const char *environment;
    const char *database;
    const char *key;
    size_t key_length; /* 0: the bytes begin with the key */
};

static const struct place places[] = {
    {"registry.mdb",   REGISTRY_TABLES_DATABASE, "s\0t",              3 },
    {"registry.mdb",   REGISTRY_FACTS_DATABASE,  FACT_NEXT_ID,        7 },
    {"registry.mdb",   REGISTRY_FACTS_DATABASE,  FACT_FORMAT_VERSION, 14},
    {"tables/1/1.mdb", TABLE_META_DATABASE,      "batch",             5 },
    {"tables/1/1.mdb", TABLE_ROWS_DATABASE,      NULL,                0 },
};

static char folder[64];

static void start(void);
static void end(void);
static void make_data(void);
static struct store *open_store(bool read_only);
static struct table *table_of(const char *name);
static void put_row(struct store_txn *txn, uint8_t id);
static void damage(const struct place *place, const uint8_t *bytes, size_t length);
static void read_all(struct store *store);
static bool see_table(void *context, const struct table *table);
static bool see_leftover(void *context, const char *path, struct error *err);
static void see_finding(void *context, const char *finding);
static void write_batch(struct store *store);
static void make_another(struct store *store);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    OWNED(store_close) struct store *store = NULL;

    if (length == 0) {
        return 0;
    }
    if (folder[0] == '\0') {
        start();
    }
    make_data();
    damage(&places[bytes[0] % (sizeof places / sizeof places[0])], bytes + 1, length - 1);
    store = open_store(true);
    if (store != NULL) {
        read_all(store);
    }
    store_close(&store);
    store = open_store(false);
    if (store != NULL) {
        write_batch(store);
        make_another(store);
    }
    return 0;
}

/* In memory where there is such a folder: every commit is synced. */
static void start(void)
{
    (void)snprintf(folder, sizeof folder, "%s/weir-fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ENSURE(mkdtemp(folder) != NULL && atexit(end) == 0);
}

static void end(void)
{
    struct error err = {0};

    (void)!folder_remove(folder, &err);
}

/* A table with two rows, as a batch leaves them. */
static void make_data(void)
{
    OWNED(store_close) struct store *store = NULL;
    OWNED(table_free) struct table *wished = table_of("t");
    OWNED(table_free) struct table *table = NULL;
    struct store_txn *txn = NULL;
    bool already = false;
    bool spilled = false;
    struct error err = {0};

    ENSURE(folder_remove(folder, &err));
    store = open_store(false);
    ENSURE(store != NULL && registry_create(store, wished, &err) &&
           registry_find(store, "s", "t", &table, &err) && table != NULL);
    ENSURE(store_txn_begin(store, table, wished->operation_id, &txn, &already, &err));
    put_row(txn, 1);
    put_row(txn, 2);
    ENSURE(store_txn_commit(&txn, &spilled, &err));
}

/* NULL: it is refused, with a sentence. */
static struct store *open_store(bool read_only)
{
    const struct store_terms terms = {
        .data_dir = folder, .map_size_bytes = MAP_BYTES, .read_only = read_only};
    struct store *store = NULL;
    struct error err = {0};

    ENSURE(store_open(&terms, &store, &err) || err.message[0] != '\0');
    return store;
}

static struct table *table_of(const char *name)
{
    struct table *table = mem_zero(sizeof *table);
    struct column *column = NULL;

    table->schema_name = mem_text("s");
    table->name = mem_text(name);
    table->operation_id[0] = 7;
    column = table_add_column(table, "id");
    column->type = COLUMN_SHORT;
    column->key_position = 1;
    column = table_add_column(table, "text");
    column->type = COLUMN_STRING;
    return table;
}

static void put_row(struct store_txn *txn, uint8_t id)
{
    OWNED(buffer_clear) struct buffer row = {0};
    const uint8_t key[] = {0x80, 0, 0, 0, 0, 0, 0, id};
    const uint8_t stored[] = {id, 0};
    uint32_t last_id = 0;

    buffer_append(&row, "\1\0\0\0\0\0\0", ROW_SEQUENCE_BYTES);
    row_append_cell(&row, &last_id,
                    &(struct row_cell){.column_id = ID_COLUMN, .stored = stored, .length = 2});
    row_append_cell(&row, &last_id,
                    &(struct row_cell){.column_id = TEXT_COLUMN, .stored = stored, .length = 1});
    store_row_put(txn, key, sizeof key, row.bytes, row.length);
}

/* LMDB itself takes no empty key and none that is too long. */
static void damage(const struct place *place, const uint8_t *bytes, size_t length)
{
    OWNED(mem_release) char *path = mem_format("%s/%s", folder, place->environment);
    MDB_val key = {.mv_data = (void *)(uintptr_t)place->key, .mv_size = place->key_length};
    MDB_val value = {.mv_data = (void *)(uintptr_t)bytes, .mv_size = length};
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi database = 0;

    if (place->key == NULL && length > 0) {
        key.mv_size = bytes[0] < length ? bytes[0] : length - 1;
        key.mv_data = (void *)(uintptr_t)(bytes + 1);
        value.mv_size = length - 1 - key.mv_size;
        value.mv_data = (void *)(uintptr_t)(bytes + 1 + key.mv_size);
    }
    ENSURE(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 4) == 0 &&
           mdb_env_set_mapsize(env, MAP_BYTES) == 0 &&
           mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOSYNC, 0600) == 0 &&
           mdb_txn_begin(env, NULL, 0, &txn) == 0 &&
           mdb_dbi_open(txn, place->database, 0, &database) == 0);
    (void)mdb_put(txn, database, &key, &value, 0);
    ENSURE(mdb_txn_commit(txn) == 0);
    mdb_env_close(env);
}

/* What `weir tables`, `dump` and `check` do. */
static void read_all(struct store *store)
{
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    uint64_t rows = 0;
    struct error err = {0};

    (void)!registry_each(store, see_table, NULL, &err);
    (void)!store_leftovers(store, see_leftover, NULL, &err);
    if (store_reader_open(store, "s", "t", &reader, &err) && reader != NULL) {
        (void)!check_rows(reader, see_finding, NULL, &rows);
    }
}

static bool see_table(void *context, const struct table *table)
{
    (void)context;
    ENSURE(table->schema_name[0] != '\0' && table->name[0] != '\0');
    return true;
}

static bool see_leftover(void *context, const char *path, struct error *err)
{
    (void)context;
    (void)err;
    ENSURE(path[0] != '\0');
    return true;
}

static void see_finding(void *context, const char *finding)
{
    (void)context;
    ENSURE(finding[0] != '\0');
}

/* A batch that reads the rows and writes one. */
static void write_batch(struct store *store)
{
    static const uint8_t operation_id[LIMIT_OPERATION_ID_BYTES] = {9};
    static const uint8_t key[] = {0x80, 0, 0, 0, 0, 0, 0, 1};
    OWNED(table_free) struct table *table = NULL;
    OWNED(store_txn_abort) struct store_txn *txn = NULL;
    const uint8_t *row = NULL;
    size_t length = 0;
    bool already = false;
    bool spilled = false;
    struct error err = {0};

    if (!registry_find(store, "s", "t", &table, &err) || table == NULL ||
        !store_txn_begin(store, table, operation_id, &txn, &already, &err)) {
        return;
    }
    store_row_get(txn, key, sizeof key, &row, &length);
    put_row(txn, 3);
    (void)!store_txn_commit(&txn, &spilled, &err);
}

static void make_another(struct store *store)
{
    OWNED(table_free) struct table *wished = table_of("u");
    OWNED(table_free) struct table *made = NULL;
    struct error err = {0};

    if (registry_create(store, wished, &err) && registry_find(store, "s", "u", &made, &err) &&
        made != NULL) {
        (void)!registry_switch(store, made, NULL, &err);
    }
}

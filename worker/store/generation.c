/* See store.h: generations, the files that hold a table's rows.
 *
 * A generation is filled before the registry names it. Until then nobody reads it, and it is a
 * left-over if its process dies. */
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"
#include "worker/store/facts.h"
#include "worker/store/folder.h"
#include "worker/store/store_internal.h"

static int take_ids(const struct store *store, MDB_txn *txn, struct table *table,
                    uint64_t *generation_out);

bool generation_make(struct store *store, struct table *table, struct error *err)
{
    OWNED(env_abort) MDB_txn *txn = NULL;
    uint64_t generation = 0;
    int result = mdb_txn_begin(store->registry, NULL, 0, &txn);

    if (result == 0) {
        result = take_ids(store, txn, table, &generation);
    }
    if (result != 0) {
        return env_fail(err, result, "could not write to the registry");
    }
    if (!env_commit(&txn, err)) {
        return error_wrap(err, "could not write to the registry");
    }
    /* What tries whose worker died have left may be as large as the table. */
    if (!store_sweep_table(store, table, err)) {
        return false;
    }
    table->generation = generation;
    return generation_make_file(store, table, err);
}

bool generation_bytes(const struct store *store, const struct table *table, uint64_t *bytes_out,
                      struct error *err)
{
    OWNED(mem_release) char *path = store_table_path(store, table->id, table->generation);
    struct stat status;

    if (stat(path, &status) != 0) {
        return error_set_errno(err, ERROR_STORE, "could not look at \"%s\"", text_path(path).text);
    }
    *bytes_out = (uint64_t)status.st_size;
    return true;
}

void generation_drop(struct store *store, const struct table *table)
{
    OWNED(mem_release) char *path = store_table_path(store, table->id, table->generation);
    struct error ignored = {0};

    (void)!env_remove(path, &ignored);
}

void generation_remove_former(struct store *store, const struct table *before,
                              const struct table *after)
{
    OWNED(mem_release) char *folder = store_table_folder(store, before->id);
    struct error ignored = {0};

    /* What cannot be removed now is swept at the next start. */
    if (after == NULL || after->id != before->id) {
        (void)!folder_remove(folder, &ignored);
    } else if (after->generation != before->generation) {
        generation_drop(store, before);
    }
}

bool generation_make_file(struct store *store, const struct table *table, struct error *err)
{
    OWNED(mem_release) char *tables = store_tables_folder(store);
    OWNED(mem_release) char *folder = store_table_folder(store, table->id);
    OWNED(mem_release) char *path = store_table_path(store, table->id, table->generation);
    const struct env_terms terms = {
        .path = path, .map_size_bytes = store->map_size_bytes, .creates = true};
    OWNED(env_close) MDB_env *env = NULL;
    OWNED(env_abort) MDB_txn *txn = NULL;
    MDB_dbi rows = 0;
    MDB_dbi meta = 0;
    int result = 0;

    REQUIRE(table->generation != 0);
    if (!folder_make(tables, err) || !folder_make(folder, err) || !env_remove(path, err) ||
        !env_open(&terms, &env, err)) {
        return false;
    }
    result = mdb_txn_begin(env, NULL, 0, &txn);
    if (result == 0) {
        result = mdb_dbi_open(txn, TABLE_ROWS_DATABASE, MDB_CREATE, &rows);
    }
    if (result == 0) {
        result = mdb_dbi_open(txn, TABLE_META_DATABASE, MDB_CREATE, &meta);
    }
    if (result != 0) {
        return env_fail(err, result, "could not make the table's database");
    }
    if (!env_commit(&txn, err)) {
        return error_wrap(err, "could not make the table's database");
    }
    return folder_sync(folder, err);
}

/* A number for the generation and, for a new table, its id. The id is kept under the name that the
 * table will have, so that a try after a kill finds the files of the first one. */
static int take_ids(const struct store *store, MDB_txn *txn, struct table *table,
                    uint64_t *generation_out)
{
    int result = 0;

    if (table->id == 0) {
        result = fact_get(store, txn, FACT_UNNAMED, table, &table->id);
        if (result == MDB_NOTFOUND) {
            result = fact_take_id(store, txn, &table->id);
            result = result == 0 ? fact_put(store, txn, FACT_UNNAMED, table, table->id) : result;
        }
        table->generation = 0;
    }
    return result == 0 ? fact_take_id(store, txn, generation_out) : result;
}

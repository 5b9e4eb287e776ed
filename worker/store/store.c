/* See store.h: the data folder itself. */
#include "worker/store/store.h"

#include "common/clock.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/removal.h"
#include "common/text.h"
#include "worker/store/store_internal.h"

bool store_open(const struct store_terms *terms, struct store **store_out, struct error *err)
{
    OWNED(store_close) struct store *store = mem_zero(sizeof *store);

    store->data_dir = mem_text(terms->data_dir);
    store->map_size_bytes = terms->map_size_bytes;
    store->disk_reserve_bytes = terms->disk_reserve_bytes;
    store->read_only = terms->read_only;
    if (!registry_open(store, err)) {
        return false;
    }
    *store_out = MOVE(store);
    return true;
}

void store_close(struct store **store)
{
    if (*store != NULL) {
        env_close(&(*store)->registry);
        mem_free((*store)->data_dir);
        mem_free(*store);
        *store = NULL;
    }
}

bool store_check_room(const struct store *store, struct error *err)
{
    uint64_t free_bytes = 0;

    if (!removal_room(store->data_dir, store->disk_reserve_bytes, &free_bytes)) {
        return error_set_errno(err, ERROR_STORE, "could not ask for the free space of \"%s\"",
                               text_path(store->data_dir).text);
    }
    if (free_bytes >= store->disk_reserve_bytes) {
        return true;
    }
    (void)error_set(err, ERROR_FULL,
                    "the disk of the data folder has %llu MiB free, %llu are kept in reserve",
                    (unsigned long long)(free_bytes / MIB),
                    (unsigned long long)(store->disk_reserve_bytes / MIB));
    return error_hint(err, "Make room on that disk, or lower --disk-reserve.");
}

bool store_has_room(const struct store *store, uint64_t bytes)
{
    uint64_t wanted = 0;
    uint64_t free_bytes = 0;

    return !__builtin_add_overflow(store->disk_reserve_bytes, bytes, &wanted) &&
           removal_room(store->data_dir, wanted, &free_bytes) && free_bytes >= wanted;
}

bool store_test(struct store *store, bool read_back, struct error *err)
{
    OWNED(env_abort) MDB_txn *txn = NULL;
    uint64_t written = clock_us();
    char name[] = "test";
    MDB_val key = {.mv_data = name, .mv_size = sizeof name - 1};
    MDB_val value = {.mv_data = &written, .mv_size = sizeof written};
    int result = mdb_txn_begin(store->registry, NULL, 0, &txn);

    if (result == 0) {
        result = mdb_put(txn, store->facts, &key, &value, 0);
    }
    if (result != 0) {
        return env_fail(err, result, "could not write a test entry to the registry");
    }
    if (!env_commit(&txn, err)) {
        return error_wrap(err, "could not write a test entry to the registry");
    }
    if (!read_back) {
        return true;
    }

    result = mdb_txn_begin(store->registry, NULL, MDB_RDONLY, &txn);
    if (result == 0) {
        result = mdb_get(txn, store->facts, &key, &value);
    }
    if (result != 0) {
        return env_fail(err, result, "could not read a test entry from the registry");
    }
    /* Another test may have written its own entry in between: only the form can be held. */
    return value.mv_size == sizeof written ||
           error_set(err, ERROR_STORE, "the registry gave back a damaged test entry");
}

char *store_registry_path(const struct store *store)
{
    return mem_format("%s/registry.mdb", store->data_dir);
}

char *store_runs_folder(const struct store *store)
{
    return mem_format("%s/runs", store->data_dir);
}

char *store_tables_folder(const struct store *store)
{
    return mem_format("%s/tables", store->data_dir);
}

char *store_table_folder(const struct store *store, uint64_t table_id)
{
    return mem_format("%s/tables/%llu", store->data_dir, (unsigned long long)table_id);
}

char *store_table_path(const struct store *store, uint64_t table_id, uint64_t generation)
{
    return mem_format("%s/tables/%llu/%llu.mdb", store->data_dir, (unsigned long long)table_id,
                      (unsigned long long)generation);
}

bool store_open_table(const struct store *store, const struct table *table, bool unsynced,
                      MDB_env **env_out, struct error *err)
{
    OWNED(mem_release) char *path = store_table_path(store, table->id, table->generation);
    const struct env_terms terms = {
        .path = path,
        .map_size_bytes = store->map_size_bytes,
        .read_only = store->read_only,
        .unsynced = unsynced,
    };

    return env_open(&terms, env_out, err);
}

/* See store.h: the data folder itself. */
#include "worker/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "worker/store/store_internal.h"

static bool make_folders(const struct store *store, struct error *err);

bool store_open(const struct store_terms *terms, struct store **store_out, struct error *err)
{
    OWNED(store_close) struct store *store = mem_zero(sizeof *store);

    store->data_dir = mem_text(terms->data_dir);
    store->map_size_bytes = terms->map_size_bytes;
    store->read_only = terms->read_only;
    if ((!store->read_only && !make_folders(store, err)) || !registry_open(store, err)) {
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

bool store_disk_free(struct store *store, uint64_t *bytes_out, struct error *err)
{
    struct statvfs disk;

    if (statvfs(store->data_dir, &disk) != 0) {
        return error_set_errno(err, ERROR_STORE, "could not ask for the free space of \"%s\"",
                               text_path(store->data_dir).text);
    }
    *bytes_out = (uint64_t)disk.f_bavail * disk.f_frsize;
    return true;
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
    if (value.mv_size != sizeof written || memcmp(value.mv_data, &written, sizeof written) != 0) {
        return error_set(err, ERROR_STORE, "the registry gave back another test entry");
    }
    return true;
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

bool store_make_folder(const char *path, struct error *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return true;
    }
    return error_set_errno(err, error_kind_of_write(errno), "could not make folder \"%s\"",
                           text_path(path).text);
}

bool store_sync_folder(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int reason = errno;

    if (fd >= 0) {
        (void)close(fd);
    }
    errno = reason;
    return synced || error_set_errno(err, ERROR_STORE, "could not make folder \"%s\" durable",
                                     text_path(path).text);
}

bool store_open_table(const struct store *store, const struct table *table, MDB_env **env_out,
                      struct error *err)
{
    OWNED(mem_release) char *path = store_table_path(store, table->id, table->generation);
    const struct env_terms terms = {
        .path = path,
        .map_size_bytes = store->map_size_bytes,
        .read_only = store->read_only,
    };

    return env_open(&terms, env_out, err);
}

static bool make_folders(const struct store *store, struct error *err)
{
    OWNED(mem_release) char *tables = mem_format("%s/tables", store->data_dir);
    OWNED(mem_release) char *runs = mem_format("%s/runs", store->data_dir);

    return store_make_folder(store->data_dir, err) && store_make_folder(tables, err) &&
           store_make_folder(runs, err) && store_sync_folder(store->data_dir, err);
}

/* Making registry.mdb, all at once: under another name first, so that a power failure leaves either
 * no registry or a whole one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"
#include "worker/store/facts.h"
#include "worker/store/folder.h"
#include "worker/store/store_internal.h"

enum {
    REGISTRY_FIRST_MAP_BYTES = 1024 * 1024
};

static bool is_there(const char *path);
static bool make_folder(const struct store *store, struct error *err);
static bool make_in_place(const struct store *store, const char *path, struct error *err);
static bool check_nothing_is_lost(const struct store *store, struct error *err);
static bool note_name(void *context, const char *name, struct error *err);
static bool fill(const char *path, struct error *err);

bool registry_make_file(const struct store *store, const char *path, struct error *err)
{
    int folder = -1;
    bool made = false;

    if (is_there(path)) {
        return true;
    }
    if (!make_folder(store, err)) {
        return false;
    }
    folder = open(store->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || flock(folder, LOCK_EX) != 0) {
        (void)error_set_errno(err, ERROR_STORE, "could not lock folder \"%s\"",
                              text_path(store->data_dir).text);
    } else {
        /* Another process may have made it while this one waited. */
        made = is_there(path) || make_in_place(store, path, err);
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    return made;
}

static bool make_in_place(const struct store *store, const char *path, struct error *err)
{
    OWNED(mem_release) char *unfinished = mem_format("%s.unfinished", path);
    OWNED(mem_release) char *lock = mem_format("%s-lock", unfinished);

    if (!check_nothing_is_lost(store, err) || !env_remove(unfinished, err) ||
        !fill(unfinished, err) || !folder_remove(lock, err)) {
        return false;
    }
    if (rename(unfinished, path) != 0) {
        return error_set_errno(err, error_kind_of_write(errno), "could not make \"%s\"",
                               text_path(path).text);
    }
    return folder_sync(store->data_dir, err);
}

/* An empty one is not: nothing was ever in it. */
static bool is_there(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && status.st_size > 0;
}

/* A server's supervisor has made the folder, and its worker may not look above it. */
static bool make_folder(const struct store *store, struct error *err)
{
    return access(store->data_dir, F_OK) == 0 || folder_make(store->data_dir, err);
}

static bool check_nothing_is_lost(const struct store *store, struct error *err)
{
    OWNED(mem_release) char *tables = store_tables_folder(store);
    bool has_tables = false;

    if (!folder_each(tables, note_name, &has_tables, err)) {
        return false;
    }
    if (!has_tables) {
        return true;
    }
    (void)error_set(err, ERROR_STORE,
                    "could not open data folder \"%s\": its registry.mdb is missing or empty",
                    text_path(store->data_dir).text);
    return error_hint(err, "The folder holds tables. Restore registry.mdb from a backup.");
}

static bool note_name(void *context, const char *name, struct error *err)
{
    bool *has_names = context;

    (void)name;
    (void)err;
    *has_names = true;
    return true;
}

/* The databases are there for good: opening the store later writes nothing. */
static bool fill(const char *path, struct error *err)
{
    const struct env_terms terms = {
        .path = path, .map_size_bytes = REGISTRY_FIRST_MAP_BYTES, .creates = true};
    struct store made = {0};
    OWNED(env_close) MDB_env *env = NULL;
    OWNED(env_abort) MDB_txn *txn = NULL;
    int result = 0;

    if (!env_open(&terms, &env, err)) {
        return false;
    }
    result = mdb_txn_begin(env, NULL, 0, &txn);
    if (result == 0) {
        result = mdb_dbi_open(txn, REGISTRY_TABLES_DATABASE, MDB_CREATE, &made.tables);
    }
    if (result == 0) {
        result = mdb_dbi_open(txn, REGISTRY_FACTS_DATABASE, MDB_CREATE, &made.facts);
    }
    if (result == 0) {
        result = fact_put(&made, txn, FACT_FORMAT_VERSION, NULL, STORE_FORMAT_VERSION);
    }
    if (result != 0) {
        return env_fail(err, result, "could not make the registry");
    }
    return env_commit(&txn, err) || error_wrap(err, "could not make the registry");
}

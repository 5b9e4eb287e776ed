/* See store.h: a copy of the data folder while it is being written.
 *
 * A table's file is copied by LMDB, as of one transaction. Its registry entry has to be of the same
 * moment: every change of an entry carries an id of its own, so the registry is copied last, and
 * what it names otherwise than it was copied is copied again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"
#include "worker/store/folder.h"
#include "worker/store/store_internal.h"

enum {
    BACKUP_MODE = 0600,

    /* Tables that change that often while they are copied are changed in a loop. */
    BACKUP_ROUNDS_MAX = 20,
};

/* An entry as it was when its file was copied. */
struct copied {
    uint64_t id;
    uint64_t generation;
    uint8_t operation_id[16];
};

struct backup {
    struct store *store;
    struct store place; /* where the copy is made: for its paths */
    struct copied *items;
    size_t count;
    struct error *err;
    bool failed;
    bool complete; /* every entry of the copied registry is that of a copied file */
};

static bool check_place(const char *to, struct error *err);
static bool fail_taken(void *context, const char *name, struct error *err);
static bool fill(struct backup *backup, struct error *err);
static bool copy_tables(struct backup *backup, struct error *err);
static bool copy_table(void *context, const struct table *table);
static bool copy_generation(const struct backup *backup, const struct table *table,
                            struct error *err);
static bool is_current(const struct backup *backup, const struct table *table, struct error *err);
static bool copy_registry(const struct backup *backup, struct error *err);
static bool copy_env(MDB_env *env, const char *path, struct error *err);
static bool look_at_copy(struct backup *backup, struct error *err);
static bool look_at_entry(void *context, const struct table *table);
static bool holds(const struct backup *backup, const struct table *table);
static void note(struct backup *backup, const struct table *table);
static bool remove_former(void *context, const char *path, struct error *err);
static bool put_in_place(const char *from, const char *to, struct error *err);

bool store_backup(struct store *store, const char *to, struct error *err)
{
    OWNED(mem_release) char *unfinished = mem_format("%s.unfinished", to);
    struct backup backup = {.store = store, .place = {.data_dir = unfinished}, .err = err};
    struct error ignored = {0};
    bool done = check_place(to, err) && folder_remove(unfinished, err) &&
                folder_make(unfinished, err) && fill(&backup, err) &&
                put_in_place(unfinished, to, err);

    mem_free(backup.items);
    if (!done) {
        (void)!folder_remove(unfinished, &ignored);
    }
    return done || error_wrap(err, "could not back up to \"%s\"", text_path(to).text);
}

/* Nothing that is there is ever replaced. */
static bool check_place(const char *to, struct error *err)
{
    struct stat status;

    if (stat(to, &status) == 0 && !S_ISDIR(status.st_mode)) {
        return fail_taken(NULL, to, err);
    }
    return folder_each(to, fail_taken, NULL, err);
}

static bool fail_taken(void *context, const char *name, struct error *err)
{
    (void)context;
    (void)name;
    (void)error_set(err, ERROR_REQUEST, "there is something already");
    return error_hint(err, "Name a folder that is missing or empty.");
}

static bool fill(struct backup *backup, struct error *err)
{
    OWNED(mem_release) char *tables = store_tables_folder(&backup->place);

    if (!folder_make(tables, err)) {
        return false;
    }
    for (unsigned round = 0; round < BACKUP_ROUNDS_MAX && !backup->complete; round++) {
        if (!copy_tables(backup, err) || !copy_registry(backup, err) ||
            !look_at_copy(backup, err)) {
            return false;
        }
    }
    return backup->complete || error_set(err, ERROR_BUSY, "its tables keep changing");
}

static bool copy_tables(struct backup *backup, struct error *err)
{
    return registry_each(backup->store, copy_table, backup, err) && !backup->failed;
}

static bool copy_table(void *context, const struct table *table)
{
    struct backup *backup = context;
    struct error copying = {0};

    if (holds(backup, table)) {
        return true;
    }
    if (copy_generation(backup, table, &copying)) {
        note(backup, table);
        return true;
    }
    /* A generation that has been dropped meanwhile may fail to open. */
    if (is_current(backup, table, backup->err)) {
        error_copy(backup->err, &copying);
        (void)error_wrap(backup->err, "table \"%s.%s\"", text_name(table->schema_name).text,
                         text_name(table->name).text);
        backup->failed = true;
    }
    backup->failed = backup->failed || backup->err->kind != ERROR_NONE;
    return !backup->failed;
}

static bool copy_generation(const struct backup *backup, const struct table *table,
                            struct error *err)
{
    OWNED(mem_release) char *folder = store_table_folder(&backup->place, table->id);
    OWNED(mem_release)
    char *path = store_table_path(&backup->place, table->id, table->generation);
    OWNED(env_close) MDB_env *env = NULL;

    return store_open_table(backup->store, table, false, &env, err) && folder_make(folder, err) &&
           copy_env(env, path, err) && folder_sync(folder, err);
}

static bool is_current(const struct backup *backup, const struct table *table, struct error *err)
{
    OWNED(table_free) struct table *now = NULL;

    return registry_find(backup->store, table->schema_name, table->name, &now, err) &&
           now != NULL && now->id == table->id && now->generation == table->generation;
}

static bool copy_registry(const struct backup *backup, struct error *err)
{
    OWNED(mem_release) char *path = store_registry_path(&backup->place);

    return copy_env(backup->store->registry, path, err) && folder_sync(backup->place.data_dir, err);
}

/* Without the pages that are free: the copy is as small as it can be. */
static bool copy_env(MDB_env *env, const char *path, struct error *err)
{
    int file = -1;
    int result = 0;

    if (!env_remove(path, err)) {
        return false;
    }
    file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, BACKUP_MODE);
    if (file < 0) {
        return error_set_errno(err, error_kind_of_write(errno), "could not make \"%s\"",
                               text_path(path).text);
    }
    result = mdb_env_copyfd2(env, file, MDB_CP_COMPACT);
    if (result == 0 && fsync(file) != 0) {
        result = errno;
    }
    (void)close(file);
    return result == 0 || env_fail(err, result, "could not copy");
}

/* Its registry decides: what it names has to be there, and nothing else. */
static bool look_at_copy(struct backup *backup, struct error *err)
{
    OWNED(store_close) struct store *copy = NULL;
    OWNED(mem_release) char *lock = mem_format("%s/registry.mdb-lock", backup->place.data_dir);
    const struct store_terms terms = {
        .data_dir = backup->place.data_dir,
        .map_size_bytes = backup->store->map_size_bytes,
        .read_only = true,
    };

    backup->complete = true;
    if (!store_open(&terms, &copy, err) || !registry_each(copy, look_at_entry, backup, err) ||
        (backup->complete && !store_leftovers(copy, remove_former, NULL, err))) {
        return false;
    }
    store_close(&copy);
    return folder_remove(lock, err);
}

static bool look_at_entry(void *context, const struct table *table)
{
    struct backup *backup = context;

    backup->complete = holds(backup, table);
    return backup->complete;
}

static bool holds(const struct backup *backup, const struct table *table)
{
    for (size_t i = 0; i < backup->count; i++) {
        const struct copied *copied = &backup->items[i];

        if (copied->id == table->id) {
            return copied->generation == table->generation &&
                   memcmp(copied->operation_id, table->operation_id, sizeof copied->operation_id) ==
                       0;
        }
    }
    return false;
}

static void note(struct backup *backup, const struct table *table)
{
    struct copied *copied = backup->items;
    const struct copied *end = backup->items + backup->count;

    while (copied < end && copied->id != table->id) {
        copied++;
    }
    if (copied == end) {
        backup->items = mem_resize_array(backup->items, backup->count + 1, sizeof *backup->items);
        copied = &backup->items[backup->count++];
    }
    copied->id = table->id;
    copied->generation = table->generation;
    memcpy(copied->operation_id, table->operation_id, sizeof copied->operation_id);
}

static bool remove_former(void *context, const char *path, struct error *err)
{
    (void)context;
    return folder_remove(path, err);
}

static bool put_in_place(const char *from, const char *to, struct error *err)
{
    OWNED(mem_release) char *above = mem_format("%s/..", to);

    if (rename(from, to) != 0) {
        return error_set_errno(err, error_kind_of_write(errno), "could not put the copy in place");
    }
    return folder_sync(above, err);
}

/* Removes what a crash left behind: run folders, and generations that the registry does not name.
 *
 * Runs as a job under the data folder's LOCK, before the server is ready: nobody else writes. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>

#include "common/mem.h"
#include "common/text.h"
#include "worker/store/store_internal.h"

/* The paths, below the data folder, that the registry names. */
struct named {
    const struct store *store;
    char **paths;
    size_t count;
};

static bool add_named(void *context, const struct table *table);
static void named_clear(struct named *named);
static bool sweep_tables(const struct store *store, const struct named *named, struct error *err);
static bool sweep_folder(const char *folder, const struct named *named, bool *left_out,
                         struct error *err);
static bool is_named(const struct named *named, const char *path);
static int compare_paths(const void *a, const void *b);
static bool each_name(const char *folder, bool (*visit)(void *context, const char *path),
                      void *context, struct error *err);

bool store_sweep(struct store *store, struct error *err)
{
    OWNED(named_clear) struct named named = {.store = store};
    const struct named nothing = {.store = store};
    OWNED(mem_release) char *runs = mem_format("%s/runs", store->data_dir);
    bool left = false;

    if (!registry_each(store, add_named, &named, err)) {
        return false;
    }
    if (named.count > 0) {
        qsort(named.paths, named.count, sizeof *named.paths, compare_paths);
    }
    return sweep_tables(store, &named, err) && sweep_folder(runs, &nothing, &left, err);
}

static bool add_named(void *context, const struct table *table)
{
    struct named *named = context;

    named->paths = mem_resize_array(named->paths, named->count + 2, sizeof *named->paths);
    named->paths[named->count] = store_table_path(named->store, table->id, table->generation);
    named->paths[named->count + 1] = mem_format("%s-lock", named->paths[named->count]);
    named->count += 2;
    return true;
}

static void named_clear(struct named *named)
{
    for (size_t i = 0; i < named->count; i++) {
        mem_free(named->paths[i]);
    }
    mem_free(named->paths);
}

static bool sweep_tables(const struct store *store, const struct named *named, struct error *err)
{
    OWNED(mem_release) char *tables = mem_format("%s/tables", store->data_dir);
    bool left = false;

    return sweep_folder(tables, named, &left, err);
}

/* What sweeping one folder needs to know at each name in it. */
struct sweeping {
    const struct named *named;
    bool left; /* something stays */
    struct error *err;
};

/* Folders here are two deep at most, and so is this recursion. */
static bool sweep_name(void *context, const char *path)
{
    struct sweeping *sweeping = context;
    struct stat status;
    bool inner_left = false;

    if (is_named(sweeping->named, path)) {
        sweeping->left = true;
        return true;
    }
    if (lstat(path, &status) != 0) {
        return error_set_errno(sweeping->err, ERROR_STORE, "could not look at \"%s\"",
                               text_path(path).text);
    }
    if (!S_ISDIR(status.st_mode)) {
        return unlink(path) == 0 ||
               error_set_errno(sweeping->err, ERROR_STORE, "could not remove \"%s\"",
                               text_path(path).text);
    }
    if (!sweep_folder(path, sweeping->named, &inner_left, sweeping->err)) {
        return false;
    }
    if (inner_left) {
        sweeping->left = true;
        return true;
    }
    return rmdir(path) == 0 ||
           error_set_errno(sweeping->err, ERROR_STORE, "could not remove folder \"%s\"",
                           text_path(path).text);
}

static bool sweep_folder(const char *folder, const struct named *named, bool *left_out,
                         struct error *err)
{
    struct sweeping sweeping = {.named = named, .err = err};

    if (!each_name(folder, sweep_name, &sweeping, err)) {
        return false;
    }
    *left_out = sweeping.left;
    return true;
}

static bool is_named(const struct named *named, const char *path)
{
    return named->count > 0 &&
           bsearch(&path, named->paths, named->count, sizeof *named->paths, compare_paths) != NULL;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool each_name(const char *folder, bool (*visit)(void *context, const char *path),
                      void *context, struct error *err)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry = NULL;
    bool fine = true;

    if (entries == NULL) {
        return error_set_errno(err, ERROR_STORE, "could not list folder \"%s\"",
                               text_path(folder).text);
    }
    while (fine && (entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            OWNED(mem_release) char *path = mem_format("%s/%s", folder, entry->d_name);

            fine = visit(context, path);
        }
    }
    (void)closedir(entries);
    return fine;
}

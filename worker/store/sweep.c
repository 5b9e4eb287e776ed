/* What a crash left behind: runs, and generations that the registry does not name.
 *
 * Only names of the store's own making are touched: a file that someone else put there stays. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"
#include "worker/store/folder.h"
#include "worker/store/store_internal.h"

struct named {
    uint64_t table_id;
    uint64_t generation;
};

/* What the registry names, in order of table ids. */
struct named_list {
    struct named *items;
    size_t count;
};

struct sweep {
    const struct store *store;
    store_leftover *visit;
    void *context;
    struct named_list list;
    const struct named *table; /* whose folder is being swept */
};

static bool remove_leftover(void *context, const char *path, struct error *err);
static bool visit_run(void *context, const char *name, struct error *err);
static bool add_named(void *context, const struct table *table);
static int compare_named(const void *one, const void *other);
static bool sweep_table(void *context, const char *name, struct error *err);
static bool sweep_generation(void *context, const char *name, struct error *err);
static bool parse_generation(const char *name, uint64_t *generation_out);

bool store_sweep(struct store *store, struct error *err)
{
    OWNED(mem_release) char *runs = store_runs_folder(store);

    REQUIRE(!store->read_only);
    /* The folder itself stays: processes may hold rights to it. */
    return (folder_make(runs, err) && registry_check(store, err) &&
            store_leftovers(store, remove_leftover, NULL, err)) ||
           error_wrap(err, "could not tidy up the data folder");
}

bool store_leftovers(struct store *store, store_leftover *visit, void *context, struct error *err)
{
    OWNED(mem_release) char *runs = store_runs_folder(store);
    OWNED(mem_release) char *tables = store_tables_folder(store);
    struct sweep sweep = {.store = store, .visit = visit, .context = context};
    bool done = folder_each(runs, visit_run, &sweep, err) &&
                registry_each(store, add_named, &sweep.list, err);

    if (done && sweep.list.count > 0) {
        qsort(sweep.list.items, sweep.list.count, sizeof *sweep.list.items, compare_named);
    }
    done = done && folder_each(tables, sweep_table, &sweep, err);
    mem_free(sweep.list.items);
    return done;
}

bool store_sweep_table(const struct store *store, const struct table *table, struct error *err)
{
    OWNED(mem_release) char *folder = store_table_folder(store, table->id);
    const struct named named = {.table_id = table->id, .generation = table->generation};
    struct sweep sweep = {.store = store, .visit = remove_leftover, .table = &named};

    return folder_each(folder, sweep_generation, &sweep, err) ||
           error_wrap(err, "could not tidy up the data folder");
}

static bool remove_leftover(void *context, const char *path, struct error *err)
{
    (void)context;
    return folder_remove(path, err);
}

static bool visit_run(void *context, const char *name, struct error *err)
{
    const struct sweep *sweep = context;
    OWNED(mem_release) char *runs = store_runs_folder(sweep->store);
    OWNED(mem_release) char *path = mem_format("%s/%s", runs, name);

    return sweep->visit(sweep->context, path, err);
}

static bool add_named(void *context, const struct table *table)
{
    struct named_list *list = context;

    list->items = mem_resize_array(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] =
        (struct named){.table_id = table->id, .generation = table->generation};
    return true;
}

static int compare_named(const void *one, const void *other)
{
    uint64_t one_id = ((const struct named *)one)->table_id;
    uint64_t other_id = ((const struct named *)other)->table_id;

    return one_id < other_id ? -1 : one_id > other_id;
}

static bool sweep_table(void *context, const char *name, struct error *err)
{
    struct sweep *sweep = context;
    struct named wanted;

    if (!text_parse_u64(name, &wanted.table_id)) {
        return true;
    }

    OWNED(mem_release) char *folder = store_table_folder(sweep->store, wanted.table_id);

    sweep->table = sweep->list.count == 0 ? NULL
                                          : bsearch(&wanted, sweep->list.items, sweep->list.count,
                                                    sizeof *sweep->list.items, compare_named);
    if (sweep->table == NULL) {
        return sweep->visit(sweep->context, folder, err);
    }
    return folder_each(folder, sweep_generation, sweep, err);
}

static bool sweep_generation(void *context, const char *name, struct error *err)
{
    const struct sweep *sweep = context;
    uint64_t generation;

    if (!parse_generation(name, &generation) || generation == sweep->table->generation) {
        return true;
    }

    OWNED(mem_release) char *folder = store_table_folder(sweep->store, sweep->table->table_id);
    OWNED(mem_release) char *path = mem_format("%s/%s", folder, name);

    return sweep->visit(sweep->context, path, err);
}

/* "12.mdb" or "12.mdb-lock". */
static bool parse_generation(const char *name, uint64_t *generation_out)
{
    const char *dot = strchr(name, '.');

    if (dot == NULL || (strcmp(dot, ".mdb") != 0 && strcmp(dot, ".mdb-lock") != 0)) {
        return false;
    }

    OWNED(mem_release) char *digits = mem_text(name);

    digits[dot - name] = '\0';
    return text_parse_u64(digits, generation_out);
}

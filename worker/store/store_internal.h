/* What the files of worker/store share. */
#ifndef WEIR_WORKER_STORE_STORE_INTERNAL_H
#define WEIR_WORKER_STORE_STORE_INTERNAL_H

#include <stdbool.h>

#include <lmdb.h>

#include "common/attributes.h"
#include "common/error.h"
#include "registry.pb-c.h"
#include "worker/store/env.h"
#include "worker/store/store.h"

struct store {
    char *data_dir;
    uint64_t map_size_bytes;
    uint64_t disk_reserve_bytes;
    bool read_only;
    MDB_env *registry;
    MDB_dbi tables; /* schema NUL table -> TableEntry */
    MDB_dbi facts;  /* format version, counters */
};

/* Paths in the data folder; mem_free() releases them. */
char *store_registry_path(const struct store *store);
char *store_runs_folder(const struct store *store);
char *store_tables_folder(const struct store *store);
char *store_table_folder(const struct store *store, uint64_t table_id);

/* The path of a table's environment; mem_free() releases it. */
char *store_table_path(const struct store *store, uint64_t table_id, uint64_t generation);

/* Opens a generation's environment; `unsynced` as in worker/store/env.h. */
MUST_CHECK bool store_open_table(const struct store *store, const struct table *table,
                                 bool unsynced, MDB_env **env_out, struct error *err);

/* The databases of the registry's environment. */
#define REGISTRY_TABLES_DATABASE "tables"
#define REGISTRY_FACTS_DATABASE  "facts"

enum {
    /* Raised when code that is older could not read the data folder. */
    STORE_FORMAT_VERSION = 1
};

/* Makes registry.mdb, and the data folder, where they are missing; a registry that is missing
 * beside tables is a loss and refused. */
MUST_CHECK bool registry_make_file(const struct store *store, const char *path, struct error *err);

/* Opens registry.mdb, making it first unless the store is read-only, and checks its format version.
 */
MUST_CHECK bool registry_open(struct store *store, struct error *err);

/* Removes all generations of the table but its own. */
MUST_CHECK bool store_sweep_table(const struct store *store, const struct table *table,
                                  struct error *err);

/* Makes an empty environment and everything on the way to it durable. A file of that name is what a
 * killed try left behind. */
MUST_CHECK bool generation_make_file(struct store *store, const struct table *table,
                                     struct error *err);

/* Removes the files of `before` that `after` (NULL: nothing) does not name. */
void generation_remove_former(struct store *store, const struct table *before,
                              const struct table *after);

/* Reads the batch entry of a table's environment; all zero if no batch was committed yet. The
 * caller releases it with weir__batch_entry__free_unpacked(). */
MUST_CHECK bool batch_entry_read(MDB_txn *txn, MDB_dbi meta, Weir__BatchEntry **entry_out,
                                 struct error *err);

MUST_CHECK bool batch_entry_write(MDB_txn *txn, MDB_dbi meta, const Weir__BatchEntry *entry,
                                  struct error *err);

/* The databases of a table's environment. */
#define TABLE_ROWS_DATABASE "rows"
#define TABLE_META_DATABASE "meta"

#endif

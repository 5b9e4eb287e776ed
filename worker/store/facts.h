/* Facts: numbers that the registry keeps beside its tables, in the transaction of a change. */
#ifndef WEIR_WORKER_STORE_FACTS_H
#define WEIR_WORKER_STORE_FACTS_H

#include <stdint.h>

#include "worker/store/store_internal.h"

#define FACT_FORMAT_VERSION "format_version"
#define FACT_NEXT_ID        "next_id" /* of tables and generations: each number is used once */

/* The id under which a table that has no name yet is being made. */
#define FACT_UNNAMED "unnamed"

/* All return LMDB's result. `of` is the table that a fact is about, or NULL. */
int fact_get(const struct store *store, MDB_txn *txn, const char *name, const struct table *of,
             uint64_t *value_out);
int fact_put(const struct store *store, MDB_txn *txn, const char *name, const struct table *of,
             uint64_t value);
/* A number that no table and no generation has had; MDB_CORRUPTED where there can be none. */
int fact_take_id(const struct store *store, MDB_txn *txn, uint64_t *id_out);
/* The facts of that name about tables, one after the other: *cursor is NULL before the first call,
 * and the caller closes it. MDB_NOTFOUND: there are no more. */
int fact_each(const struct store *store, MDB_txn *txn, const char *name, MDB_cursor **cursor,
              uint64_t *value_out);

int fact_remove(const struct store *store, MDB_txn *txn, const char *name, const struct table *of);

#endif

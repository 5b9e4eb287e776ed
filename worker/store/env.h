/* One LMDB environment: a file with some named databases, opened for one job.
 *
 * Used by the other files of this folder, which alone include LMDB. Environments are opened with
 * LMDB's full durability, each at most once per process (its locks are POSIX locks), never across a
 * fork. */
#ifndef WEIR_WORKER_STORE_ENV_H
#define WEIR_WORKER_STORE_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include <lmdb.h>

#include "common/attributes.h"
#include "common/error.h"

enum {
    ENV_DATABASES_MAX = 4
};

struct env_terms {
    const char *path;
    uint64_t map_size_bytes;
    bool read_only;
    bool creates;  /* a missing or empty file is a new environment, not a lost one */
    bool unsynced; /* commits are not durable: env_sync() is to follow the last one */
};

/* Opens the environment. Clears readers that were killed. env_close() releases it. */
MUST_CHECK bool env_open(const struct env_terms *terms, MDB_env **env_out, struct error *err);

/* Closes and sets the pointer to NULL. NULL is fine. */
void env_close(MDB_env **env);

/* Aborts the transaction unless it was committed, and sets the pointer to NULL. */
void env_abort(MDB_txn **txn);

/* Commits, or aborts and fails. The pointer is NULL afterwards. */
MUST_CHECK bool env_commit(MDB_txn **txn, struct error *err);

/* Makes durable what was committed to an unsynced environment. */
MUST_CHECK bool env_sync(MDB_env *env, struct error *err);

/* Removes an environment's file and the lock file beside it; missing ones are fine. */
MUST_CHECK bool env_remove(const char *path, struct error *err);

/* The result of a write, with EIO turned into ENOSPC where the disk has no room: LMDB answers EIO
 * when the disk took only the first part of a write. */
int env_write_result(MDB_env *env, int result);

/* Turns LMDB's result into an error: a full disk or map is ERROR_FULL, the rest ERROR_STORE.
 * Always returns false. */
bool env_fail(struct error *err, int result, const char *what);

#endif

/* What the files of a transaction share: `txn` begins and ends it, `txn_rows` looks for rows and
 * changes them. */
#ifndef WEIR_WORKER_STORE_TXN_H
#define WEIR_WORKER_STORE_TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <lmdb.h>

#include "common/buffer.h"
#include "common/limits.h"
#include "worker/store/flusher.h"
#include "worker/store/store_internal.h"

struct store_txn {
    const struct store *store;
    struct table *table;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi rows;
    MDB_dbi meta;
    MDB_cursor *cursor;
    Weir__BatchEntry *batch;
    uint8_t operation_id[LIMIT_OPERATION_ID_BYTES];
    struct error failure; /* the first; kind ERROR_NONE: none */

    /* Where the cursor stands. */
    struct buffer located_key; /* of the last look-up */
    bool located;              /* the cursor stands where that key is or would be */
    bool found;                /* and it is there */

    struct buffer last_key;     /* no key of the table is greater; empty: the table is empty */
    bool fills;                 /* a generation that the registry does not name yet */
    uint64_t portion_bytes;     /* put since the last portion was written */
    struct flusher *flusher;    /* of portions; NULL before the first */
    struct buffer scratch;      /* a row put together from pieces */
    struct store_watch watch;   /* tick NULL: nobody watches */
    uint64_t unwatched_rows;    /* gone over, of which it is told every 1024th */
    uint64_t unchecked_bytes;   /* written since the disk was looked at */
    struct timespec written_at; /* when the file was last written before this transaction */

    /* Rows that are still to be copied: all that the former generation has from this one on. */
    const struct store_rows *former; /* NULL: there are none */
    MDB_val former_key;
    MDB_val former_row;
    bool in_former; /* the key of the last look-up is that row's */
};

/* Keeps a failure, which names the table: from LMDB's result, and as it stands in txn->failure. */
void txn_fail(struct store_txn *txn, int result, const char *what);
void txn_fail_named(struct store_txn *txn);

/* To be called after each write: looks at the disk now and then, and writes a portion when one is
 * due. */
void txn_count_written(struct store_txn *txn, size_t written);

/* Remembers the table's last key. */
void txn_set_last_key(struct store_txn *txn, const MDB_val *key);

/* To be called after each row of many that the caller has not asked for one by one. */
void txn_count_row(struct store_txn *txn);

/* Goes on to the next former row. */
void txn_next_former(struct store_txn *txn);

#endif

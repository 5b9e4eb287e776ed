/* Rows in an LMDB database: one entry each, or several where they are larger than a page.
 *
 * The first ROWS_PIECE_MAX bytes of a row stand under its key; the rest of a larger row stands in
 * further pieces under key + piece number (4 bytes, big endian, from 1). LMDB counts a chain of
 * overflow pages as one dirty page, so 2,000 rows of 1 MB in one entry each would hold 1.9 GiB of
 * memory. No key is the beginning of another (worker/value/key.h): a piece belongs to one row. */
#ifndef WEIR_WORKER_STORE_ROWS_H
#define WEIR_WORKER_STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lmdb.h>

#include "common/buffer.h"

enum {
    ROWS_PIECE_MAX = 4080, /* one overflow page without its header */
    ROWS_PIECE_NUMBER_BYTES = 4,
};

/* All functions return LMDB's result. */

/* Moves the cursor to the row with that key, or to the one behind. */
int rows_locate(MDB_cursor *cursor, const MDB_val *key, bool *found_out);

/* Reads the row at the cursor, which moves to the row's last piece. *key_out is inside LMDB's page;
 * *row_out is there or, for a row in pieces, in `scratch`. */
int rows_read(MDB_cursor *cursor, struct buffer *scratch, MDB_val *key_out, MDB_val *row_out);

/* Stores a row where none is. `append`: the key is beyond all others. */
int rows_insert(MDB_cursor *cursor, const MDB_val *key, const MDB_val *row, bool append);

/* Puts a row in the place of the one at the cursor, which has that key. */
int rows_replace(MDB_cursor *cursor, const MDB_val *key, const MDB_val *row);

/* Deletes the row at the cursor, which has that key. */
int rows_delete(MDB_cursor *cursor, const MDB_val *key);

#endif

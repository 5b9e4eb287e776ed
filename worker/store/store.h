/* The store: a data folder with its registry and one LMDB environment per table.
 *
 *   DATA_DIR/LOCK  registry.mdb  runs/  tables/ID/GENERATION.mdb
 *
 * Only worker/store includes LMDB. Environments are opened for a job and closed after it. */
#ifndef WEIR_WORKER_STORE_STORE_H
#define WEIR_WORKER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/table.h"

/* Where a store is and how large its maps may grow. Plain values, copied by the store. */
struct store_terms {
    const char *data_dir;
    uint64_t map_size_bytes;
    uint64_t disk_reserve_bytes; /* rows are not written when less is free */
    bool read_only;              /* the CLI: never writes, never creates */
};

struct store;

/* Opens the data folder's registry, creating folder and registry where they are missing (not when
 * read_only). A newer format version is ERROR_REQUEST with a sentence. */
MUST_CHECK bool store_open(const struct store_terms *terms, struct store **store_out,
                           struct error *err);

void store_close(struct store **store);

/* Removes what a crash left behind: run folders, generations that the registry does not name. Only
 * under the data folder's LOCK, before the server is ready. */
MUST_CHECK bool store_sweep(struct store *store, struct error *err);

/* Copies all tables, each as of a whole number of batches, and the registry that names them into
 * the folder `to`, which must be missing or empty and becomes a data folder. Batches and migrations
 * may run meanwhile; a table that is migrated, altered or filled anew by a batch is copied again,
 * and after some rounds in which one always was, ERROR_BUSY. The copy is written
 * beside `to` first, and takes its place when all of it is durable; after a failure nothing is
 * left. */
MUST_CHECK bool store_backup(struct store *store, const char *to, struct error *err);

/* Calls `visit` with the path of everything that store_sweep() would remove; false from it ends the
 * walk and is a failure. While a server runs, its work under way is among them. */
typedef bool store_leftover(void *context, const char *path, struct error *err);
MUST_CHECK bool store_leftovers(struct store *store, store_leftover *visit, void *context,
                                struct error *err);

/* Whether the data folder's disk has the reserve free; else ERROR_FULL. */
MUST_CHECK bool store_check_room(const struct store *store, struct error *err);

/* Whether it has that many bytes free beside the reserve. */
bool store_has_room(const struct store *store, uint64_t bytes);

/* Writes, commits and reads back a test entry in the registry's environment. */
MUST_CHECK bool store_test(struct store *store, bool read_back, struct error *err);

/* ---- registry ---- */

/* The table of that name, for the caller to release with table_free(); *table_out is NULL if there
 * is none. */
MUST_CHECK bool registry_find(struct store *store, const char *schema_name, const char *table_name,
                              struct table **table_out, struct error *err);

/* Creates the table: gives it id, generation and column ids, makes its empty environment durable,
 * then names it in the registry. ERROR_REQUEST "table S.T already exists" if it does, unless the
 * existing one carries the same operation id (a retry): then it is a success. */
MUST_CHECK bool registry_create(struct store *store, const struct table *table, struct error *err);

/* Takes `before` out of the registry and puts `after` in, in one transaction: the entry changes
 * (same names), is renamed, is dropped (`after` NULL), or is new (`before` NULL). Files of `before`
 * that `after` does not name are removed: readers that have them open finish. A retry of the same
 * operation is a success. ERROR_STORE if the entry is not `before` any more, or if a table has the
 * new name. */
MUST_CHECK bool registry_switch(struct store *store, const struct table *before,
                                const struct table *after, struct error *err);

/* Whether every number that a table or a generation will get is new; else ERROR_STORE: the file of
 * another table would be taken for a left-over. */
MUST_CHECK bool registry_check(struct store *store, struct error *err);

/* Calls `visit` with every table in order of schema and name; false from it ends the walk. */
MUST_CHECK bool registry_each(struct store *store,
                              bool (*visit)(void *context, const struct table *table),
                              void *context, struct error *err);

/* ---- generations ---- */

/* Makes an empty generation for the table, with a number that was never used, and puts the number
 * into it; a table without id (0) gets one, too. Generations that were never named are removed
 * first: the caller holds the lease of the table's name. Until registry_switch() names it, it is a
 * left-over. On failure the table may still name its former generation: nothing is to be dropped.
 */
MUST_CHECK bool generation_make(struct store *store, struct table *table, struct error *err);

/* The size of a generation's file. */
MUST_CHECK bool generation_bytes(const struct store *store, const struct table *table,
                                 uint64_t *bytes_out, struct error *err);

/* Removes a generation that was never named. */
void generation_drop(struct store *store, const struct table *table);

/* ---- writing a table ---- */

/* A write transaction on one table. Keeps its first error: later calls do nothing, and commit
 * tells. Rows larger than a page are stored in pieces; callers see whole rows. */
struct store_txn;

/* Begins; *already_out says that the last committed batch has this operation id (a retry: commit
 * nothing). Opens the table's environment; commit and abort close it. */
MUST_CHECK bool store_txn_begin(struct store *store, const struct table *table,
                                const uint8_t operation_id[16], struct store_txn **txn_out,
                                bool *already_out, struct error *err);

/* Called now and then by what goes over many rows; false with *err set (ERROR_CANCELLED) ends the
 * work. */
struct store_watch {
    bool (*tick)(void *context, struct error *err);
    void *context;
};

/* Has the transaction watched from now on: counting and copying may take minutes. */
void store_txn_watch(struct store_txn *txn, const struct store_watch *watch);

/* A row with its key. */
struct store_row {
    const uint8_t *key;
    size_t key_length;
    const uint8_t *row; /* NULL: there is none */
    size_t row_length;
};

enum store_next {
    STORE_ROW,
    STORE_END,
    STORE_FAILED,
};

/* Gives the next row, borrowed until the next call. */
typedef enum store_next store_rows_next(void *context, struct store_row *row_out,
                                        struct error *err);

/* Rows that come from somewhere, in ascending order of keys. */
struct store_rows {
    store_rows_next *next;
    void *context;
    uint64_t sequence; /* of the last batch in them */
};

/* Begins to fill the empty generation that generation_make() has made. Nobody reads it before
 * registry_switch() names it, and a crash throws it away; so what is put goes to its file in
 * portions, and the commit makes all of it durable at once. Filling takes little memory, and the
 * disk works meanwhile.
 *
 * `former` (NULL: none) gives rows that the new generation takes over, and stays the caller's until
 * the transaction has ended: to the caller they are there from the beginning. They are copied when
 * a key beyond them is asked for, and not at all where they are overwritten or deleted in order of
 * keys. */
MUST_CHECK bool store_txn_begin_filling(struct store *store, const struct table *table,
                                        const struct store_rows *former,
                                        const uint8_t operation_id[16], struct store_txn **txn_out,
                                        struct error *err);

/* Copies the former rows that are left, which the commit would do: it cannot be cancelled. */
void store_txn_copy_former(struct store_txn *txn);

/* How many rows the table has. */
uint64_t store_txn_rows(const struct store_txn *txn);

/* Counts the rows from one key up to another, and no more than `most` of them; for a table of large
 * rows, their pieces. */
uint64_t store_txn_count_between(struct store_txn *txn, const void *low, size_t low_length,
                                 const void *high, size_t high_length, uint64_t most);

/* The sequence number of this batch in this table: goes in front of each row that it writes. */
uint64_t store_txn_sequence(const struct store_txn *txn);

/* The table that is written, borrowed. */
const struct table *store_txn_table(const struct store_txn *txn);

/* Looks for the row with that key. *row_out is borrowed until the next call on the transaction,
 * NULL if there is none. Calls in ascending key order are fast. */
void store_row_get(struct store_txn *txn, const void *key, size_t key_length,
                   const uint8_t **row_out, size_t *row_length_out);

/* Inserts or overwrites a row. Keys beyond the table's last are appended. */
void store_row_put(struct store_txn *txn, const void *key, size_t key_length, const void *row,
                   size_t row_length);

/* Deletes a row if it is there. */
void store_row_delete(struct store_txn *txn, const void *key, size_t key_length);

/* Among the rows whose keys have the length of `key` and share its first `shared_length` bytes (the
 * versions of a record): the last one before `key`, and the first one at or behind it. *row_out is
 * borrowed until the next call on the transaction. */
void store_row_before(struct store_txn *txn, const void *key, size_t key_length,
                      size_t shared_length, struct store_row *row_out);
void store_row_from(struct store_txn *txn, const void *key, size_t key_length, size_t shared_length,
                    struct store_row *row_out);

/* False, with the first failure so far in *err: lets a loop end early. */
MUST_CHECK bool store_txn_check(const struct store_txn *txn, struct error *err);

/* False, where what was read is no row: ERROR_STORE that names the table. */
bool store_fail_damaged(const struct table *table, struct error *err);

/* Commits durably, with counts for `weir tables`. On failure nothing was changed. In both cases the
 * transaction is released. *spilled_out: LMDB spilled pages, which leaks memory in this process. */
MUST_CHECK bool store_txn_commit(struct store_txn **txn, bool *spilled_out, struct error *err);

/* Drops all changes. NULL is fine. */
void store_txn_abort(struct store_txn **txn);

/* ---- reading a table ---- */

/* Rows of one table in key order, as of one moment: a whole number of batches (store_reader). */

struct store_reader;

/* Opens the table by name as it stands now: registry and rows agree. *reader_out is NULL if there
 * is no such table. */
MUST_CHECK bool store_reader_open(struct store *store, const char *schema_name,
                                  const char *table_name, struct store_reader **reader_out,
                                  struct error *err);

const struct table *store_reader_table(const struct store_reader *reader);

uint64_t store_reader_rows(const struct store_reader *reader);

/* The sequence number of the last batch in it. */
uint64_t store_reader_sequence(const struct store_reader *reader);

/* The next row's key and bytes (sequence in front), borrowed until the next call. */
enum store_next store_reader_next(struct store_reader *reader, const uint8_t **key_out,
                                  size_t *key_length_out, const uint8_t **row_out,
                                  size_t *row_length_out, struct error *err);

void store_reader_close(struct store_reader **reader);

#endif

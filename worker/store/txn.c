/* See store.h: writing a table. The step after apply; LMDB is below. */
#include "worker/store/txn.h"

#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/text.h"

/* How much is written between looks at the disk's free space. */
#define UNCHECKED_BYTES_MAX (16 * MIB)

/* What goes to the file at once while a generation is filled: LMDB's dirty pages stay few, and are
 * used again while they are in the processor's cache. In test builds it is little, so that few rows
 * make many portions for kills and power cuts to come between. */
#ifdef WEIR_TEST_HOOKS
#define PORTION_BYTES (512 * KIB)
#else
#define PORTION_BYTES (8 * MIB)
#endif

/* What is synced at once meanwhile. */
#define FLUSH_BYTES (2 * PORTION_BYTES)

enum {
    TICK_ROWS = 1024
};

static struct store_txn *txn_new(const struct store *store, const struct table *table,
                                 const uint8_t operation_id[16]);
static bool begin_named(struct store *store, struct store_txn *txn, struct error *err);
static bool begin(struct store *store, struct store_txn *txn, struct error *err);
static void write_portion(struct store_txn *txn);
static void flush_behind(struct store_txn *txn);
static bool stop_flushing(struct store_txn *txn, struct error *err);
static void tick(struct store_txn *txn);
static bool commit_durably(struct store_txn *txn, struct error *err);
static struct timespec file_written_at(const struct store_txn *txn);
static void release(struct store_txn **txn);

bool store_txn_begin(struct store *store, const struct table *table, const uint8_t operation_id[16],
                     struct store_txn **txn_out, bool *already_out, struct error *err)
{
    OWNED(store_txn_abort) struct store_txn *txn = txn_new(store, table, operation_id);

    if (!begin_named(store, txn, err)) {
        return false;
    }
    *already_out =
        txn->batch->operation_id.len == sizeof txn->operation_id &&
        memcmp(txn->batch->operation_id.data, operation_id, sizeof txn->operation_id) == 0;
    *txn_out = MOVE(txn);
    return true;
}

bool store_txn_begin_filling(struct store *store, const struct table *table,
                             const struct store_rows *former, const uint8_t operation_id[16],
                             struct store_txn **txn_out, struct error *err)
{
    OWNED(store_txn_abort) struct store_txn *txn = txn_new(store, table, operation_id);

    txn->fills = true;
    if (!begin_named(store, txn, err)) {
        return false;
    }
    if (former != NULL) {
        txn->former = former;
        txn->batch->sequence = former->sequence;
        txn_next_former(txn);
    }
    *txn_out = MOVE(txn);
    return true;
}

void store_txn_watch(struct store_txn *txn, const struct store_watch *watch)
{
    txn->watch = *watch;
}

uint64_t store_txn_rows(const struct store_txn *txn)
{
    return txn->batch->rows;
}

uint64_t store_txn_sequence(const struct store_txn *txn)
{
    return txn->batch->sequence + 1;
}

const struct table *store_txn_table(const struct store_txn *txn)
{
    return txn->table;
}

bool store_txn_check(const struct store_txn *txn, struct error *err)
{
    return txn->failure.kind == ERROR_NONE || error_copy(err, &txn->failure);
}

bool store_fail_damaged(const struct table *table, struct error *err)
{
    return error_set(err, ERROR_STORE, "a row of table \"%s.%s\" is damaged",
                     text_name(table->schema_name).text, text_name(table->name).text);
}

bool store_txn_commit(struct store_txn **txn_in, bool *spilled_out, struct error *err)
{
    OWNED(store_txn_abort) struct store_txn *txn = MOVE(*txn_in);
    struct timespec written_at;
    bool done = false;

    store_txn_copy_former(txn);
    written_at = file_written_at(txn);
    /* LMDB spills beyond 131,071 dirty pages and does not tell; but nothing else writes to the file
     * before the commit. */
    *spilled_out = memcmp(&written_at, &txn->written_at, sizeof written_at) != 0;
    if (!store_txn_check(txn, err)) {
        return false;
    }
    txn->batch->sequence++;
    txn->batch->time_ms = (uint64_t)clock_wall_ms();
    mem_free(txn->batch->operation_id.data);
    txn->batch->operation_id.data = mem_copy(txn->operation_id, sizeof txn->operation_id);
    txn->batch->operation_id.len = sizeof txn->operation_id;

    mdb_cursor_close(txn->cursor);
    txn->cursor = NULL;
    done = batch_entry_write(txn->txn, txn->meta, txn->batch, err) && commit_durably(txn, err);
    return done ||
           error_wrap(err, "could not write to table \"%s.%s\"",
                      text_name(txn->table->schema_name).text, text_name(txn->table->name).text);
}

void store_txn_abort(struct store_txn **txn)
{
    if (*txn != NULL) {
        release(txn);
    }
}

static struct store_txn *txn_new(const struct store *store, const struct table *table,
                                 const uint8_t operation_id[16])
{
    struct store_txn *txn = mem_zero(sizeof *txn);

    txn->store = store;
    txn->table = table_copy(table);
    memcpy(txn->operation_id, operation_id, sizeof txn->operation_id);
    return txn;
}

static bool begin_named(struct store *store, struct store_txn *txn, struct error *err)
{
    return (store_check_room(store, err) && begin(store, txn, err)) ||
           error_wrap(err, "could not write to table \"%s.%s\"",
                      text_name(txn->table->schema_name).text, text_name(txn->table->name).text);
}

static bool begin(struct store *store, struct store_txn *txn, struct error *err)
{
    MDB_val key;
    MDB_val value;
    int result = 0;

    if (!store_open_table(store, txn->table, txn->fills, &txn->env, err)) {
        return false;
    }
    result = mdb_txn_begin(txn->env, NULL, 0, &txn->txn);
    if (result == 0) {
        txn->written_at = file_written_at(txn);
        result = mdb_dbi_open(txn->txn, TABLE_ROWS_DATABASE, 0, &txn->rows);
    }
    if (result == 0) {
        result = mdb_dbi_open(txn->txn, TABLE_META_DATABASE, 0, &txn->meta);
    }
    if (result == 0) {
        result = mdb_cursor_open(txn->txn, txn->rows, &txn->cursor);
    }
    if (result == 0) {
        result = mdb_cursor_get(txn->cursor, &key, &value, MDB_LAST);
        if (result == 0) {
            txn_set_last_key(txn, &key);
        }
        result = result == MDB_NOTFOUND ? 0 : result;
    }
    if (result != 0) {
        return env_fail(err, result, "could not begin a transaction");
    }
    return batch_entry_read(txn->txn, txn->meta, &txn->batch, err);
}

void txn_fail(struct store_txn *txn, int result, const char *what)
{
    (void)env_fail(&txn->failure, env_write_result(txn->env, result), what);
    txn_fail_named(txn);
}

void txn_fail_named(struct store_txn *txn)
{
    (void)error_wrap(&txn->failure, "could not write to table \"%s.%s\"",
                     text_name(txn->table->schema_name).text, text_name(txn->table->name).text);
}

/* LMDB writes what does not fit its memory long before the commit. */
void txn_count_written(struct store_txn *txn, size_t written)
{
    if (txn->failure.kind != ERROR_NONE) {
        return;
    }
    txn->unchecked_bytes += written;
    if (txn->unchecked_bytes > UNCHECKED_BYTES_MAX) {
        txn->unchecked_bytes = 0;
        if (!store_check_room(txn->store, &txn->failure)) {
            txn_fail_named(txn);
            return;
        }
    }
    txn->portion_bytes += written;
    if (txn->fills && txn->portion_bytes > PORTION_BYTES) {
        txn->portion_bytes = 0;
        write_portion(txn);
        tick(txn);
    }
}

void txn_count_row(struct store_txn *txn)
{
    if (++txn->unwatched_rows % TICK_ROWS == 0) {
        tick(txn);
    }
}

static void tick(struct store_txn *txn)
{
    if (txn->watch.tick != NULL && txn->failure.kind == ERROR_NONE) {
        (void)!txn->watch.tick(txn->watch.context, &txn->failure);
    }
}

/* Commits what was put so far, for nobody to see, and goes on. */
static void write_portion(struct store_txn *txn)
{
    int result = 0;

    mdb_cursor_close(txn->cursor);
    txn->cursor = NULL;
    txn->located = false;
    result = mdb_txn_commit(MOVE(txn->txn));
    if (result == 0) {
        flush_behind(txn);
        result = mdb_txn_begin(txn->env, NULL, 0, &txn->txn);
        txn->written_at = file_written_at(txn);
    }
    if (result == 0) {
        result = mdb_cursor_open(txn->txn, txn->rows, &txn->cursor);
    }
    if (result != 0) {
        txn_fail(txn, result, "could not commit");
    }
}

static void flush_behind(struct store_txn *txn)
{
    mdb_filehandle_t file = -1;

    if (txn->flusher == NULL && mdb_env_get_fd(txn->env, &file) == 0) {
        txn->flusher = flusher_start(file, FLUSH_BYTES);
    }
    flusher_wrote(txn->flusher, PORTION_BYTES);
}

/* What the flusher could not sync, the sync of the commit would not tell of. */
static bool stop_flushing(struct store_txn *txn, struct error *err)
{
    int failure = flusher_stop(&txn->flusher);

    return failure == 0 || env_fail(err, env_write_result(txn->env, failure), "could not sync");
}

static bool commit_durably(struct store_txn *txn, struct error *err)
{
    return env_commit(&txn->txn, err) &&
           (!txn->fills || (stop_flushing(txn, err) && env_sync(txn->env, err)));
}

static struct timespec file_written_at(const struct store_txn *txn)
{
    struct stat status;
    mdb_filehandle_t file;

    if (mdb_env_get_fd(txn->env, &file) != 0 || fstat(file, &status) != 0) {
        return (struct timespec){0};
    }
    return status.st_mtim;
}

static void release(struct store_txn **txn_in)
{
    struct store_txn *txn = MOVE(*txn_in);

    if (txn->cursor != NULL) {
        mdb_cursor_close(txn->cursor);
    }
    env_abort(&txn->txn);
    (void)!flusher_stop(&txn->flusher); /* nothing of it is kept */
    env_close(&txn->env);
    if (txn->batch != NULL) {
        weir__batch_entry__free_unpacked(txn->batch, NULL);
    }
    table_free(&txn->table);
    buffer_clear(&txn->located_key);
    buffer_clear(&txn->last_key);
    buffer_clear(&txn->scratch);
    mem_free(txn);
}

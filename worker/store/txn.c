/* See store.h: writing a table. The step after apply; LMDB is below. */
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"
#include "worker/store/rows.h"
#include "worker/store/store_internal.h"
#include "worker/value/key.h"

/* How much is written between looks at the disk's free space. */
#define UNCHECKED_BYTES_MAX (16 * MIB)

/* What goes to the file at once while a generation is filled: LMDB's dirty pages stay few, and are
 * used again while they are in the processor's cache. */
#define PORTION_BYTES (8 * MIB)

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
    struct buffer scratch;      /* a row put together from pieces */
    uint64_t unchecked_bytes;   /* written since the disk was looked at */
    struct timespec written_at; /* when the file was last written before this transaction */
};

static bool begin_named(struct store *store, const struct table *table,
                        const uint8_t operation_id[16], bool fills, struct store_txn **txn_out,
                        struct error *err);
static bool begin(struct store *store, struct store_txn *txn, struct error *err);
static void locate(struct store_txn *txn, const MDB_val *key);
static bool is_beyond_last(const struct store_txn *txn, const MDB_val *key);
static bool shares(const MDB_val *found, const void *key, size_t shared_length);
static void take_row(struct store_txn *txn, int result, const MDB_val *found, const void *key,
                     size_t key_length, size_t shared_length, struct store_row *row_out);
static void set_key(struct buffer *buffer, const MDB_val *key);
static bool same_key(const struct buffer *buffer, const MDB_val *key);
static void fail(struct store_txn *txn, int result, const char *what);
static void name_table(struct store_txn *txn);
static void check_room(struct store_txn *txn, size_t written);
static void write_portion(struct store_txn *txn, size_t written);
static bool commit_durably(struct store_txn *txn, struct error *err);
static struct timespec file_written_at(const struct store_txn *txn);
static void release(struct store_txn **txn);

bool store_txn_begin(struct store *store, const struct table *table, const uint8_t operation_id[16],
                     struct store_txn **txn_out, bool *already_out, struct error *err)
{
    const struct store_txn *txn = NULL;

    if (!begin_named(store, table, operation_id, false, txn_out, err)) {
        return false;
    }
    txn = *txn_out;
    *already_out =
        txn->batch->operation_id.len == sizeof txn->operation_id &&
        memcmp(txn->batch->operation_id.data, operation_id, sizeof txn->operation_id) == 0;
    return true;
}

bool store_txn_begin_filling(struct store *store, const struct table *table,
                             const uint8_t operation_id[16], struct store_txn **txn_out,
                             struct error *err)
{
    return begin_named(store, table, operation_id, true, txn_out, err);
}

bool store_txn_is_empty(const struct store_txn *txn)
{
    return txn->last_key.length == 0;
}

uint64_t store_txn_sequence(const struct store_txn *txn)
{
    return txn->batch->sequence + 1;
}

const struct table *store_txn_table(const struct store_txn *txn)
{
    return txn->table;
}

void store_row_get(struct store_txn *txn, const void *key, size_t key_length,
                   const uint8_t **row_out, size_t *row_length_out)
{
    MDB_val wanted = {.mv_data = (void *)(uintptr_t)key, .mv_size = key_length};
    MDB_val found_key;
    MDB_val row;
    int result = 0;

    *row_out = NULL;
    *row_length_out = 0;
    locate(txn, &wanted);
    if (txn->failure.kind != ERROR_NONE || !txn->found) {
        return;
    }
    result = rows_read(txn->cursor, &txn->scratch, &found_key, &row);
    if (result != 0) {
        fail(txn, result, "could not read a row");
        return;
    }
    *row_out = row.mv_data;
    *row_length_out = row.mv_size;
    /* Reading the pieces of a row moved the cursor. */
    txn->located = row.mv_size < ROWS_PIECE_MAX;
}

void store_row_put(struct store_txn *txn, const void *key, size_t key_length, const void *row,
                   size_t row_length)
{
    MDB_val wanted = {.mv_data = (void *)(uintptr_t)key, .mv_size = key_length};
    MDB_val value = {.mv_data = (void *)(uintptr_t)row, .mv_size = row_length};
    bool append = false;
    int result = 0;

    REQUIRE(key_length > 0 && key_length <= KEY_BYTES_MAX);
    locate(txn, &wanted);
    if (txn->failure.kind != ERROR_NONE) {
        return;
    }
    append = !txn->found && is_beyond_last(txn, &wanted);
    result = txn->found ? rows_replace(txn->cursor, &wanted, &value)
                        : rows_insert(txn->cursor, &wanted, &value, append);
    if (result != 0) {
        fail(txn, result, "could not write a row");
        return;
    }
    check_room(txn, row_length);
    if (append) {
        set_key(&txn->last_key, &wanted);
    }
    txn->batch->rows += txn->found ? 0 : 1;
    txn->found = true;
    txn->located = row_length < ROWS_PIECE_MAX;
    if (txn->fills) {
        write_portion(txn, key_length + row_length);
    }
}

void store_row_delete(struct store_txn *txn, const void *key, size_t key_length)
{
    MDB_val wanted = {.mv_data = (void *)(uintptr_t)key, .mv_size = key_length};
    int result = 0;

    locate(txn, &wanted);
    if (txn->failure.kind != ERROR_NONE || !txn->found) {
        return;
    }
    result = rows_delete(txn->cursor, &wanted);
    if (result != 0) {
        fail(txn, result, "could not delete a row");
        return;
    }
    txn->batch->rows -= txn->batch->rows > 0 ? 1 : 0;
    txn->located = false;
}

void store_row_before(struct store_txn *txn, const void *key, size_t key_length,
                      size_t shared_length, struct store_row *row_out)
{
    MDB_val at = {.mv_data = (void *)(uintptr_t)key, .mv_size = key_length};
    MDB_val value;
    int result = 0;

    *row_out = (struct store_row){0};
    txn->located = false;
    if (txn->failure.kind != ERROR_NONE) {
        return;
    }
    result = mdb_cursor_get(txn->cursor, &at, &value, MDB_SET_RANGE);
    result = mdb_cursor_get(txn->cursor, &at, &value, result == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
    /* The further pieces of a row stand behind its first, under longer keys. */
    while (result == 0 && shares(&at, key, shared_length) && at.mv_size > key_length) {
        result = mdb_cursor_get(txn->cursor, &at, &value, MDB_PREV);
    }
    take_row(txn, result, &at, key, key_length, shared_length, row_out);
}

void store_row_from(struct store_txn *txn, const void *key, size_t key_length, size_t shared_length,
                    struct store_row *row_out)
{
    MDB_val at = {.mv_data = (void *)(uintptr_t)key, .mv_size = key_length};
    MDB_val value;
    int result = 0;

    *row_out = (struct store_row){0};
    txn->located = false;
    if (txn->failure.kind != ERROR_NONE) {
        return;
    }
    result = mdb_cursor_get(txn->cursor, &at, &value, MDB_SET_RANGE);
    take_row(txn, result, &at, key, key_length, shared_length, row_out);
}

const struct error *store_txn_failure(const struct store_txn *txn)
{
    return txn->failure.kind != ERROR_NONE ? &txn->failure : NULL;
}

bool store_txn_commit(struct store_txn **txn_in, bool *spilled_out, struct error *err)
{
    OWNED(store_txn_abort) struct store_txn *txn = MOVE(*txn_in);
    struct timespec written_at = file_written_at(txn);
    bool done = false;

    /* LMDB spills beyond 131,071 dirty pages and does not tell; but nothing else writes to the file
     * before the commit. */
    *spilled_out = memcmp(&written_at, &txn->written_at, sizeof written_at) != 0;
    if (txn->failure.kind != ERROR_NONE) {
        return error_copy(err, &txn->failure);
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

static bool begin_named(struct store *store, const struct table *table,
                        const uint8_t operation_id[16], bool fills, struct store_txn **txn_out,
                        struct error *err)
{
    OWNED(store_txn_abort) struct store_txn *txn = mem_zero(sizeof *txn);

    txn->store = store;
    txn->table = table_copy(table);
    txn->fills = fills;
    memcpy(txn->operation_id, operation_id, sizeof txn->operation_id);
    if (!store_check_room(store, err) || !begin(store, txn, err)) {
        return error_wrap(err, "could not write to table \"%s.%s\"",
                          text_name(table->schema_name).text, text_name(table->name).text);
    }
    *txn_out = MOVE(txn);
    return true;
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
            set_key(&txn->last_key, &key);
        }
        result = result == MDB_NOTFOUND ? 0 : result;
    }
    if (result != 0) {
        return env_fail(err, result, "could not begin a transaction");
    }
    return batch_entry_read(txn->txn, txn->meta, &txn->batch, err);
}

/* Moves the cursor to `key` unless it stands there. Beyond the last key there is nothing to look
 * for. */
static void locate(struct store_txn *txn, const MDB_val *key)
{
    int result = 0;

    if (txn->failure.kind != ERROR_NONE || (txn->located && same_key(&txn->located_key, key))) {
        return;
    }
    txn->found = false;
    if (!is_beyond_last(txn, key)) {
        result = rows_locate(txn->cursor, key, &txn->found);
        if (result != 0) {
            fail(txn, result, "could not look for a row");
            return;
        }
    }
    set_key(&txn->located_key, key);
    txn->located = true;
}

static bool is_beyond_last(const struct store_txn *txn, const MDB_val *key)
{
    size_t common = key->mv_size < txn->last_key.length ? key->mv_size : txn->last_key.length;
    int order = common > 0 ? memcmp(key->mv_data, txn->last_key.bytes, common) : 0;

    return order > 0 || (order == 0 && key->mv_size > txn->last_key.length);
}

static bool shares(const MDB_val *found, const void *key, size_t shared_length)
{
    return found->mv_size >= shared_length && memcmp(found->mv_data, key, shared_length) == 0;
}

/* Reads the row at the cursor if it is one that is looked for; `result` is that of moving there. */
static void take_row(struct store_txn *txn, int result, const MDB_val *found, const void *key,
                     size_t key_length, size_t shared_length, struct store_row *row_out)
{
    MDB_val found_key;
    MDB_val row;

    if (result == MDB_NOTFOUND ||
        (result == 0 && (!shares(found, key, shared_length) || found->mv_size != key_length))) {
        return;
    }
    if (result == 0) {
        result = rows_read(txn->cursor, &txn->scratch, &found_key, &row);
    }
    if (result != 0) {
        fail(txn, result, "could not read a row");
        return;
    }
    *row_out = (struct store_row){
        .key = found_key.mv_data,
        .key_length = found_key.mv_size,
        .row = row.mv_data,
        .row_length = row.mv_size,
    };
}

static void set_key(struct buffer *buffer, const MDB_val *key)
{
    buffer_reset(buffer);
    buffer_append(buffer, key->mv_data, key->mv_size);
}

static bool same_key(const struct buffer *buffer, const MDB_val *key)
{
    return buffer->length == key->mv_size && memcmp(buffer->bytes, key->mv_data, key->mv_size) == 0;
}

static void fail(struct store_txn *txn, int result, const char *what)
{
    (void)env_fail(&txn->failure, env_write_result(txn->env, result), what);
    name_table(txn);
}

static void name_table(struct store_txn *txn)
{
    (void)error_wrap(&txn->failure, "could not write to table \"%s.%s\"",
                     text_name(txn->table->schema_name).text, text_name(txn->table->name).text);
}

/* LMDB writes what does not fit its memory long before the commit. */
static void check_room(struct store_txn *txn, size_t written)
{
    txn->unchecked_bytes += written;
    if (txn->unchecked_bytes > UNCHECKED_BYTES_MAX) {
        txn->unchecked_bytes = 0;
        if (!store_check_room(txn->store, &txn->failure)) {
            name_table(txn);
        }
    }
}

/* Commits what was put so far, for nobody to see, and goes on. */
static void write_portion(struct store_txn *txn, size_t written)
{
    int result = 0;

    txn->portion_bytes += written;
    if (txn->portion_bytes < PORTION_BYTES) {
        return;
    }
    txn->portion_bytes = 0;
    mdb_cursor_close(txn->cursor);
    txn->cursor = NULL;
    txn->located = false;
    result = mdb_txn_commit(MOVE(txn->txn));
    if (result == 0) {
        env_write_behind(txn->env);
        result = mdb_txn_begin(txn->env, NULL, 0, &txn->txn);
        txn->written_at = file_written_at(txn);
    }
    if (result == 0) {
        result = mdb_cursor_open(txn->txn, txn->rows, &txn->cursor);
    }
    if (result != 0) {
        fail(txn, result, "could not commit");
    }
}

static bool commit_durably(struct store_txn *txn, struct error *err)
{
    return env_commit(&txn->txn, err) && (!txn->fills || env_sync(txn->env, err));
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

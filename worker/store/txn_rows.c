/* See store.h: the rows of a table that is being written, in the step after apply.
 *
 * A cursor goes along ascending keys, and rows beyond the last are appended. While a generation is
 * filled from a former one, former rows are copied up to the key that is asked for. */
#include <string.h>

#include "common/require.h"
#include "worker/store/rows.h"
#include "worker/store/txn.h"
#include "worker/value/key.h"

enum {
    /* What a change in the middle of the table writes, whatever the row's size: a page. */
    PAGE_BYTES = 4096
};

static void locate(struct store_txn *txn, const MDB_val *key);
static bool is_beyond_last(const struct store_txn *txn, const MDB_val *key);
static int compare_keys(const MDB_val *one, const MDB_val *other);
static void append(struct store_txn *txn, const MDB_val *key, const MDB_val *row);
static void copy_former(struct store_txn *txn, const MDB_val *key, size_t shared_length);
static void copy_former_row(struct store_txn *txn);
static bool shares(const MDB_val *found, const void *key, size_t shared_length);
static void take_row(struct store_txn *txn, int result, const MDB_val *found, const void *key,
                     size_t key_length, size_t shared_length, struct store_row *row_out);
static void set_key(struct buffer *buffer, const MDB_val *key);
static bool same_key(const struct buffer *buffer, const MDB_val *key);

uint64_t store_txn_count_between(struct store_txn *txn, const void *low, size_t low_length,
                                 const void *high, size_t high_length, uint64_t most)
{
    MDB_val end = {.mv_data = (void *)(uintptr_t)high, .mv_size = high_length};
    MDB_val at = {.mv_data = (void *)(uintptr_t)low, .mv_size = low_length};
    MDB_val value;
    uint64_t count = 0;
    int result = mdb_cursor_get(txn->cursor, &at, &value, MDB_SET_RANGE);

    txn->located = false;
    while (result == 0 && count < most && compare_keys(&at, &end) <= 0 &&
           txn->failure.kind == ERROR_NONE) {
        count++;
        txn_count_row(txn);
        result = mdb_cursor_get(txn->cursor, &at, &value, MDB_NEXT);
    }
    return count;
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
    if (txn->failure.kind != ERROR_NONE) {
        return;
    }
    if (txn->in_former) {
        *row_out = txn->former_row.mv_data;
        *row_length_out = txn->former_row.mv_size;
        return;
    }
    if (!txn->found) {
        return;
    }
    result = rows_read(txn->cursor, &txn->scratch, &found_key, &row);
    if (result != 0) {
        txn_fail(txn, result, "could not read a row");
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
    size_t written = key_length + row_length;
    int result = 0;

    REQUIRE(key_length > 0 && key_length <= KEY_BYTES_MAX);
    locate(txn, &wanted);
    if (txn->failure.kind != ERROR_NONE) {
        return;
    }
    if (!txn->found && is_beyond_last(txn, &wanted)) {
        append(txn, &wanted, &value);
        if (txn->in_former) {
            txn_next_former(txn);
        }
    } else {
        result = txn->found ? rows_replace(txn->cursor, &wanted, &value)
                            : rows_insert(txn->cursor, &wanted, &value, false);
        if (result != 0) {
            txn_fail(txn, result, "could not write a row");
            return;
        }
        txn->batch->rows += txn->found ? 0 : 1;
        written += PAGE_BYTES;
    }
    txn->found = true;
    txn->located = row_length < ROWS_PIECE_MAX;
    txn_count_written(txn, written);
}

void store_row_delete(struct store_txn *txn, const void *key, size_t key_length)
{
    MDB_val wanted = {.mv_data = (void *)(uintptr_t)key, .mv_size = key_length};
    int result = 0;

    locate(txn, &wanted);
    if (txn->failure.kind != ERROR_NONE) {
        return;
    }
    if (txn->in_former) {
        txn_next_former(txn);
        txn->located = false;
        return;
    }
    if (!txn->found) {
        return;
    }
    result = rows_delete(txn->cursor, &wanted);
    if (result != 0) {
        txn_fail(txn, result, "could not delete a row");
        return;
    }
    txn->batch->rows -= txn->batch->rows > 0 ? 1 : 0;
    txn->located = false;
    txn_count_written(txn, PAGE_BYTES);
}

void store_row_before(struct store_txn *txn, const void *key, size_t key_length,
                      size_t shared_length, struct store_row *row_out)
{
    MDB_val at = {.mv_data = (void *)(uintptr_t)key, .mv_size = key_length};
    MDB_val value;
    int result = 0;

    *row_out = (struct store_row){0};
    txn->located = false;
    copy_former(txn, &at, 0);
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
    copy_former(txn, &at, shared_length);
    if (txn->failure.kind != ERROR_NONE) {
        return;
    }
    result = mdb_cursor_get(txn->cursor, &at, &value, MDB_SET_RANGE);
    take_row(txn, result, &at, key, key_length, shared_length, row_out);
}

/* Whoever takes the former row in hand, or leaves it out, goes on to the next. */
void txn_next_former(struct store_txn *txn)
{
    struct store_row row = {0};
    enum store_next next = STORE_END;

    txn->in_former = false;
    if (txn->failure.kind != ERROR_NONE) {
        return;
    }
    next = txn->former->next(txn->former->context, &row, &txn->failure);
    txn->former_key = (MDB_val){row.key_length, (void *)(uintptr_t)row.key};
    txn->former_row = (MDB_val){row.row_length, (void *)(uintptr_t)row.row};
    if (next == STORE_FAILED) {
        txn_fail_named(txn);
    }
    if (next != STORE_ROW) {
        txn->former = NULL;
    }
}

void store_txn_copy_former(struct store_txn *txn)
{
    while (txn->former != NULL && txn->failure.kind == ERROR_NONE) {
        copy_former_row(txn);
    }
}

void txn_set_last_key(struct store_txn *txn, const MDB_val *key)
{
    set_key(&txn->last_key, key);
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
    copy_former(txn, key, 0);
    txn->in_former = txn->former != NULL && compare_keys(&txn->former_key, key) == 0;
    if (!is_beyond_last(txn, key)) {
        result = rows_locate(txn->cursor, key, &txn->found);
        if (result != 0) {
            txn_fail(txn, result, "could not look for a row");
            return;
        }
    }
    set_key(&txn->located_key, key);
    txn->located = true;
}

static bool is_beyond_last(const struct store_txn *txn, const MDB_val *key)
{
    const MDB_val last = {.mv_data = txn->last_key.bytes, .mv_size = txn->last_key.length};

    return last.mv_size == 0 || compare_keys(key, &last) > 0;
}

static int compare_keys(const MDB_val *one, const MDB_val *other)
{
    size_t common = one->mv_size < other->mv_size ? one->mv_size : other->mv_size;
    int order = memcmp(one->mv_data, other->mv_data, common);

    return order != 0 ? order : (one->mv_size > other->mv_size) - (one->mv_size < other->mv_size);
}

/* Puts a row whose key is beyond all others. */
static void append(struct store_txn *txn, const MDB_val *key, const MDB_val *row)
{
    int result = rows_insert(txn->cursor, key, row, true);

    if (result != 0) {
        txn_fail(txn, result, "could not write a row");
        return;
    }
    txn_set_last_key(txn, key);
    txn->batch->rows++;
}

/* Copies the former rows before `key`, and those behind it that share its first `shared_length`
 * bytes (0: none). */
static void copy_former(struct store_txn *txn, const MDB_val *key, size_t shared_length)
{
    while (txn->former != NULL && txn->failure.kind == ERROR_NONE &&
           (compare_keys(&txn->former_key, key) < 0 ||
            (shared_length > 0 && shares(&txn->former_key, key->mv_data, shared_length)))) {
        copy_former_row(txn);
    }
}

static void copy_former_row(struct store_txn *txn)
{
    append(txn, &txn->former_key, &txn->former_row);
    txn_count_written(txn, txn->former_key.mv_size + txn->former_row.mv_size);
    txn_count_row(txn);
    txn_next_former(txn);
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
        txn_fail(txn, result, "could not read a row");
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

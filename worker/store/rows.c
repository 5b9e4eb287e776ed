/* See rows.h. */
#include "worker/store/rows.h"

#include <errno.h>
#include <string.h>

#include "worker/value/key.h"
#include "worker/value/number.h"

static bool is_piece_of(const MDB_val *entry_key, const MDB_val *key, uint32_t *number_out);
static int gather(MDB_cursor *cursor, const MDB_val *key, struct buffer *scratch);
static int insert_rest(MDB_cursor *cursor, const MDB_val *key, const MDB_val *row, unsigned flags);

int rows_locate(MDB_cursor *cursor, const MDB_val *key, bool *found_out)
{
    MDB_val found = *key;
    MDB_val value;
    int result = mdb_cursor_get(cursor, &found, &value, MDB_SET_RANGE);

    *found_out = result == 0 && found.mv_size == key->mv_size &&
                 memcmp(found.mv_data, key->mv_data, key->mv_size) == 0;
    return result == MDB_NOTFOUND ? 0 : result;
}

int rows_read(MDB_cursor *cursor, struct buffer *scratch, MDB_val *key_out, MDB_val *row_out)
{
    int result = mdb_cursor_get(cursor, key_out, row_out, MDB_GET_CURRENT);

    if (result != 0 || row_out->mv_size < ROWS_PIECE_MAX) {
        return result;
    }
    buffer_reset(scratch);
    buffer_append(scratch, row_out->mv_data, row_out->mv_size);
    result = gather(cursor, key_out, scratch);
    *row_out = (MDB_val){.mv_data = scratch->bytes, .mv_size = scratch->length};
    return result;
}

int rows_insert(MDB_cursor *cursor, const MDB_val *key, const MDB_val *row, bool append)
{
    unsigned flags = append ? MDB_APPEND : 0;
    MDB_val entry_key = *key;
    MDB_val value = *row;
    int result = 0;

    if (row->mv_size < ROWS_PIECE_MAX) {
        return mdb_cursor_put(cursor, &entry_key, &value, flags);
    }
    value.mv_size = ROWS_PIECE_MAX;
    result = mdb_cursor_put(cursor, &entry_key, &value, flags);
    return result != 0 ? result : insert_rest(cursor, key, row, flags);
}

int rows_replace(MDB_cursor *cursor, const MDB_val *key, const MDB_val *row)
{
    MDB_val entry_key;
    MDB_val value;
    int result = mdb_cursor_get(cursor, &entry_key, &value, MDB_GET_CURRENT);

    if (result != 0) {
        return result;
    }
    if (value.mv_size < ROWS_PIECE_MAX && row->mv_size < ROWS_PIECE_MAX) {
        entry_key = *key;
        value = *row;
        return mdb_cursor_put(cursor, &entry_key, &value, MDB_CURRENT);
    }
    result = rows_delete(cursor, key);
    return result != 0 ? result : rows_insert(cursor, key, row, false);
}

int rows_delete(MDB_cursor *cursor, const MDB_val *key)
{
    MDB_val entry_key;
    MDB_val value;
    uint32_t number = 0;
    bool whole = false;
    int result = mdb_cursor_get(cursor, &entry_key, &value, MDB_GET_CURRENT);

    if (result != 0) {
        return result;
    }
    whole = value.mv_size < ROWS_PIECE_MAX;
    result = mdb_cursor_del(cursor, 0);
    while (!whole && result == 0) {
        /* After a deletion the cursor stands on the next entry; behind the last one there is
         * none. */
        result = mdb_cursor_get(cursor, &entry_key, &value, MDB_GET_CURRENT);
        if (result != 0 || !is_piece_of(&entry_key, key, &number)) {
            return result == MDB_NOTFOUND || result == EINVAL ? 0 : result;
        }
        result = mdb_cursor_del(cursor, 0);
    }
    return result;
}

static bool is_piece_of(const MDB_val *entry_key, const MDB_val *key, uint32_t *number_out)
{
    const uint8_t *bytes = entry_key->mv_data;

    if (entry_key->mv_size != key->mv_size + ROWS_PIECE_NUMBER_BYTES ||
        memcmp(bytes, key->mv_data, key->mv_size) != 0) {
        return false;
    }
    *number_out = (uint32_t)number_read_be(bytes + key->mv_size, ROWS_PIECE_NUMBER_BYTES);
    return true;
}

/* Appends the further pieces to `scratch` and leaves the cursor on the last one. */
static int gather(MDB_cursor *cursor, const MDB_val *key, struct buffer *scratch)
{
    MDB_val entry_key;
    MDB_val value;
    uint32_t number = 0;
    int result = 0;

    for (uint32_t wanted = 1;; wanted++) {
        result = mdb_cursor_get(cursor, &entry_key, &value, MDB_NEXT);
        if (result == MDB_NOTFOUND) {
            return 0;
        }
        if (result != 0) {
            return result;
        }
        if (!is_piece_of(&entry_key, key, &number)) {
            return mdb_cursor_get(cursor, &entry_key, &value, MDB_PREV);
        }
        if (number != wanted) {
            return MDB_CORRUPTED;
        }
        buffer_append(scratch, value.mv_data, value.mv_size);
    }
}

static int insert_rest(MDB_cursor *cursor, const MDB_val *key, const MDB_val *row, unsigned flags)
{
    uint8_t bytes[KEY_BYTES_MAX + ROWS_PIECE_NUMBER_BYTES];
    uint8_t *rest = row->mv_data;
    uint32_t number = 1;
    int result = 0;

    memcpy(bytes, key->mv_data, key->mv_size);
    for (size_t at = ROWS_PIECE_MAX; at < row->mv_size && result == 0; at += ROWS_PIECE_MAX) {
        size_t left = row->mv_size - at;
        MDB_val entry_key = {.mv_data = bytes, .mv_size = key->mv_size + ROWS_PIECE_NUMBER_BYTES};
        MDB_val value = {
            .mv_data = rest + at,
            .mv_size = left < ROWS_PIECE_MAX ? left : ROWS_PIECE_MAX,
        };

        number_write_be(bytes + key->mv_size, number++, ROWS_PIECE_NUMBER_BYTES);
        result = mdb_cursor_put(cursor, &entry_key, &value, flags);
    }
    return result;
}

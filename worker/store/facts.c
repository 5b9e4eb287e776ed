/* See facts.h. */
#include "worker/store/facts.h"

#include <string.h>

#include "common/buffer.h"

static MDB_val make_key(struct buffer *key, const char *name, const struct table *of);

int fact_get(const struct store *store, MDB_txn *txn, const char *name, const struct table *of,
             uint64_t *value_out)
{
    OWNED(buffer_clear) struct buffer bytes = {0};
    MDB_val key = make_key(&bytes, name, of);
    MDB_val value;
    int result = mdb_get(txn, store->facts, &key, &value);

    if (result == 0) {
        if (value.mv_size != sizeof *value_out) {
            return MDB_CORRUPTED;
        }
        memcpy(value_out, value.mv_data, sizeof *value_out);
    }
    return result;
}

int fact_put(const struct store *store, MDB_txn *txn, const char *name, const struct table *of,
             uint64_t value)
{
    OWNED(buffer_clear) struct buffer bytes = {0};
    MDB_val key = make_key(&bytes, name, of);
    MDB_val data = {.mv_data = &value, .mv_size = sizeof value};

    return mdb_put(txn, store->facts, &key, &data, 0);
}

int fact_take_id(const struct store *store, MDB_txn *txn, uint64_t *id_out)
{
    int result = 0;

    *id_out = 1;
    result = fact_get(store, txn, FACT_NEXT_ID, NULL, id_out);
    if (result != 0 && result != MDB_NOTFOUND) {
        return result;
    }
    if (*id_out == 0 || *id_out == UINT64_MAX) {
        return MDB_CORRUPTED;
    }
    return fact_put(store, txn, FACT_NEXT_ID, NULL, *id_out + 1);
}

int fact_each(const struct store *store, MDB_txn *txn, const char *name, MDB_cursor **cursor,
              uint64_t *value_out)
{
    MDB_val key = {.mv_data = (void *)(uintptr_t)name, .mv_size = strlen(name) + 1};
    MDB_val value;
    int result = 0;

    if (*cursor != NULL) {
        result = mdb_cursor_get(*cursor, &key, &value, MDB_NEXT);
    } else {
        result = mdb_cursor_open(txn, store->facts, cursor);
        result = result == 0 ? mdb_cursor_get(*cursor, &key, &value, MDB_SET_RANGE) : result;
    }
    if (result != 0) {
        return result;
    }
    if (key.mv_size <= strlen(name) || memcmp(key.mv_data, name, strlen(name) + 1) != 0) {
        return MDB_NOTFOUND;
    }
    if (value.mv_size != sizeof *value_out) {
        return MDB_CORRUPTED;
    }
    memcpy(value_out, value.mv_data, sizeof *value_out);
    return 0;
}

int fact_remove(const struct store *store, MDB_txn *txn, const char *name, const struct table *of)
{
    OWNED(buffer_clear) struct buffer bytes = {0};
    MDB_val key = make_key(&bytes, name, of);
    int result = mdb_del(txn, store->facts, &key, NULL);

    return result == MDB_NOTFOUND ? 0 : result;
}

/* name, or name NUL schema NUL table: LIMIT_TABLE_NAME_BYTES leaves room for it in an LMDB key. */
static MDB_val make_key(struct buffer *key, const char *name, const struct table *of)
{
    buffer_append(key, name, strlen(name));
    if (of != NULL) {
        buffer_append(key, "", 1);
        buffer_append(key, of->schema_name, strlen(of->schema_name) + 1);
        buffer_append(key, of->name, strlen(of->name));
    }
    return (MDB_val){.mv_data = key->bytes, .mv_size = key->length};
}

/* See store.h: reading a table, as of one moment. */
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "worker/store/rows.h"
#include "worker/store/store_internal.h"

enum {
    /* A table that changes its generation that often while it is being opened is being rewritten in
     * a loop; the reader gives up. */
    OPEN_TRIES_MAX = 100
};

struct store_reader {
    struct table *table;
    MDB_env *env;
    MDB_txn *txn;
    MDB_cursor *cursor;
    uint64_t rows;
    uint64_t sequence; /* of the last batch */
    struct buffer scratch;
};

static bool open_as_of(struct store *store, struct store_reader *reader, struct error *err);
static bool still_current(struct store *store, const struct table *table, bool *current_out,
                          struct error *err);

bool store_reader_open(struct store *store, const char *schema_name, const char *table_name,
                       struct store_reader **reader_out, struct error *err)
{
    *reader_out = NULL;
    for (unsigned i = 0; i < OPEN_TRIES_MAX; i++) {
        OWNED(store_reader_close) struct store_reader *reader = mem_zero(sizeof *reader);
        struct error opening = {0};
        bool current = false;
        bool opened = false;

        if (!registry_find(store, schema_name, table_name, &reader->table, err)) {
            return false;
        }
        if (reader->table == NULL) {
            return true;
        }
        /* Registry and rows are two environments: rows are of this entry if it is still there once
         * their transaction has begun. A generation that is being dropped may fail to open. */
        opened = open_as_of(store, reader, &opening);
        if (!still_current(store, reader->table, &current, err)) {
            return false;
        }
        if (current && !opened) {
            error_copy(err, &opening);
            return error_wrap(err, "could not read table \"%s.%s\"", text_name(schema_name).text,
                              text_name(table_name).text);
        }
        if (current) {
            *reader_out = MOVE(reader);
            return true;
        }
    }
    return error_set(err, ERROR_BUSY, "table \"%s.%s\" keeps changing", text_name(schema_name).text,
                     text_name(table_name).text);
}

const struct table *store_reader_table(const struct store_reader *reader)
{
    return reader->table;
}

uint64_t store_reader_rows(const struct store_reader *reader)
{
    return reader->rows;
}

uint64_t store_reader_sequence(const struct store_reader *reader)
{
    return reader->sequence;
}

enum store_next store_reader_next(struct store_reader *reader, const uint8_t **key_out,
                                  size_t *key_length_out, const uint8_t **row_out,
                                  size_t *row_length_out, struct error *err)
{
    MDB_val key;
    MDB_val row;
    int result = mdb_cursor_get(reader->cursor, &key, &row, MDB_NEXT);

    if (result == MDB_NOTFOUND) {
        return STORE_END;
    }
    if (result == 0) {
        result = rows_read(reader->cursor, &reader->scratch, &key, &row);
    }
    if (result != 0) {
        (void)env_fail(err, result, "could not read a row");
        return STORE_FAILED;
    }
    *key_out = key.mv_data;
    *key_length_out = key.mv_size;
    *row_out = row.mv_data;
    *row_length_out = row.mv_size;
    return STORE_ROW;
}

void store_reader_close(struct store_reader **reader)
{
    if (*reader != NULL) {
        if ((*reader)->cursor != NULL) {
            mdb_cursor_close((*reader)->cursor);
        }
        env_abort(&(*reader)->txn);
        env_close(&(*reader)->env);
        table_free(&(*reader)->table);
        buffer_clear(&(*reader)->scratch);
        mem_free(*reader);
        *reader = NULL;
    }
}

static bool open_as_of(struct store *store, struct store_reader *reader, struct error *err)
{
    Weir__BatchEntry *batch = NULL;
    MDB_dbi rows = 0;
    MDB_dbi meta = 0;
    int result = 0;

    if (!store_open_table(store, reader->table, false, &reader->env, err)) {
        return false;
    }
    result = mdb_txn_begin(reader->env, NULL, MDB_RDONLY, &reader->txn);
    if (result == 0) {
        result = mdb_dbi_open(reader->txn, TABLE_ROWS_DATABASE, 0, &rows);
    }
    if (result == 0) {
        result = mdb_dbi_open(reader->txn, TABLE_META_DATABASE, 0, &meta);
    }
    if (result == 0) {
        result = mdb_cursor_open(reader->txn, rows, &reader->cursor);
    }
    if (result != 0) {
        return env_fail(err, result, "could not begin a transaction");
    }
    if (!batch_entry_read(reader->txn, meta, &batch, err)) {
        return false;
    }
    reader->rows = batch->rows;
    reader->sequence = batch->sequence;
    weir__batch_entry__free_unpacked(batch, NULL);
    return true;
}

static bool still_current(struct store *store, const struct table *table, bool *current_out,
                          struct error *err)
{
    OWNED(table_free) struct table *now = NULL;

    if (!registry_find(store, table->schema_name, table->name, &now, err)) {
        return false;
    }
    /* Every change of an entry, of its columns too, carries the id of the RPC that made it. */
    *current_out = now != NULL && now->id == table->id && now->generation == table->generation &&
                   memcmp(now->operation_id, table->operation_id, sizeof now->operation_id) == 0;
    return true;
}

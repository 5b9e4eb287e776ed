/* See apply.h.
 *
 * Without history, and in the replace phase always, entries come in key order, and those of one key
 * in the order of files and rows. They are folded into one row, which is read once and written
 * once. Where an entry is a whole row already, it is written as it comes. */
#include "worker/apply/apply.h"

#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "worker/apply/history.h"
#include "worker/value/number.h"
#include "worker/value/row.h"

/* The row of one key while entries are folded into it. */
struct folding {
    struct store_txn *txn;
    struct buffer key;
    bool has_key;
    bool exists;
    bool changed;
    struct buffer cells; /* of the row as it is now */
    struct buffer spare; /* where the next state of it is made */
    struct buffer row;   /* with the sequence in front, as it is stored */
};

static bool apply_entry(struct folding *folding, enum file_kind kind, const struct run_entry *entry,
                        struct error *err);
static bool same_key(const struct folding *folding, const struct run_entry *entry);
static bool begin_key(struct folding *folding, const struct run_entry *entry, struct error *err);
static bool fold(struct folding *folding, enum file_kind kind, const struct run_entry *entry,
                 struct error *err);
static bool finish_key(struct folding *folding, struct error *err);
static bool put_row(struct folding *folding, const struct run_entry *entry, struct error *err);
static bool check_txn(const struct folding *folding, struct error *err);
static bool fail_damaged(const struct folding *folding, struct error *err);
static void folding_clear(struct folding *folding);

bool apply_phase(struct store_txn *txn, enum file_kind kind, bool history,
                 struct run_merger *merger, const struct run_watch *watch, uint64_t *rows_out,
                 struct error *err)
{
    OWNED(folding_clear) struct folding folding = {.txn = txn};
    OWNED(history_free)
    struct history *versions = history && kind != FILE_KIND_REPLACE ? history_new(txn) : NULL;
    struct run_entry entry = {0};
    enum run_next next = RUN_END;

    *rows_out = 0;
    while ((next = run_merger_next(merger, &entry, err)) == RUN_ENTRY) {
        if (versions != NULL ? !history_apply(versions, kind, &entry, err)
                             : !apply_entry(&folding, kind, &entry, err)) {
            return false;
        }
        if (++*rows_out % RUN_TICK_ENTRIES == 0 && !watch->tick(watch->context, err)) {
            return false;
        }
    }
    return next == RUN_END && finish_key(&folding, err);
}

static bool apply_entry(struct folding *folding, enum file_kind kind, const struct run_entry *entry,
                        struct error *err)
{
    if (entry->is_row) {
        return finish_key(folding, err) && put_row(folding, entry, err);
    }
    if (!same_key(folding, entry) &&
        (!finish_key(folding, err) || !begin_key(folding, entry, err))) {
        return false;
    }
    return fold(folding, kind, entry, err);
}

static bool same_key(const struct folding *folding, const struct run_entry *entry)
{
    return folding->has_key && folding->key.length == entry->key_length &&
           memcmp(folding->key.bytes, entry->key, entry->key_length) == 0;
}

static bool begin_key(struct folding *folding, const struct run_entry *entry, struct error *err)
{
    const uint8_t *row = NULL;
    size_t length = 0;

    buffer_reset(&folding->key);
    buffer_append(&folding->key, entry->key, entry->key_length);
    buffer_reset(&folding->cells);
    folding->has_key = true;
    folding->changed = false;
    store_row_get(folding->txn, entry->key, entry->key_length, &row, &length);
    folding->exists = row != NULL;
    if (row != NULL) {
        if (length < ROW_SEQUENCE_BYTES) {
            return fail_damaged(folding, err);
        }
        buffer_append(&folding->cells, row + ROW_SEQUENCE_BYTES, length - ROW_SEQUENCE_BYTES);
    }
    return check_txn(folding, err);
}

static bool fold(struct folding *folding, enum file_kind kind, const struct run_entry *entry,
                 struct error *err)
{
    struct buffer merged = folding->spare;

    if (kind == FILE_KIND_DELETE) {
        folding->changed = folding->changed || folding->exists;
        folding->exists = false;
        buffer_reset(&folding->cells);
        return true;
    }
    if (kind == FILE_KIND_UPDATE && !folding->exists) {
        return true; /* an update of a row that is not there is skipped */
    }
    buffer_reset(&merged);
    if (!row_merge(folding->cells.bytes, folding->cells.length, entry->change, entry->change_length,
                   &merged)) {
        folding->spare = merged;
        return fail_damaged(folding, err);
    }
    folding->spare = folding->cells;
    folding->cells = merged;
    folding->exists = true;
    folding->changed = true;
    return true;
}

static bool finish_key(struct folding *folding, struct error *err)
{
    const struct run_entry row = {
        .key = folding->key.bytes,
        .key_length = folding->key.length,
        .change = folding->cells.bytes,
        .change_length = folding->cells.length,
    };

    if (!folding->has_key || !folding->changed) {
        return true;
    }
    folding->has_key = false;
    if (!folding->exists) {
        store_row_delete(folding->txn, folding->key.bytes, folding->key.length);
        return check_txn(folding, err);
    }
    return put_row(folding, &row, err);
}

/* Puts the batch's sequence in front of the entry's cells, and both into the table. */
static bool put_row(struct folding *folding, const struct run_entry *entry, struct error *err)
{
    buffer_reset(&folding->row);
    number_write_le(buffer_reserve(&folding->row, ROW_SEQUENCE_BYTES),
                    store_txn_sequence(folding->txn), ROW_SEQUENCE_BYTES);
    folding->row.length = ROW_SEQUENCE_BYTES;
    buffer_append(&folding->row, entry->change, entry->change_length);
    store_row_put(folding->txn, entry->key, entry->key_length, folding->row.bytes,
                  folding->row.length);
    return check_txn(folding, err);
}

static bool check_txn(const struct folding *folding, struct error *err)
{
    const struct error *failure = store_txn_failure(folding->txn);

    return failure == NULL || error_copy(err, failure);
}

static bool fail_damaged(const struct folding *folding, struct error *err)
{
    const struct table *table = store_txn_table(folding->txn);

    return error_set(err, ERROR_STORE, "a row of table \"%s.%s\" is damaged",
                     text_name(table->schema_name).text, text_name(table->name).text);
}

static void folding_clear(struct folding *folding)
{
    buffer_clear(&folding->key);
    buffer_clear(&folding->cells);
    buffer_clear(&folding->spare);
    buffer_clear(&folding->row);
}

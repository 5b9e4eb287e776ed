/* See folding.h. */
#include "worker/apply/folding.h"

#include <string.h>

#include "common/buffer.h"
#include "common/mem.h"
#include "worker/value/number.h"
#include "worker/value/row.h"

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

static bool same_key(const struct folding *folding, const struct run_entry *entry);
static bool begin_key(struct folding *folding, const struct run_entry *entry, struct error *err);
static bool fold(struct folding *folding, enum file_kind kind, const struct run_entry *entry,
                 struct error *err);
static bool put_row(struct folding *folding, const struct run_entry *entry, struct error *err);

struct folding *folding_new(struct store_txn *txn)
{
    struct folding *folding = mem_zero(sizeof *folding);

    folding->txn = txn;
    return folding;
}

bool folding_apply(struct folding *folding, enum file_kind kind, const struct run_entry *entry,
                   struct error *err)
{
    if (entry->is_row) {
        return folding_finish(folding, err) && put_row(folding, entry, err);
    }
    if (!same_key(folding, entry) &&
        (!folding_finish(folding, err) || !begin_key(folding, entry, err))) {
        return false;
    }
    return fold(folding, kind, entry, err);
}

bool folding_finish(struct folding *folding, struct error *err)
{
    const struct run_entry row = {
        .key = folding->key.bytes,
        .key_length = folding->key.length,
        .change = folding->cells.bytes,
        .change_length = folding->cells.length,
    };
    bool changed = folding->has_key && folding->changed;

    folding->has_key = false;
    if (!changed) {
        return true;
    }
    if (!folding->exists) {
        store_row_delete(folding->txn, folding->key.bytes, folding->key.length);
        return store_txn_check(folding->txn, err);
    }
    return put_row(folding, &row, err);
}

void folding_free(struct folding **folding)
{
    if (*folding != NULL) {
        buffer_clear(&(*folding)->key);
        buffer_clear(&(*folding)->cells);
        buffer_clear(&(*folding)->spare);
        buffer_clear(&(*folding)->row);
        mem_free(*folding);
        *folding = NULL;
    }
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
            return store_fail_damaged(store_txn_table(folding->txn), err);
        }
        buffer_append(&folding->cells, row + ROW_SEQUENCE_BYTES, length - ROW_SEQUENCE_BYTES);
    }
    return store_txn_check(folding->txn, err);
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
        return store_fail_damaged(store_txn_table(folding->txn), err);
    }
    folding->spare = folding->cells;
    folding->cells = merged;
    folding->exists = true;
    folding->changed = true;
    return true;
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
    return store_txn_check(folding->txn, err);
}

/* See history.h. The rules, numbered as a history batch applies them:
 *
 * 1. earliest_start: the record's versions that begin at or behind the row's start go; of those
 *    left the greatest is closed: active false, and its end, unless that is earlier, one
 *    millisecond before the row's start.
 * 3. update: a new version, whose unmodified cells come from the version before it; none before it:
 *    nothing. (That version was closed by rule 1: whether it is active says nothing.)
 * 4. delete: the active version gets active false and the row's end. Should there be several, all
 *    of them do: the request sent again would close the next one. */
#include "worker/apply/history.h"

#include <string.h>

#include "common/buffer.h"
#include "common/mem.h"
#include "common/require.h"
#include "worker/value/key.h"
#include "worker/value/moment.h"
#include "worker/value/number.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

/* A cell of a change that is being made; `stored` NULL leaves the column alone. */
struct wish {
    uint32_t column_id;
    const uint8_t *stored;
    size_t length;
    bool is_null;
};

enum {
    WISHES_MAX = 3
};

struct history {
    struct store_txn *txn;
    uint32_t start_id;
    uint32_t end_id;
    uint32_t active_id;
    uint32_t synced_id;   /* 0: the table has none */
    struct buffer key;    /* of a version to look for or to write */
    struct buffer change; /* to an existing version */
    struct buffer row;    /* to write */
};

static const uint8_t stored_false[] = {0};

static bool apply_earliest_start(struct history *history, const struct run_entry *entry,
                                 struct error *err);
static bool apply_update(struct history *history, const struct run_entry *entry, struct error *err);
static bool apply_delete(struct history *history, const struct run_entry *entry, struct error *err);
static bool read_moment(const uint8_t *cells, size_t length, uint32_t column_id,
                        struct moment *moment_out);
static bool is_active(const struct history *history, const struct store_row *version);
static bool ends_before(const struct history *history, const struct store_row *version,
                        struct moment start);
static void go_behind_versions(struct history *history, const struct run_entry *record);
static bool go_to_version_before(struct history *history, size_t record_length,
                                 struct store_row *version_out);
static bool change_version(struct history *history, const struct store_row *version,
                           struct wish *wishes, size_t count, struct error *err);
static bool write_version(struct history *history, const void *key, size_t key_length,
                          const struct store_row *base, const uint8_t *change, size_t change_length,
                          struct error *err);
static uint32_t id_of(const struct table *table, const char *name);

struct history *history_new(struct store_txn *txn)
{
    const struct table *table = store_txn_table(txn);
    struct history *history = mem_zero(sizeof *history);

    REQUIRE(key_is_history(table));
    history->txn = txn;
    history->start_id = id_of(table, "_fivetran_start");
    history->end_id = id_of(table, "_fivetran_end");
    history->active_id = id_of(table, "_fivetran_active");
    history->synced_id = id_of(table, "_fivetran_synced");
    return history;
}

bool history_apply(struct history *history, enum file_kind kind, const struct run_entry *entry,
                   struct error *err)
{
    REQUIRE(kind != FILE_KIND_REPLACE);
    switch (kind) {
    case FILE_KIND_EARLIEST_START:
        return apply_earliest_start(history, entry, err);
    case FILE_KIND_UPDATE:
        return apply_update(history, entry, err);
    case FILE_KIND_DELETE:
        return apply_delete(history, entry, err);
    case FILE_KIND_REPLACE:
        break;
    }
    return false;
}

void history_free(struct history **history)
{
    if (*history != NULL) {
        buffer_clear(&(*history)->key);
        buffer_clear(&(*history)->change);
        buffer_clear(&(*history)->row);
        mem_free(*history);
        *history = NULL;
    }
}

/* Rule 1. The entry's key is the record's. */
static bool apply_earliest_start(struct history *history, const struct run_entry *entry,
                                 struct error *err)
{
    struct row_cell start_cell = {0};
    struct moment start;
    struct store_row version;
    uint8_t end[MOMENT_STORED_BYTES];
    struct wish wishes[WISHES_MAX];
    size_t count = 0;

    if (!row_find(entry->change, entry->change_length, history->start_id, &start_cell) ||
        start_cell.is_null || start_cell.length != MOMENT_STORED_BYTES) {
        return store_fail_damaged(store_txn_table(history->txn), err);
    }
    start = moment_read_stored(start_cell.stored);
    buffer_reset(&history->key);
    buffer_append(&history->key, entry->key, entry->key_length);
    (void)type_of(COLUMN_UTC_DATETIME)
        ->append_key(start_cell.stored, start_cell.length, &history->key);

    for (;;) {
        store_row_from(history->txn, history->key.bytes, history->key.length, entry->key_length,
                       &version);
        if (version.row == NULL) {
            break;
        }
        buffer_reset(&history->row);
        buffer_append(&history->row, version.key, version.key_length);
        store_row_delete(history->txn, history->row.bytes, history->row.length);
    }

    store_row_before(history->txn, history->key.bytes, history->key.length, entry->key_length,
                     &version);
    if (version.row == NULL) {
        return store_txn_check(history->txn, err);
    }
    if (is_active(history, &version)) {
        wishes[count++] = (struct wish){history->active_id, stored_false, 1, false};
    }
    if (!ends_before(history, &version, start)) {
        moment_write_stored(moment_millisecond_before(start), end);
        wishes[count++] = (struct wish){history->end_id, end, sizeof end, false};
    }
    return count == 0 || change_version(history, &version, wishes, count, err);
}

/* Rule 3. The entry's key is the new version's. */
static bool apply_update(struct history *history, const struct run_entry *entry, struct error *err)
{
    struct store_row base;

    REQUIRE(entry->key_length > KEY_START_BYTES);
    store_row_before(history->txn, entry->key, entry->key_length,
                     entry->key_length - KEY_START_BYTES, &base);
    if (base.row == NULL) {
        return store_txn_check(history->txn, err);
    }
    return write_version(history, entry->key, entry->key_length, &base, entry->change,
                         entry->change_length, err);
}

/* Rule 4. The entry's key is the record's. */
static bool apply_delete(struct history *history, const struct run_entry *entry, struct error *err)
{
    struct row_cell end = {0};
    struct row_cell synced = {0};
    struct store_row version;
    struct wish wishes[WISHES_MAX];
    size_t count = 0;

    if (!row_find(entry->change, entry->change_length, history->end_id, &end) || end.is_null) {
        return store_fail_damaged(store_txn_table(history->txn), err);
    }
    wishes[count++] = (struct wish){history->end_id, end.stored, end.length, false};
    wishes[count++] = (struct wish){history->active_id, stored_false, 1, false};
    if (history->synced_id != 0 &&
        row_find(entry->change, entry->change_length, history->synced_id, &synced)) {
        wishes[count++] =
            (struct wish){history->synced_id, synced.stored, synced.length, synced.is_null};
    }
    go_behind_versions(history, entry);
    while (go_to_version_before(history, entry->key_length, &version)) {
        if (is_active(history, &version) &&
            !change_version(history, &version, wishes, count, err)) {
            return false;
        }
    }
    return store_txn_check(history->txn, err);
}

/* False: NULL, or not there. */
static bool read_moment(const uint8_t *cells, size_t length, uint32_t column_id,
                        struct moment *moment_out)
{
    struct row_cell cell = {0};

    if (!row_find(cells, length, column_id, &cell) || cell.is_null ||
        cell.length != MOMENT_STORED_BYTES) {
        return false;
    }
    *moment_out = moment_read_stored(cell.stored);
    return true;
}

static bool is_active(const struct history *history, const struct store_row *version)
{
    struct row_cell cell = {0};

    return version->row_length >= ROW_SEQUENCE_BYTES &&
           row_find(version->row + ROW_SEQUENCE_BYTES, version->row_length - ROW_SEQUENCE_BYTES,
                    history->active_id, &cell) &&
           !cell.is_null && cell.length == 1 && cell.stored[0] != 0;
}

static bool ends_before(const struct history *history, const struct store_row *version,
                        struct moment start)
{
    struct moment end;

    return version->row_length >= ROW_SEQUENCE_BYTES &&
           read_moment(version->row + ROW_SEQUENCE_BYTES, version->row_length - ROW_SEQUENCE_BYTES,
                       history->end_id, &end) &&
           moment_compare(end, start) < 0;
}

/* No start sorts behind twelve bytes of ones: years end in 9999. */
static void go_behind_versions(struct history *history, const struct run_entry *record)
{
    buffer_reset(&history->key);
    buffer_append(&history->key, record->key, record->key_length);
    memset(buffer_reserve(&history->key, KEY_START_BYTES), 0xff, KEY_START_BYTES);
    history->key.length += KEY_START_BYTES;
}

/* From the key in hand to the one before it; false: the record has none. */
static bool go_to_version_before(struct history *history, size_t record_length,
                                 struct store_row *version_out)
{
    store_row_before(history->txn, history->key.bytes, history->key.length, record_length,
                     version_out);
    if (version_out->row == NULL) {
        return false;
    }
    buffer_reset(&history->key);
    buffer_append(&history->key, version_out->key, version_out->key_length);
    return true;
}

/* Sets some cells of an existing version. */
static bool change_version(struct history *history, const struct store_row *version,
                           struct wish *wishes, size_t count, struct error *err)
{
    uint32_t last_id = 0;

    buffer_reset(&history->change);
    for (size_t done = 0; done < count; done++) {
        struct wish *next = NULL;

        for (size_t i = 0; i < count; i++) {
            if (wishes[i].column_id > last_id &&
                (next == NULL || wishes[i].column_id < next->column_id)) {
                next = &wishes[i];
            }
        }
        ENSURE(next != NULL);
        row_append_cell(&history->change, &last_id,
                        &(struct row_cell){.column_id = next->column_id,
                                           .is_null = next->is_null,
                                           .stored = next->stored,
                                           .length = next->length});
    }
    buffer_reset(&history->key);
    buffer_append(&history->key, version->key, version->key_length);
    return write_version(history, history->key.bytes, history->key.length, version,
                         history->change.bytes, history->change.length, err);
}

/* Writes `base` with the change as the version of that key. */
static bool write_version(struct history *history, const void *key, size_t key_length,
                          const struct store_row *base, const uint8_t *change, size_t change_length,
                          struct error *err)
{
    buffer_reset(&history->row);
    number_write_le(buffer_reserve(&history->row, ROW_SEQUENCE_BYTES),
                    store_txn_sequence(history->txn), ROW_SEQUENCE_BYTES);
    history->row.length = ROW_SEQUENCE_BYTES;
    if (base->row_length < ROW_SEQUENCE_BYTES ||
        !row_merge(base->row + ROW_SEQUENCE_BYTES, base->row_length - ROW_SEQUENCE_BYTES, change,
                   change_length, &history->row)) {
        return store_fail_damaged(store_txn_table(history->txn), err);
    }
    store_row_put(history->txn, key, key_length, history->row.bytes, history->row.length);
    return store_txn_check(history->txn, err);
}

static uint32_t id_of(const struct table *table, const char *name)
{
    const struct column *column = table_find_column(table, name, strlen(name));

    return column != NULL ? column->id : 0;
}

/* See truncate.h.
 *
 * One scan collects the keys of the rows that are meant; then they are applied as a delete file or,
 * for a soft truncate, an update file would be, in key order and one transaction. A truncate that
 * means few rows touches few pages, and one that means most of them reuses the pages it empties. */
#include "worker/rewrite/truncate.h"

#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "worker/value/row.h"

enum {
    TICK_ROWS = 1024
};

static const uint8_t stored_true[] = {1};

static bool find_columns(const struct table *table, const struct truncate_terms *terms,
                         uint32_t *synced_id_out, uint32_t *deleted_id_out, struct error *err);
static bool find_column(const struct table *table, const char *what, const char *name,
                        enum column_type type, uint32_t *id_out, struct error *err);
static bool collect(struct store_reader *reader, const struct truncate_terms *terms,
                    struct run_collector *collector, const struct run_watch *watch,
                    struct error *err);
static bool is_meant(const struct truncate_terms *terms, uint32_t synced_id, const uint8_t *cells,
                     size_t length);
static bool apply(struct store *store, const struct table *table,
                  const struct truncate_terms *terms, struct run_collector *collector,
                  const struct run_watch *watch, uint64_t *rows_out, bool *spilled_out,
                  struct error *err);

bool truncate_table(struct store *store, const struct truncate_terms *terms,
                    struct run_collector *collector, const struct run_watch *watch,
                    uint64_t *rows_out, bool *spilled_out, struct error *err)
{
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    OWNED(table_free) struct table *table = NULL;

    *rows_out = 0;
    *spilled_out = false;
    if (!store_reader_open(store, terms->schema_name, terms->table_name, &reader, err)) {
        return false;
    }
    if (reader == NULL) {
        return true;
    }
    table = table_copy(store_reader_table(reader));
    if (!collect(reader, terms, collector, watch, err)) {
        return error_wrap(err, "could not truncate table \"%s.%s\"",
                          text_name(terms->schema_name).text, text_name(terms->table_name).text);
    }
    /* A process opens an environment once: the scan ends before the transaction begins. The table's
     * lease keeps others from writing in between. */
    store_reader_close(&reader);
    return !terms->has_before ||
           apply(store, table, terms, collector, watch, rows_out, spilled_out, err);
}

static bool find_columns(const struct table *table, const struct truncate_terms *terms,
                         uint32_t *synced_id_out, uint32_t *deleted_id_out, struct error *err)
{
    return find_column(table, "synced_column", terms->synced_column, COLUMN_UTC_DATETIME,
                       synced_id_out, err) &&
           (terms->deleted_column == NULL ||
            find_column(table, "deleted_column", terms->deleted_column, COLUMN_BOOLEAN,
                        deleted_id_out, err));
}

static bool find_column(const struct table *table, const char *what, const char *name,
                        enum column_type type, uint32_t *id_out, struct error *err)
{
    const struct column *column = table_find_column(table, name, strlen(name));

    if (name[0] == '\0') {
        return error_set(err, ERROR_REQUEST, "%s is empty", what);
    }
    if (column == NULL) {
        return error_set(err, ERROR_REQUEST, "%s \"%s\" is no column of the table", what,
                         text_name(name).text);
    }
    if (column->type != type) {
        return error_set(err, ERROR_REQUEST, "%s \"%s\" is %s, it has to be %s", what,
                         text_name(name).text, column_type_name(column->type),
                         column_type_name(type));
    }
    *id_out = column->id;
    return true;
}

static bool collect(struct store_reader *reader, const struct truncate_terms *terms,
                    struct run_collector *collector, const struct run_watch *watch,
                    struct error *err)
{
    OWNED(buffer_clear) struct buffer change = {0};
    struct run_entry entry = {0};
    enum store_next next = STORE_END;
    const uint8_t *row = NULL;
    size_t row_length = 0;
    uint32_t synced_id = 0;
    uint32_t deleted_id = 0;
    uint32_t last_id = 0;
    uint64_t rows = 0;

    if (!find_columns(store_reader_table(reader), terms, &synced_id, &deleted_id, err)) {
        return false;
    }
    if (!terms->has_before) {
        return true;
    }
    if (terms->deleted_column != NULL) {
        row_append_cell(
            &change, &last_id,
            &(struct row_cell){.column_id = deleted_id, .stored = stored_true, .length = 1});
    }
    entry.change = change.bytes;
    entry.change_length = change.length;
    while ((next = store_reader_next(reader, &entry.key, &entry.key_length, &row, &row_length,
                                     err)) == STORE_ROW) {
        if (row_length >= ROW_SEQUENCE_BYTES &&
            is_meant(terms, synced_id, row + ROW_SEQUENCE_BYTES, row_length - ROW_SEQUENCE_BYTES) &&
            !run_collector_add(collector, &entry, err)) {
            return false;
        }
        if (++rows % TICK_ROWS == 0 && !watch->tick(watch->context, err)) {
            return false;
        }
    }
    return next == STORE_END;
}

static bool is_meant(const struct truncate_terms *terms, uint32_t synced_id, const uint8_t *cells,
                     size_t length)
{
    struct row_cell synced = {0};

    return row_find(cells, length, synced_id, &synced) && !synced.is_null &&
           synced.length == MOMENT_STORED_BYTES &&
           moment_compare(moment_read_stored(synced.stored), terms->before) < 0;
}

static bool apply(struct store *store, const struct table *table,
                  const struct truncate_terms *terms, struct run_collector *collector,
                  const struct run_watch *watch, uint64_t *rows_out, bool *spilled_out,
                  struct error *err)
{
    OWNED(store_txn_abort) struct store_txn *txn = NULL;
    OWNED(run_merger_free) struct run_merger *merger = NULL;
    enum file_kind kind = terms->deleted_column != NULL ? FILE_KIND_UPDATE : FILE_KIND_DELETE;
    bool already = false;

    if (!run_collector_finish(collector, &merger, err) ||
        !store_txn_begin(store, table, terms->operation_id, &txn, &already, err)) {
        return false;
    }
    return already ||
           (apply_phase(txn, kind, false, merger, watch, rows_out, err) &&
            watch->tick(watch->context, err) && store_txn_commit(&txn, spilled_out, err));
}

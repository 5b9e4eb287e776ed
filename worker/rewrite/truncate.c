/* See truncate.h.
 *
 * One scan collects the keys of the rows that are meant; then they are applied as a delete file or,
 * for a soft truncate, an update file would be, in key order and one transaction. A truncate that
 * means few rows touches few pages, and one that means most of them reuses the pages it empties. */
#include "worker/rewrite/truncate.h"

#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "worker/rewrite/walk.h"
#include "worker/value/row.h"

/* What the walk over the rows needs to know. */
struct truncation {
    const struct truncate_terms *terms;
    struct run_collector *collector;
    const struct buffer *change; /* to each row that is meant */
    uint32_t synced_id;
};

static bool find_columns(const struct table *table, const struct truncate_terms *terms,
                         uint32_t *synced_id_out, uint32_t *deleted_id_out, struct error *err);
static bool find_column(const struct table *table, const char *what, const char *name,
                        enum column_type type, const struct column **column_out, struct error *err);
static void append_deleted(struct buffer *change, uint32_t deleted_id);
static bool collect(void *context, const struct walk_row *row, struct error *err);
static bool is_meant(const struct truncation *truncation, const struct walk_row *row);
static bool apply(const struct rewrite_means *means, const struct table *table,
                  const struct truncate_terms *terms, uint64_t *rows_out, bool *spilled_out,
                  struct error *err);

bool truncate_table(const struct rewrite_means *means, const struct truncate_terms *terms,
                    uint64_t *rows_out, bool *spilled_out, struct error *err)
{
    OWNED(table_free) struct table *table = NULL;
    OWNED(buffer_clear) struct buffer change = {0};
    struct truncation truncation = {
        .terms = terms, .collector = means->collector, .change = &change};
    uint32_t deleted_id = 0;

    *rows_out = 0;
    *spilled_out = false;
    if (!registry_find(means->store, terms->schema_name, terms->table_name, &table, err)) {
        return false;
    }
    if (table == NULL) {
        return true;
    }
    if (!find_columns(table, terms, &truncation.synced_id, &deleted_id, err)) {
        return error_wrap(err, "could not truncate table \"%s.%s\"",
                          text_name(terms->schema_name).text, text_name(terms->table_name).text);
    }
    if (!terms->has_before) {
        return true;
    }
    if (terms->deleted_column != NULL) {
        append_deleted(&change, deleted_id);
    }
    /* A process opens an environment once: the walk ends before the transaction begins. The table's
     * lease keeps others from writing in between. */
    return walk_rows(means->store, table, means->watch, collect, &truncation, err) &&
           apply(means, table, terms, rows_out, spilled_out, err);
}

static bool find_columns(const struct table *table, const struct truncate_terms *terms,
                         uint32_t *synced_id_out, uint32_t *deleted_id_out, struct error *err)
{
    const struct column *synced = NULL;
    const struct column *deleted = NULL;

    if (!find_column(table, "synced_column", terms->synced_column, COLUMN_UTC_DATETIME, &synced,
                     err)) {
        return false;
    }
    *synced_id_out = synced->id;
    if (terms->deleted_column == NULL) {
        return true;
    }
    if (!find_column(table, "deleted_column", terms->deleted_column, COLUMN_BOOLEAN, &deleted,
                     err)) {
        return false;
    }
    if (deleted->key_position > 0) {
        return error_set(err, ERROR_REQUEST,
                         "deleted_column \"%s\" is in the primary key, it has to be outside",
                         text_name(terms->deleted_column).text);
    }
    *deleted_id_out = deleted->id;
    return true;
}

static bool find_column(const struct table *table, const char *what, const char *name,
                        enum column_type type, const struct column **column_out, struct error *err)
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
    *column_out = column;
    return true;
}

/* What a soft truncate changes in every row that is meant; a hard one needs the keys alone. */
static void append_deleted(struct buffer *change, uint32_t deleted_id)
{
    static const uint8_t stored_true[] = {1};
    uint32_t last_id = 0;

    row_append_cell(
        change, &last_id,
        &(struct row_cell){.column_id = deleted_id, .stored = stored_true, .length = 1});
}

static bool collect(void *context, const struct walk_row *row, struct error *err)
{
    struct truncation *truncation = context;
    const struct run_entry entry = {
        .key = row->key,
        .key_length = row->key_length,
        .change = truncation->change->bytes,
        .change_length = truncation->change->length,
    };

    return !is_meant(truncation, row) || run_collector_add(truncation->collector, &entry, err);
}

static bool is_meant(const struct truncation *truncation, const struct walk_row *row)
{
    struct row_cell synced = {0};

    return row_find(row->cells, row->cells_length, truncation->synced_id, &synced) &&
           !synced.is_null && synced.length == MOMENT_STORED_BYTES &&
           moment_compare(moment_read_stored(synced.stored), truncation->terms->before) < 0;
}

static bool apply(const struct rewrite_means *means, const struct table *table,
                  const struct truncate_terms *terms, uint64_t *rows_out, bool *spilled_out,
                  struct error *err)
{
    OWNED(store_txn_abort) struct store_txn *txn = NULL;
    OWNED(run_merger_free) struct run_merger *merger = NULL;
    enum file_kind kind = terms->deleted_column != NULL ? FILE_KIND_UPDATE : FILE_KIND_DELETE;
    const struct run_watch *watch = means->watch;
    bool already = false;

    if (!run_collector_finish(means->collector, &merger, err) ||
        !store_txn_begin(means->store, table, terms->operation_id, &txn, &already, err)) {
        return false;
    }
    return already ||
           (apply_phase(txn, kind, false, merger, watch, rows_out, err) &&
            watch->tick(watch->context, err) && store_txn_commit(&txn, spilled_out, err));
}

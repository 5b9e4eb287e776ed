/* See truncate.h.
 *
 * One walk collects the keys of the rows that are meant. Where they are few they are applied as a
 * delete file or, for a soft truncate, an update file would be, in key order and one transaction.
 * That writes each page anew that holds one of them, beside the former page. As soon as they are on
 * half of the table's pages the walk ends, and the table is rewritten: that takes no longer, needs
 * less memory, and leaves no former or empty pages behind. */
#include "worker/rewrite/truncate.h"

#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "worker/rewrite/walk.h"
#include "worker/value/row.h"

enum {
    FEW_ROWS = 1000, /* never worth a rewrite */
    PAGE_BYTES = 4096,
};

static const uint8_t stored_true[] = {1};

/* What looking at a row needs to know. */
struct truncation {
    const struct truncate_terms *terms;
    const struct table *table;
    uint32_t synced_id;
    uint32_t deleted_id; /* soft */

    struct run_collector *collector;
    struct buffer change; /* to each row that is meant */

    /* As far as the walk came; rows are taken to fill their pages, one behind the other. */
    uint64_t walked_rows;
    uint64_t walked_bytes;
    uint64_t rows;      /* that are meant */
    uint64_t pages;     /* that hold some of them */
    uint64_t pages_end; /* behind the last of these */
    bool most;          /* it ended there */
};

static bool run(const struct rewrite_means *means, struct truncation *truncation, bool *spilled_out,
                struct error *err);
static bool find_columns(const struct table *table, const struct truncate_terms *terms,
                         uint32_t *synced_id_out, uint32_t *deleted_id_out, struct error *err);
static bool find_column(const struct table *table, const char *what, const char *name,
                        enum column_type type, const struct column **column_out, struct error *err);
static void append_deleted(struct truncation *truncation);
static walk_visit collect;
static bool is_meant(const struct truncation *truncation, const struct walk_row *row);
static void note_pages(struct truncation *truncation, uint64_t from_byte, uint64_t to_byte);
static bool are_on_most_pages(const struct truncation *truncation, uint64_t table_rows);
static bool apply(const struct rewrite_means *means, struct truncation *truncation,
                  bool *spilled_out, struct error *err);
static bool rewrite(const struct rewrite_means *means, struct truncation *truncation,
                    struct error *err);
static bool change(void *context, struct draft *row, struct rewrite_output *output,
                   struct error *err);
static void truncation_clear(struct truncation *truncation);

bool truncate_table(const struct rewrite_means *means, const struct truncate_terms *terms,
                    uint64_t *rows_out, bool *spilled_out, struct error *err)
{
    OWNED(table_free) struct table *table = NULL;
    OWNED(truncation_clear) struct truncation truncation = {.terms = terms};

    *rows_out = 0;
    *spilled_out = false;
    if (!registry_find(means->store, terms->schema_name, terms->table_name, &table, err)) {
        return false;
    }
    if (table == NULL) {
        return true;
    }
    truncation.table = table;
    truncation.collector = means->collector;
    if (!find_columns(table, terms, &truncation.synced_id, &truncation.deleted_id, err) ||
        (terms->has_before && !run(means, &truncation, spilled_out, err))) {
        return error_wrap(err, "could not truncate table \"%s.%s\"",
                          text_name(terms->schema_name).text, text_name(terms->table_name).text);
    }
    *rows_out = truncation.rows;
    return true;
}

/* A process opens an environment once: each step ends with it before the next begins. The table's
 * lease keeps others from writing in between. */
static bool run(const struct rewrite_means *means, struct truncation *truncation, bool *spilled_out,
                struct error *err)
{
    append_deleted(truncation);
    return walk_rows(means->store, truncation->table, means->watch, collect, truncation, err) &&
           (truncation->most ? rewrite(means, truncation, err)
                             : apply(means, truncation, spilled_out, err));
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
static void append_deleted(struct truncation *truncation)
{
    uint32_t last_id = 0;

    if (truncation->terms->deleted_column != NULL) {
        row_append_cell(&truncation->change, &last_id,
                        &(struct row_cell){.column_id = truncation->deleted_id,
                                           .stored = stored_true,
                                           .length = sizeof stored_true});
    }
}

static enum walk collect(void *context, const struct walk_row *row, struct error *err)
{
    struct truncation *truncation = context;
    const struct run_entry entry = {
        .key = row->key,
        .key_length = row->key_length,
        .change = truncation->change.bytes,
        .change_length = truncation->change.length,
    };
    uint64_t from_byte = truncation->walked_bytes;

    truncation->walked_rows++;
    truncation->walked_bytes += row->key_length + row->cells_length;
    if (!is_meant(truncation, row)) {
        return WALK_ON;
    }
    truncation->rows++;
    note_pages(truncation, from_byte, truncation->walked_bytes);
    if (truncation->rows > FEW_ROWS && are_on_most_pages(truncation, row->table_rows)) {
        truncation->most = true;
        return WALK_ENOUGH;
    }
    return run_collector_add(truncation->collector, &entry, err) ? WALK_ON : WALK_FAILED;
}

static bool is_meant(const struct truncation *truncation, const struct walk_row *row)
{
    struct row_cell synced = {0};

    return row_find(row->cells, row->cells_length, truncation->synced_id, &synced) &&
           !synced.is_null && synced.length == MOMENT_STORED_BYTES &&
           moment_compare(moment_read_stored(synced.stored), truncation->terms->before) < 0;
}

static void note_pages(struct truncation *truncation, uint64_t from_byte, uint64_t to_byte)
{
    uint64_t first = from_byte / PAGE_BYTES;
    uint64_t end = to_byte / PAGE_BYTES + 1;

    if (first < truncation->pages_end) {
        first = truncation->pages_end;
    }
    if (first < end) {
        truncation->pages += end - first;
        truncation->pages_end = end;
    }
}

/* The table has as many pages more as it has rows more. */
static bool are_on_most_pages(const struct truncation *truncation, uint64_t table_rows)
{
    double walked_pages = (double)(truncation->walked_bytes / PAGE_BYTES + 1);
    double table_pages = walked_pages * (double)table_rows / (double)truncation->walked_rows;

    return (double)truncation->pages > table_pages / 2;
}

static bool apply(const struct rewrite_means *means, struct truncation *truncation,
                  bool *spilled_out, struct error *err)
{
    OWNED(store_txn_abort) struct store_txn *txn = NULL;
    OWNED(run_merger_free) struct run_merger *merger = NULL;
    const struct run_watch *watch = means->watch;
    struct apply_phase phase = {.kind = FILE_KIND_DELETE};
    uint64_t rows = 0;
    bool already = false;

    if (truncation->rows == 0) {
        return true;
    }
    if (!run_collector_finish(means->collector, &merger, err) ||
        !store_txn_begin(means->store, truncation->table, truncation->terms->operation_id, &txn,
                         &already, err)) {
        return false;
    }
    phase.merger = merger;
    if (truncation->terms->deleted_column != NULL) {
        phase.kind = FILE_KIND_UPDATE;
    }
    return already ||
           (apply_phases(txn, false, &phase, 1, watch, &rows, err) &&
            watch->tick(watch->context, err) && store_txn_commit(&txn, spilled_out, err));
}

static bool rewrite(const struct rewrite_means *means, struct truncation *truncation,
                    struct error *err)
{
    OWNED(table_free) struct table *after = table_copy(truncation->table);
    const struct rewrite rewrite = {
        .source = truncation->table,
        .replaced = truncation->table,
        .target = after,
        .change = change,
        .context = truncation,
    };

    memcpy(after->operation_id, truncation->terms->operation_id, sizeof after->operation_id);
    truncation->rows = 0;
    return rewrite_run(means, &rewrite, err);
}

static bool change(void *context, struct draft *row, struct rewrite_output *output,
                   struct error *err)
{
    struct truncation *truncation = context;

    if (is_meant(truncation, rewrite_source_row(output))) {
        const struct column *deleted =
            table_column_by_id(truncation->table, truncation->deleted_id);

        truncation->rows++;
        if (deleted == NULL) {
            return true;
        }
        draft_set(row, (size_t)(deleted - truncation->table->columns),
                  (struct draft_cell){stored_true, sizeof stored_true, false});
    }
    return rewrite_emit(output, row, err);
}

static void truncation_clear(struct truncation *truncation)
{
    buffer_clear(&truncation->change);
}

/* Migrations between sync modes: a table with soft deletes gets the versions of a history table,
 * and a history table keeps the last version of each record. */
#include <string.h>

#include "common/text.h"
#include "worker/rewrite/migrate.h"
#include "worker/rewrite/versions.h"
#include "worker/rewrite/walk.h"
#include "worker/value/key.h"
#include "worker/value/row.h"

/* 0001-01-01T00:00:00Z: when a deleted row began and ended, for nobody knows. */
static const struct moment first_moment = {.seconds = -62135596800};

/* 9999-12-31T23:59:59.999Z: an active version has no end. */
static const struct moment end_of_time = {.seconds = 253402300799, .nanos = 999000000};

/* To history. */
struct beginning {
    struct versions versions;
    uint32_t deleted_id;        /* in the source; 0: every row is active */
    uint32_t synced_id;         /* 0: there is none */
    bool has_synced;            /* a row of it is not NULL */
    struct moment active_start; /* the table's greatest `_fivetran_synced` */
};

/* To soft delete. */
struct ending {
    uint32_t active_id; /* in the source */
    size_t soft;        /* gets the opposite of active */
    size_t deleted;     /* gets false if it is new */
    bool is_new;
};

static bool add_versions(const struct table *source, struct table *target,
                         const char *deleted_column, struct beginning *beginning,
                         struct error *err);
static bool run_beginning(const struct rewrite_means *means, const struct table *source,
                          const struct table *replaced, struct table *target,
                          struct beginning *beginning, struct error *err);
static walk_visit note_synced;
static bool begin_version(void *context, struct draft *row, struct rewrite_output *output,
                          struct error *err);
static bool drop_versions(const char *soft_column, struct table *after, struct ending *ending,
                          struct error *err);
static bool set_record_key(struct table *after, struct error *err);
static bool end_version(void *context, struct draft *row, struct rewrite_output *output,
                        struct error *err);
static bool has_versions(const struct table *table);
static bool has_column(const struct table *table, const char *name, enum column_type type,
                       bool may_be_key);
static const struct column *find(const struct table *table, const char *name);
static bool is_true(const struct walk_row *row, uint32_t column_id);

bool migrate_soft_delete_to_history(const struct rewrite_means *means,
                                    const struct migration *migration, const struct table *table,
                                    struct error *err)
{
    OWNED(table_free) struct table *after = migrate_begin(migration, table);
    const char *deleted_column = migration->soft_deleted_column;
    struct beginning beginning = {0};

    if (versions_count_columns(table) == VERSION_COLUMNS &&
        find(table, VERSION_START)->key_position > 0) {
        return true; /* a retry: taken literally it would revive every deleted row */
    }
    if (deleted_column[0] == '\0') {
        deleted_column = COLUMN_DELETED;
    }
    migrate_drop_column(after, COLUMN_DELETED);
    return add_versions(table, after, deleted_column, &beginning, err) &&
           run_beginning(means, table, table, after, &beginning, err);
}

bool migrate_copy_table_to_history_mode(const struct rewrite_means *means,
                                        const struct migration *migration,
                                        const struct table *table, struct error *err)
{
    OWNED(table_free) struct table *former = NULL;
    OWNED(table_free) struct table *target = NULL;
    const char *deleted_column = migration->soft_deleted_column;
    struct beginning beginning = {0};

    if (key_is_history(table)) {
        return migrate_copy_table(means, migration, table, err);
    }
    if (!migrate_begin_copy(means, migration, table, &former, &target, err)) {
        return false;
    }
    if (deleted_column[0] != '\0') {
        migrate_drop_column(target, COLUMN_DELETED);
    }
    return add_versions(table, target, deleted_column, &beginning, err) &&
           run_beginning(means, table, former, target, &beginning, err);
}

bool migrate_history_to_soft_delete(const struct rewrite_means *means,
                                    const struct migration *migration, const struct table *table,
                                    struct error *err)
{
    OWNED(table_free) struct table *after = migrate_begin(migration, table);
    struct ending ending = {0};
    const struct rewrite rewrite = {
        .source = table,
        .replaced = table,
        .target = after,
        .change = end_version,
        .context = &ending,
        .last_wins = true, /* versions come in order of their start */
    };

    if (versions_count_columns(table) == 0) {
        return true; /* a retry */
    }
    if (!has_versions(table)) {
        return versions_refuse(err);
    }
    ending.active_id = find(table, VERSION_ACTIVE)->id;
    return drop_versions(migration->soft_deleted_column, after, &ending, err) &&
           set_record_key(after, err) && rewrite_run(means, &rewrite, err);
}

/* `deleted_column` may be empty or no column of the table: every row is active. */
static bool add_versions(const struct table *source, struct table *target,
                         const char *deleted_column, struct beginning *beginning, struct error *err)
{
    const struct column *deleted = find(source, deleted_column);
    const struct column *synced = find(source, COLUMN_SYNCED);
    struct versions *versions = &beginning->versions;
    uint32_t key_count = (uint32_t)table_key_count(target);

    if (deleted != NULL && deleted->type != COLUMN_BOOLEAN) {
        return error_set(err, ERROR_REQUEST, "column \"%s\" is %s, it has to be BOOLEAN",
                         text_name(deleted_column).text, column_type_name(deleted->type));
    }
    if (key_count == 0) {
        return error_set(err, ERROR_REQUEST, "its primary key is column \"%s\" alone, which goes",
                         text_name(COLUMN_DELETED).text);
    }
    if (!migrate_want_column(target, VERSION_START, COLUMN_UTC_DATETIME, &versions->start, err) ||
        !migrate_want_column(target, VERSION_END, COLUMN_UTC_DATETIME, &versions->end, err) ||
        !migrate_want_column(target, VERSION_ACTIVE, COLUMN_BOOLEAN, &versions->active, err)) {
        return false;
    }
    target->columns[versions->start].key_position = key_count + 1;
    beginning->deleted_id = deleted != NULL ? deleted->id : 0;
    beginning->synced_id = synced != NULL && synced->type == COLUMN_UTC_DATETIME ? synced->id : 0;
    beginning->active_start = first_moment;
    return true;
}

static bool run_beginning(const struct rewrite_means *means, const struct table *source,
                          const struct table *replaced, struct table *target,
                          struct beginning *beginning, struct error *err)
{
    const struct rewrite rewrite = {
        .source = source,
        .replaced = replaced,
        .target = target,
        .change = begin_version,
        .context = beginning,
    };

    return (beginning->synced_id == 0 ||
            walk_rows(means->store, source, means->watch, note_synced, beginning, err)) &&
           rewrite_run(means, &rewrite, err);
}

static enum walk note_synced(void *context, const struct walk_row *row, struct error *err)
{
    struct beginning *beginning = context;
    struct row_cell cell = {0};

    (void)err;
    if (row_find(row->cells, row->cells_length, beginning->synced_id, &cell) && !cell.is_null &&
        cell.length == MOMENT_STORED_BYTES) {
        struct moment synced = moment_read_stored(cell.stored);

        if (!beginning->has_synced || moment_compare(synced, beginning->active_start) > 0) {
            beginning->has_synced = true;
            beginning->active_start = synced;
        }
    }
    return WALK_ON;
}

static bool begin_version(void *context, struct draft *row, struct rewrite_output *output,
                          struct error *err)
{
    const struct beginning *beginning = context;
    const struct versions *versions = &beginning->versions;
    bool deleted =
        beginning->deleted_id != 0 && is_true(rewrite_source_row(output), beginning->deleted_id);

    versions_set_flag(row, versions->active, !deleted);
    versions_write(row, versions->start, deleted ? first_moment : beginning->active_start);
    versions_write(row, versions->end, deleted ? first_moment : end_of_time);
    return rewrite_emit(output, row, err);
}

static bool drop_versions(const char *soft_column, struct table *after, struct ending *ending,
                          struct error *err)
{
    migrate_drop_column(after, VERSION_START);
    migrate_drop_column(after, VERSION_END);
    migrate_drop_column(after, VERSION_ACTIVE);
    ending->is_new = find(after, COLUMN_DELETED) == NULL;
    if (!migrate_want_column(after, COLUMN_DELETED, COLUMN_BOOLEAN, &ending->deleted, err)) {
        return false;
    }
    if (soft_column[0] == '\0') {
        soft_column = COLUMN_DELETED;
    }
    return migrate_find_column(after, soft_column, &ending->soft, err) &&
           migrate_want_column(after, soft_column, COLUMN_BOOLEAN, &ending->soft, err);
}

/* Without start the key is the record's; where that is nothing, the row id is. */
static bool set_record_key(struct table *after, struct error *err)
{
    struct column *record = table_find_column(after, COLUMN_RECORD, strlen(COLUMN_RECORD));

    if (table_key_count(after) > 0) {
        return true;
    }
    if (record == NULL) {
        return error_set(err, ERROR_REQUEST,
                         "its primary key is \"" VERSION_START
                         "\" alone, and there is no column \"" COLUMN_RECORD "\"");
    }
    record->key_position = 1;
    return true;
}

static bool end_version(void *context, struct draft *row, struct rewrite_output *output,
                        struct error *err)
{
    const struct ending *ending = context;

    if (ending->is_new) {
        versions_set_flag(row, ending->deleted, false);
    }
    versions_set_flag(row, ending->soft, !is_true(rewrite_source_row(output), ending->active_id));
    return rewrite_emit(output, row, err);
}

/* Of other types the three say nothing of versions; with end or active in the key, the versions of
 * a record do not stand in order of their start. */
static bool has_versions(const struct table *table)
{
    return has_column(table, VERSION_START, COLUMN_UTC_DATETIME, true) &&
           has_column(table, VERSION_END, COLUMN_UTC_DATETIME, false) &&
           has_column(table, VERSION_ACTIVE, COLUMN_BOOLEAN, false);
}

static bool has_column(const struct table *table, const char *name, enum column_type type,
                       bool may_be_key)
{
    const struct column *column = find(table, name);

    return column != NULL && column->type == type && (may_be_key || column->key_position == 0);
}

static const struct column *find(const struct table *table, const char *name)
{
    return table_find_column(table, name, strlen(name));
}

static bool is_true(const struct walk_row *row, uint32_t column_id)
{
    struct row_cell cell = {0};

    return row_find(row->cells, row->cells_length, column_id, &cell) && !cell.is_null &&
           cell.length == 1 && cell.stored[0] != 0;
}

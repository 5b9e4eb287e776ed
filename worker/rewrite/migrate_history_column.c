/* Migrations of columns in history mode: from a moment on, a column is there or is gone.
 *
 * Each active version that began before the moment is closed, and goes on as a new version that
 * begins at it and has the new value; versions that begin at it get the value; older ones keep
 * theirs. So operations that share a moment compose: the first makes the versions. */
#include <string.h>

#include "common/text.h"
#include "worker/rewrite/migrate.h"
#include "worker/rewrite/versions.h"
#include "worker/value/key.h"
#include "worker/value/type.h"

struct turn {
    struct versions versions;
    struct moment at;
    size_t index;        /* of the column */
    struct buffer value; /* from then on */
    bool is_null;
    bool spares_null;      /* versions where the column is NULL already stay */
    uint64_t later;        /* active versions that began after it: the turn is refused */
    struct buffer at_key;  /* of the version that was last made, to know one that has its place */
    struct buffer row_key; /* of the row in hand */
};

static bool run_turn(const struct rewrite_means *means, const struct migration *migration,
                     const struct table *table, struct table *after, struct turn *turn,
                     struct error *err);
static bool read_moment(const char *text, struct moment *moment_out, struct error *err);
static bool change(void *context, struct draft *row, struct rewrite_output *output,
                   struct error *err);
static bool emit_both(struct turn *turn, struct draft *row, struct rewrite_output *output,
                      struct error *err);
static bool has_been_made(struct turn *turn, struct draft *row);
static void set_value(const struct turn *turn, struct draft *row);
static bool check(void *context, struct error *err);
static void turn_clear(struct turn *turn);

bool migrate_add_column_in_history_mode(const struct rewrite_means *means,
                                        const struct migration *migration,
                                        const struct table *table, struct error *err)
{
    OWNED(table_free) struct table *after = migrate_begin(migration, table);
    OWNED(turn_clear) struct turn turn = {0};

    if (!versions_find(table, &turn.versions, err) ||
        !migrate_want_column(after, migration->column, migration->column_type, &turn.index, err)) {
        return false;
    }
    if (!migrate_read_value(migration->column_type, migration->value, false, &turn.value,
                            &turn.is_null, err)) {
        return error_wrap(err, "column \"%s\"", text_name(migration->column).text);
    }
    return run_turn(means, migration, table, after, &turn, err);
}

bool migrate_drop_column_in_history_mode(const struct rewrite_means *means,
                                         const struct migration *migration,
                                         const struct table *table, struct error *err)
{
    OWNED(table_free) struct table *after = migrate_begin(migration, table);
    OWNED(turn_clear) struct turn turn = {.is_null = true, .spares_null = true};

    if (!versions_find(table, &turn.versions, err) ||
        !migrate_find_column(table, migration->column, &turn.index, err) ||
        !migrate_want_column(after, migration->column, table->columns[turn.index].type, &turn.index,
                             err)) {
        return false;
    }
    return run_turn(means, migration, table, after, &turn, err);
}

static bool run_turn(const struct rewrite_means *means, const struct migration *migration,
                     const struct table *table, struct table *after, struct turn *turn,
                     struct error *err)
{
    const struct rewrite rewrite = {
        .source = table,
        .replaced = table,
        .target = after,
        .change = change,
        .check = check,
        .context = turn,
        .last_wins = true,
    };

    return read_moment(migration->operation_timestamp, &turn->at, err) &&
           rewrite_run(means, &rewrite, err);
}

static bool read_moment(const char *text, struct moment *moment_out, struct error *err)
{
    OWNED(buffer_clear) struct buffer stored = {0};
    const char *problem = NULL;

    if (type_of(COLUMN_UTC_DATETIME)->parse(text, strlen(text), &stored, &problem) ==
        PARSE_FAILED) {
        return error_set(err, ERROR_REQUEST, "operation_timestamp %s", problem);
    }
    *moment_out = moment_read_stored(stored.bytes);
    return true;
}

static bool change(void *context, struct draft *row, struct rewrite_output *output,
                   struct error *err)
{
    struct turn *turn = context;
    bool active = versions_flag(row, turn->versions.active);
    bool spared = turn->spares_null && draft_cell(row, turn->index)->is_null;
    struct moment start = {0};
    int order = 0;

    if (!versions_read(row, turn->versions.start, &start)) {
        return error_set(err, ERROR_STORE, "a row of the table is damaged");
    }
    order = moment_compare(start, turn->at);
    turn->later += active && order > 0 ? 1 : 0;
    if (order < 0 && active && !spared) {
        return emit_both(turn, row, output, err);
    }
    if (order == 0) {
        if (has_been_made(turn, row)) {
            return true;
        }
        set_value(turn, row);
    }
    return rewrite_emit(output, row, err);
}

/* The version ends a millisecond before the moment, and goes on from it. */
static bool emit_both(struct turn *turn, struct draft *row, struct rewrite_output *output,
                      struct error *err)
{
    struct draft_cell end = *draft_cell(row, turn->versions.end);
    size_t bad_index = 0;

    versions_write(row, turn->versions.end, moment_millisecond_before(turn->at));
    versions_set_flag(row, turn->versions.active, false);
    if (!rewrite_emit(output, row, err)) {
        return false;
    }
    draft_set(row, turn->versions.end, end);
    versions_set_flag(row, turn->versions.active, true);
    versions_write(row, turn->versions.start, turn->at);
    set_value(turn, row);
    buffer_reset(&turn->at_key);
    if (!draft_pack_key(row, &turn->at_key, &bad_index)) {
        return error_set(err, ERROR_STORE, "a row of the table is damaged");
    }
    return rewrite_emit(output, row, err);
}

/* An inactive version may begin at the moment, too: the one that goes on takes its place, as a
 * version of a batch does. */
static bool has_been_made(struct turn *turn, struct draft *row)
{
    size_t bad_index = 0;

    buffer_reset(&turn->row_key);
    return turn->at_key.length > 0 && draft_pack_key(row, &turn->row_key, &bad_index) &&
           turn->row_key.length == turn->at_key.length &&
           memcmp(turn->row_key.bytes, turn->at_key.bytes, turn->at_key.length) == 0;
}

static void set_value(const struct turn *turn, struct draft *row)
{
    draft_set(row, turn->index,
              (struct draft_cell){turn->value.bytes, turn->value.length, turn->is_null});
}

static bool check(void *context, struct error *err)
{
    const struct turn *turn = context;

    return turn->later == 0 ||
           error_set(err, ERROR_REQUEST, "%llu active versions began after operation_timestamp",
                     (unsigned long long)turn->later);
}

static void turn_clear(struct turn *turn)
{
    buffer_clear(&turn->value);
    buffer_clear(&turn->at_key);
    buffer_clear(&turn->row_key);
}

/* See binding.h.
 *
 * The header is turned into a plan once: for each column that a change must carry, in order of
 * column id, where its cell is and what to do with it. A row then follows the plan. */
#include "worker/decode/binding.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"
#include "worker/value/key.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

/* A step without a cell: the file lacks the column. */
#define NO_CELL SIZE_MAX

struct step {
    const struct column *column;
    const struct type *type;
    size_t cell;              /* index in the row, or NO_CELL */
    const char *default_text; /* for a missing, NULL or unmodified cell; NULL: there is none */
    bool in_change;           /* carried by the change */
    size_t key_part;          /* 1 for the first; 0: not in this file's key */
    size_t stored_at;         /* of this row's value, in the change or else in `key_values` */
    size_t stored_length;
    bool not_base64; /* a BINARY cell was stored as its own bytes */
};

struct binding {
    const struct binding_terms *terms;
    enum file_kind kind;
    bool history;
    bool start_in_key;
    bool makes_rows;
    size_t null_length;
    size_t unmodified_length;
    struct step *steps; /* in order of column id */
    size_t steps_count;
    struct key_part *parts;
    size_t parts_count;
    struct step **key_steps;   /* in key order */
    struct buffer key_values;  /* those of the row that the change does not carry */
    struct buffer key_scratch; /* for key_append() */
    const char **not_base64;   /* made when asked for */
};

enum cell_state {
    CELL_VALUE,
    CELL_NULL,
    CELL_UNMODIFIED,
};

static const char end_of_time[] = "9999-12-31T23:59:59.999Z";

static bool map_header(struct binding *binding, const struct cell *header, size_t columns_count,
                       struct error *err);
static void plan_missing(struct binding *binding);
static void add_step(struct binding *binding, const struct column *column, size_t cell);
static struct step *find_step(const struct binding *binding, const struct column *column);
static bool in_request(const struct binding_terms *terms, uint32_t column_id);
static void plan_step(struct binding *binding, struct step *step);
static bool covers_all(const struct binding *binding);
static bool is_history_column(const struct binding *binding, const struct step *step,
                              const char *name);
static bool check_needed(const struct binding *binding, struct error *err);
static bool need_column(const struct binding *binding, const struct column *column,
                        struct error *err);
static int compare_steps(const void *a, const void *b);
static enum cell_state look_at(const struct binding *binding, const struct cell *cell);
static void note_key_steps(struct binding *binding);
static bool convert_step(struct binding *binding, struct step *step, const struct cell *cells,
                         struct buffer *change, uint32_t *last_id, struct error *err);
static bool store_value(struct binding *binding, struct step *step, const char *text, size_t length,
                        struct buffer *change, uint32_t *last_id, struct error *err);
static bool make_key(struct binding *binding, const struct buffer *change, struct buffer *key,
                     struct error *err);
static bool fail_missing(const struct binding *binding, const struct step *step,
                         enum cell_state state, struct error *err);
static const char *kind_name(enum file_kind kind);

bool binding_open(const struct binding_terms *terms, enum file_kind kind, const struct cell *header,
                  size_t columns_count, struct binding **binding_out, struct error *err)
{
    OWNED(binding_close) struct binding *binding = mem_zero(sizeof *binding);
    size_t key_count = table_key_count(terms->table);
    bool of_record = false;

    binding->terms = terms;
    binding->kind = kind;
    binding->history = terms->history;
    binding->null_length = strlen(terms->null_string);
    binding->unmodified_length = strlen(terms->unmodified_string);
    /* In history mode these two speak of a record: all versions, whatever their start. A plain
     * batch speaks of single versions, and must find their keys as history mode has made them. */
    of_record = terms->history && (kind == FILE_KIND_EARLIEST_START || kind == FILE_KIND_DELETE);
    binding->start_in_key = key_is_history(terms->table) && !of_record;
    binding->parts_count = key_count - (of_record ? (size_t)1 : 0);
    binding->parts = mem_zero_array(key_count + 1, sizeof *binding->parts);
    binding->key_steps = mem_zero_array(key_count + 1, sizeof *binding->key_steps);
    binding->steps = mem_zero_array(terms->table->columns_count + 1, sizeof *binding->steps);

    if (!map_header(binding, header, columns_count, err)) {
        return false;
    }
    plan_missing(binding);
    for (size_t i = 0; i < binding->steps_count; i++) {
        plan_step(binding, &binding->steps[i]);
    }
    if (!check_needed(binding, err)) {
        return false;
    }
    binding->makes_rows = covers_all(binding);
    qsort(binding->steps, binding->steps_count, sizeof *binding->steps, compare_steps);
    note_key_steps(binding);
    *binding_out = MOVE(binding);
    return true;
}

bool binding_convert(struct binding *binding, const struct cell *cells, struct buffer *key,
                     struct buffer *change, struct error *err)
{
    uint32_t last_id = 0;

    buffer_reset(&binding->key_values);
    for (size_t i = 0; i < binding->steps_count; i++) {
        if (!convert_step(binding, &binding->steps[i], cells, change, &last_id, err)) {
            return false;
        }
    }
    if (change->length > LIMIT_ROW_BYTES) {
        return error_set(err, ERROR_LIMIT, "the row is larger than %llu bytes",
                         (unsigned long long)LIMIT_ROW_BYTES);
    }
    return make_key(binding, change, key, err);
}

bool binding_makes_rows(const struct binding *binding)
{
    return binding->makes_rows;
}

void binding_not_base64(const struct binding *binding, const char *const **names_out,
                        size_t *count_out)
{
    *count_out = 0;
    for (size_t i = 0; i < binding->steps_count; i++) {
        if (binding->steps[i].not_base64) {
            binding->not_base64[(*count_out)++] = binding->steps[i].column->name;
        }
    }
    *names_out = binding->not_base64;
}

void binding_close(struct binding **binding)
{
    if (*binding != NULL) {
        buffer_clear(&(*binding)->key_values);
        buffer_clear(&(*binding)->key_scratch);
        mem_free((*binding)->steps);
        mem_free((*binding)->parts);
        mem_free((*binding)->key_steps);
        mem_free((*binding)->not_base64);
        mem_free(*binding);
        *binding = NULL;
    }
}

/* One step for each column of the header. */
static bool map_header(struct binding *binding, const struct cell *header, size_t columns_count,
                       struct error *err)
{
    const struct table *table = binding->terms->table;

    for (size_t i = 0; i < columns_count; i++) {
        const struct column *column = table_find_column(table, header[i].text, header[i].length);
        const struct text_shown name = text_name_bytes(header[i].text, header[i].length);

        if (column == NULL) {
            (void)error_set(err, ERROR_DATA,
                            "line 1: the header has column \"%s\", which the table lacks",
                            name.text);
            return error_hint(err, "Add the column with AlterTable first.");
        }
        if (find_step(binding, column) != NULL) {
            return error_set(err, ERROR_DATA, "line 1: the header has column \"%s\" twice",
                             name.text);
        }
        add_step(binding, column, i);
    }
    return true;
}

/* Columns that the file lacks: a replace clears those that the request's table has, an update of a
 * version has defaults for two. */
static void plan_missing(struct binding *binding)
{
    const struct table *table = binding->terms->table;

    for (size_t i = 0; i < table->columns_count; i++) {
        const struct column *column = &table->columns[i];

        if (find_step(binding, column) == NULL && column->key_position == 0 &&
            (binding->kind == FILE_KIND_REPLACE || binding->kind == FILE_KIND_UPDATE)) {
            add_step(binding, column, NO_CELL);
        }
    }
    binding->not_base64 = mem_zero_array(binding->steps_count + 1, sizeof *binding->not_base64);
}

static void add_step(struct binding *binding, const struct column *column, size_t cell)
{
    REQUIRE(binding->steps_count < binding->terms->table->columns_count);
    binding->steps[binding->steps_count++] = (struct step){
        .column = column,
        .type = type_of(column->type),
        .cell = cell,
    };
}

static struct step *find_step(const struct binding *binding, const struct column *column)
{
    for (size_t i = 0; i < binding->steps_count; i++) {
        if (binding->steps[i].column == column) {
            return &binding->steps[i];
        }
    }
    return NULL;
}

static bool in_request(const struct binding_terms *terms, uint32_t column_id)
{
    for (size_t i = 0; i < terms->request_columns_count; i++) {
        if (terms->request_column_ids[i] == column_id) {
            return true;
        }
    }
    return false;
}

/* What this kind of file does with a column. */
static void plan_step(struct binding *binding, struct step *step)
{
    size_t position = step->column->key_position;

    step->key_part = position <= binding->parts_count ? position : 0;
    switch (binding->kind) {
    case FILE_KIND_REPLACE:
        step->in_change = step->cell != NO_CELL || in_request(binding->terms, step->column->id);
        break;
    case FILE_KIND_UPDATE:
        if (is_history_column(binding, step, "_fivetran_end")) {
            step->default_text = end_of_time;
        } else if (is_history_column(binding, step, "_fivetran_active")) {
            step->default_text = "true";
        }
        step->in_change = step->cell != NO_CELL || step->default_text != NULL;
        break;
    case FILE_KIND_DELETE:
        step->in_change = is_history_column(binding, step, "_fivetran_end") ||
                          is_history_column(binding, step, "_fivetran_synced");
        break;
    case FILE_KIND_EARLIEST_START:
        step->in_change = is_history_column(binding, step, "_fivetran_start");
        break;
    }
}

/* A replace that every column of the table takes part in. */
static bool covers_all(const struct binding *binding)
{
    size_t carried = 0;

    for (size_t i = 0; i < binding->steps_count; i++) {
        carried += binding->steps[i].in_change ? 1 : 0;
    }
    return binding->kind == FILE_KIND_REPLACE && carried == binding->terms->table->columns_count;
}

static bool is_history_column(const struct binding *binding, const struct step *step,
                              const char *name)
{
    return binding->history && strcmp(step->column->name, name) == 0;
}

static bool check_needed(const struct binding *binding, struct error *err)
{
    const struct table *table = binding->terms->table;

    for (uint32_t i = 1; i <= binding->parts_count; i++) {
        if (!need_column(binding, table_key_column(table, i), err)) {
            return false;
        }
    }
    if (binding->history && binding->kind == FILE_KIND_EARLIEST_START) {
        return need_column(binding, table_find_column(table, "_fivetran_start", 15), err);
    }
    if (binding->history && binding->kind == FILE_KIND_DELETE) {
        return need_column(binding, table_find_column(table, "_fivetran_end", 13), err);
    }
    return true;
}

static bool need_column(const struct binding *binding, const struct column *column,
                        struct error *err)
{
    const struct step *step = find_step(binding, column);

    return (step != NULL && step->cell != NO_CELL) ||
           error_set(err, ERROR_DATA, "line 1: the header lacks column \"%s\", which %s",
                     text_name(column->name).text,
                     column->key_position > 0 ? "is in the table's primary key"
                                              : "files of this kind need");
}

static int compare_steps(const void *a, const void *b)
{
    const struct step *left = a;
    const struct step *right = b;

    return (left->column->id > right->column->id) - (left->column->id < right->column->id);
}

/* Quoting means nothing but in one case: where NULL is the empty text, "" is an empty string. */
static enum cell_state look_at(const struct binding *binding, const struct cell *cell)
{
    if (cell->length == binding->null_length &&
        memcmp(cell->text, binding->terms->null_string, cell->length) == 0 &&
        (cell->length > 0 || !cell->quoted)) {
        return CELL_NULL;
    }
    if (binding->unmodified_length > 0 && cell->length == binding->unmodified_length &&
        memcmp(cell->text, binding->terms->unmodified_string, cell->length) == 0) {
        return CELL_UNMODIFIED;
    }
    return CELL_VALUE;
}

static bool convert_step(struct binding *binding, struct step *step, const struct cell *cells,
                         struct buffer *change, uint32_t *last_id, struct error *err)
{
    const struct cell *cell = step->cell != NO_CELL ? &cells[step->cell] : NULL;
    enum cell_state state = cell != NULL ? look_at(binding, cell) : CELL_NULL;

    if (!step->in_change && step->key_part == 0) {
        return state != CELL_UNMODIFIED || !fail_missing(binding, step, state, err);
    }
    if (state == CELL_VALUE) {
        return store_value(binding, step, cell->text, cell->length, change, last_id, err);
    }
    if (step->default_text != NULL) {
        return store_value(binding, step, step->default_text, strlen(step->default_text), change,
                           last_id, err);
    }
    if (fail_missing(binding, step, state, err)) {
        return false;
    }
    if (state == CELL_NULL && !binding->makes_rows) {
        row_append_cell(change, last_id,
                        &(struct row_cell){.column_id = step->column->id, .is_null = true});
    }
    return true;
}

/* Reads the value to where it stays: into the change, or aside if only the key has it. */
static bool store_value(struct binding *binding, struct step *step, const char *text, size_t length,
                        struct buffer *change, uint32_t *last_id, struct error *err)
{
    struct buffer *out = step->in_change ? change : &binding->key_values;
    const char *problem = "is empty";
    enum parse_result result = PARSE_FAILED;
    size_t start = step->in_change ? row_open_cell(change, last_id, step->column->id) : out->length;

    if (length > 0 || step->type->accepts_empty) {
        result = step->type->parse(text, length, out, &problem);
    }
    if (result == PARSE_FAILED) {
        return error_set(err, ERROR_DATA, "column \"%s\": the value %s, the column's type is %s",
                         text_name(step->column->name).text, problem,
                         column_type_name(step->column->type));
    }
    step->not_base64 = step->not_base64 || result == PARSE_OK_NOT_BASE64;
    step->stored_length = out->length - start;
    step->stored_at = step->in_change ? row_close_cell(change, start) : start;
    return true;
}

/* The steps have been sorted and stay where they are. */
static void note_key_steps(struct binding *binding)
{
    for (size_t i = 0; i < binding->steps_count; i++) {
        if (binding->steps[i].key_part > 0) {
            binding->key_steps[binding->steps[i].key_part - 1] = &binding->steps[i];
        }
    }
}

static bool make_key(struct binding *binding, const struct buffer *change, struct buffer *key,
                     struct error *err)
{
    size_t bad_part = 0;

    for (size_t i = 0; i < binding->parts_count; i++) {
        const struct step *step = binding->key_steps[i];
        const struct buffer *values = step->in_change ? change : &binding->key_values;

        binding->parts[i] = (struct key_part){
            .type = step->column->type,
            .stored = values->bytes + step->stored_at,
            .length = step->stored_length,
        };
    }
    return key_append(binding->parts, binding->parts_count, binding->start_in_key,
                      &binding->key_scratch, key, &bad_part) ||
           error_set(err, ERROR_DATA, "column \"%s\": NaN cannot be in a primary key",
                     text_name(binding->key_steps[bad_part]->column->name).text);
}

/* True, with *err set, if a cell must have a value and has none. */
static bool fail_missing(const struct binding *binding, const struct step *step,
                         enum cell_state state, struct error *err)
{
    const char *what = state == CELL_NULL ? "NULL" : "unmodified";
    const char *name = step->column->name;

    if (step->key_part > 0) {
        (void)error_set(err, ERROR_DATA, "column \"%s\" is in the primary key and cannot be %s",
                        text_name(name).text, what);
        return true;
    }
    if (state == CELL_UNMODIFIED &&
        (binding->kind == FILE_KIND_REPLACE || binding->kind == FILE_KIND_EARLIEST_START)) {
        (void)error_set(err, ERROR_DATA, "column \"%s\" is unmodified, which %s file cannot say",
                        text_name(name).text, kind_name(binding->kind));
        return true;
    }
    if ((binding->kind == FILE_KIND_EARLIEST_START &&
         is_history_column(binding, step, "_fivetran_start")) ||
        (binding->kind == FILE_KIND_DELETE && is_history_column(binding, step, "_fivetran_end"))) {
        (void)error_set(err, ERROR_DATA, "column \"%s\" cannot be %s in %s file",
                        text_name(name).text, what, kind_name(binding->kind));
        return true;
    }
    return false;
}

static const char *kind_name(enum file_kind kind)
{
    switch (kind) {
    case FILE_KIND_EARLIEST_START:
        return "an earliest_start";
    case FILE_KIND_REPLACE:
        return "a replace";
    case FILE_KIND_UPDATE:
        return "an update";
    case FILE_KIND_DELETE:
        return "a delete";
    }
    return "this";
}

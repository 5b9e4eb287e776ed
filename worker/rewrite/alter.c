/* See alter.h. Rows whose columns or key change are rewritten: each value is converted, each key
 * made anew. */
#include "worker/rewrite/alter.h"

#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"
#include "worker/rewrite/alter_plan.h"
#include "worker/rewrite/convert.h"
#include "worker/value/type.h"

/* What the change of a row needs to know. */
struct alteration {
    const struct table *after;
    enum column_type *from; /* of each column its type before; COLUMN_UNSPECIFIED: it is new */
    struct buffer scratch;
};

static bool carry_out(const struct rewrite_means *means, const struct table *before,
                      struct alter_plan *plan, struct error *err);
static void alteration_init(struct alteration *alteration, const struct table *before,
                            const struct table *after);
static void alteration_clear(struct alteration *alteration);
static bool change(void *context, struct draft *row, struct rewrite_output *output,
                   struct error *err);
static bool change_cell(struct alteration *alteration, struct draft *row, size_t index,
                        struct rewrite_output *output);
static void append_zero(enum column_type type, struct buffer *out);

bool alter_table(const struct rewrite_means *means, const struct table *wished, bool drop_columns,
                 struct error *err)
{
    OWNED(table_free) struct table *before = NULL;
    OWNED(alter_plan_clear) struct alter_plan plan = {0};

    if (!registry_find(means->store, wished->schema_name, wished->name, &before, err)) {
        return false;
    }
    if (before == NULL) {
        (void)error_set(err, ERROR_REQUEST,
                        "could not alter table \"%s.%s\": there is no such table",
                        text_name(wished->schema_name).text, text_name(wished->name).text);
        return error_hint(err, "Create it with CreateTable first.");
    }
    alter_plan_make(before, wished, drop_columns, &plan);
    if (!plan.changed) {
        return true;
    }
    /* Columns that stay add to those of the request. An entry beyond the limit could not be read
     * again. */
    if (plan.after->columns_count > LIMIT_COLUMNS) {
        return error_set(err, ERROR_LIMIT,
                         "could not alter table \"%s.%s\": it would have %zu columns, the limit is "
                         "%d",
                         text_name(wished->schema_name).text, text_name(wished->name).text,
                         plan.after->columns_count, (int)LIMIT_COLUMNS);
    }
    return carry_out(means, before, &plan, err) ||
           error_wrap(err, "could not alter table \"%s.%s\"", text_name(wished->schema_name).text,
                      text_name(wished->name).text);
}

static bool carry_out(const struct rewrite_means *means, const struct table *before,
                      struct alter_plan *plan, struct error *err)
{
    OWNED(alteration_clear) struct alteration alteration = {0};
    const struct rewrite rewrite = {
        .source = before,
        .replaced = before,
        .target = plan->after,
        .change = change,
        .context = &alteration,
    };

    if (!plan->rewrites) {
        return registry_switch(means->store, before, plan->after, err);
    }
    alteration_init(&alteration, before, plan->after);
    return rewrite_run(means, &rewrite, err);
}

static void alteration_init(struct alteration *alteration, const struct table *before,
                            const struct table *after)
{
    alteration->after = after;
    alteration->from = mem_zero_array(after->columns_count, sizeof *alteration->from);
    for (size_t i = 0; i < after->columns_count; i++) {
        const struct column *old = table_column_by_id(before, after->columns[i].id);

        alteration->from[i] = old != NULL ? old->type : COLUMN_UNSPECIFIED;
    }
}

static void alteration_clear(struct alteration *alteration)
{
    mem_free(alteration->from);
    buffer_clear(&alteration->scratch);
}

static bool change(void *context, struct draft *row, struct rewrite_output *output,
                   struct error *err)
{
    struct alteration *alteration = context;

    bool fits = true;

    for (size_t i = 0; i < alteration->after->columns_count; i++) {
        fits = change_cell(alteration, row, i, output) && fits;
    }
    /* A value that does not fit is still one of the former type: no key can be made of it. */
    return !fits || rewrite_emit(output, row, err);
}

/* A column that is new to the table and joins the key is filled with its type's zero. False: the
 * value does not fit, which the output knows. */
static bool change_cell(struct alteration *alteration, struct draft *row, size_t index,
                        struct rewrite_output *output)
{
    const struct draft_cell *cell = draft_cell(row, index);
    const struct column *column = &alteration->after->columns[index];
    enum column_type from = alteration->from[index];
    struct buffer *made = NULL;

    if (cell->is_null && from == COLUMN_UNSPECIFIED && column->key_position > 0) {
        made = draft_room(row, index);
        append_zero(column->type, made);
        draft_set(row, index, (struct draft_cell){made->bytes, made->length, false});
    } else if (!cell->is_null && from != column->type) {
        made = draft_room(row, index);
        if (!convert_value(from, column->type, cell->stored, cell->length, &alteration->scratch,
                           made)) {
            rewrite_refuse_value(output, index);
            return false;
        }
        draft_set(row, index, (struct draft_cell){made->bytes, made->length, false});
    }
    return true;
}

static void append_zero(enum column_type type, struct buffer *out)
{
    static const char *const zeros[] = {"false",      "0",        "0001-01-01T00:00:00",
                                        "0001-01-01", "00:00:00", ""};
    const char *problem = NULL;

    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        const char *zero = type_of(type)->accepts_empty ? "" : zeros[i];

        if (type_of(type)->parse(zero, strlen(zero), out, &problem) != PARSE_FAILED) {
            return;
        }
    }
    ENSURE(problem == NULL);
}

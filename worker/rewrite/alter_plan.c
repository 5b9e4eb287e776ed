/* See alter_plan.h. */
#include "worker/rewrite/alter_plan.h"

#include <string.h>

#include "common/limits.h"
#include "worker/rewrite/convert.h"
#include "worker/value/key.h"

static void change_columns(const struct table *before, const struct table *wished,
                           bool drop_columns, struct alter_plan *plan);
static void change_column(struct column *column, const struct column *wish,
                          struct alter_plan *plan);
static void add_columns(const struct table *wished, struct alter_plan *plan);
static void set_key(const struct table *before, const struct table *wished,
                    struct alter_plan *plan);
static struct column *find(const struct table *table, const char *name);

void alter_plan_make(const struct table *before, const struct table *wished, bool drop_columns,
                     struct alter_plan *plan_out)
{
    *plan_out = (struct alter_plan){.after = table_copy(before)};
    memcpy(plan_out->after->operation_id, wished->operation_id, LIMIT_OPERATION_ID_BYTES);
    change_columns(before, wished, drop_columns, plan_out);
    add_columns(wished, plan_out);
    set_key(before, wished, plan_out);
    /* Where `_fivetran_start` stands in a long key depends on whether the table is a history table,
     * which columns outside the key decide, too. */
    if (key_is_history(before) != key_is_history(plan_out->after)) {
        plan_out->rewrites = true;
    }
    plan_out->changed = plan_out->changed || plan_out->rewrites;
}

void alter_plan_clear(struct alter_plan *plan)
{
    table_free(&plan->after);
}

static void change_columns(const struct table *before, const struct table *wished,
                           bool drop_columns, struct alter_plan *plan)
{
    for (size_t i = before->columns_count; i > 0; i--) {
        const struct column *wish = find(wished, before->columns[i - 1].name);

        if (wish != NULL) {
            change_column(&plan->after->columns[i - 1], wish, plan);
        } else if (drop_columns) {
            table_drop_column(plan->after, i - 1);
            plan->changed = true;
        }
    }
}

/* Params that the request leaves out stay as they were, unless they belong to another type. */
static void change_column(struct column *column, const struct column *wish, struct alter_plan *plan)
{
    struct column before = *column;

    if (wish->type != column->type) {
        column->type = wish->type;
        column->has_decimal = false;
        column->string_byte_length = 0;
        plan->changed = true;
        plan->rewrites = plan->rewrites || !convert_is_free(before.type, wish->type);
    }
    if (wish->has_decimal) {
        column->has_decimal = true;
        column->precision = wish->precision;
        column->scale = wish->scale;
    }
    if (wish->string_byte_length > 0) {
        column->string_byte_length = wish->string_byte_length;
    }
    plan->changed = plan->changed || column->has_decimal != before.has_decimal ||
                    column->precision != before.precision || column->scale != before.scale ||
                    column->string_byte_length != before.string_byte_length;
}

/* A column that was dropped and comes again gets another id: its former values stay unseen. */
static void add_columns(const struct table *wished, struct alter_plan *plan)
{
    for (size_t i = 0; i < wished->columns_count; i++) {
        const struct column *wish = &wished->columns[i];
        struct column *added = NULL;
        char *name = NULL;

        if (find(plan->after, wish->name) != NULL) {
            continue;
        }
        added = table_add_column(plan->after, wish->name);
        name = added->name;
        *added = *wish;
        added->name = name;
        added->id = plan->after->next_column_id++;
        added->key_position = 0;
        plan->changed = true;
    }
}

/* Key columns that stay keep their order, new ones follow in the request's, a version's start comes
 * last. The request has its own key positions; the same columns mean the same key. */
static void set_key(const struct table *before, const struct table *wished, struct alter_plan *plan)
{
    struct table *after = plan->after;
    struct column *start = NULL;
    uint32_t position = 0;

    for (size_t i = 0; i < after->columns_count; i++) {
        after->columns[i].key_position = 0;
    }
    for (uint32_t old = 1; old <= table_key_count(before); old++) {
        const char *name = table_key_column(before, old)->name;
        const struct column *wish = find(wished, name);

        if (wish != NULL && wish->key_position > 0) {
            find(after, name)->key_position = ++position;
        }
    }
    plan->rewrites = plan->rewrites || position != table_key_count(before);
    for (uint32_t i = 1; i <= table_key_count(wished); i++) {
        struct column *column = find(after, table_key_column(wished, i)->name);

        if (column->key_position == 0) {
            column->key_position = ++position;
            plan->rewrites = true;
        }
    }
    start = find(after, "_fivetran_start");
    if (start != NULL && start->key_position > 0) {
        for (size_t i = 0; i < after->columns_count; i++) {
            after->columns[i].key_position -=
                after->columns[i].key_position > start->key_position ? 1 : 0;
        }
        start->key_position = position;
    }
}

static struct column *find(const struct table *table, const char *name)
{
    return table_find_column(table, name, strlen(name));
}

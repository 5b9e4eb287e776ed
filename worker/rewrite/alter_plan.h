/* What altering a table comes to: the table afterwards, and what its rows need. */
#ifndef WEIR_WORKER_REWRITE_ALTER_PLAN_H
#define WEIR_WORKER_REWRITE_ALTER_PLAN_H

#include <stdbool.h>

#include "common/table.h"

struct alter_plan {
    struct table *after; /* owned; the generation is still the one before */
    bool changed;        /* anything at all */
    bool rewrites;       /* rows change: a type or the key */
};

/* `wished` is the whole wished table. Columns keep their ids, new ones get ids of their own. */
void alter_plan_make(const struct table *before, const struct table *wished, bool drop_columns,
                     struct alter_plan *plan_out);
void alter_plan_clear(struct alter_plan *plan);

#endif

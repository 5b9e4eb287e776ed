/* A rewrite: the rows of a table, changed one by one, become a new generation.
 *
 * What changes most rows of a table goes this way: rows are read in key order, handed to a change,
 * and what it emits is written, as it comes where the order of keys stays, else through sorted
 * runs. Then one registry transaction switches over. A failure or kill at any moment leaves the old
 * table. The new generation is written in portions, so memory stays small whatever the table's
 * size. */
#ifndef WEIR_WORKER_REWRITE_REWRITE_H
#define WEIR_WORKER_REWRITE_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attributes.h"
#include "common/error.h"
#include "worker/rewrite/draft.h"
#include "worker/rewrite/walk.h"
#include "worker/run/collector.h"
#include "worker/store/store.h"

/* What a rewrite works with; borrowed. */
struct rewrite_means {
    struct store *store;
    struct run_collector *collector; /* new */
    const struct run_watch *watch;
};

/* Takes the rows that a change emits. */
struct rewrite_output;

struct rewrite {
    const struct table *source;   /* whose rows are read */
    const struct table *replaced; /* whose place is taken: `source`, a former copy, or NULL */
    struct table *target;         /* as it will be; gets its generation */

    /* Changes the row in hand and emits it: once, several times, or not at all. */
    bool (*change)(void *context, struct draft *row, struct rewrite_output *output,
                   struct error *err);

    /* Asked after the last row: false refuses the whole. NULL: nothing to ask. */
    bool (*check)(void *context, struct error *err);
    void *context;

    bool last_wins; /* of the rows that share a key; else they are refused */
};

/* Runs it. ERROR_REQUEST, with nothing changed: values that do not fit, rows that would share a
 * key, NULL in a key, or what the check says. */
MUST_CHECK bool rewrite_run(const struct rewrite_means *means, const struct rewrite *rewrite,
                            struct error *err);

/* Writes the row as it is now. Once something was refused rows are no longer written, only counted.
 */
MUST_CHECK bool rewrite_emit(struct rewrite_output *output, struct draft *row, struct error *err);

/* The row in hand as it was, with the columns that the target lacks. */
const struct walk_row *rewrite_source_row(const struct rewrite_output *output);

/* The change that keeps every row as it is. */
bool rewrite_keep(void *context, struct draft *row, struct rewrite_output *output,
                  struct error *err);

/* Refuses the whole: the value of the column at `index` does not fit, or is NULL in a key. */
void rewrite_refuse_value(struct rewrite_output *output, size_t index);
void rewrite_refuse_null(struct rewrite_output *output, size_t index);

#endif

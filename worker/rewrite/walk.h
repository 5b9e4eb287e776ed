/* A walk over all rows of a table, in key order. */
#ifndef WEIR_WORKER_REWRITE_WALK_H
#define WEIR_WORKER_REWRITE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "worker/run/run.h"
#include "worker/store/store.h"

/* A row on the walk: its key, and its cells without the sequence in front. */
struct walk_row {
    const uint8_t *key;
    size_t key_length;
    const uint8_t *cells;
    size_t cells_length;
    uint64_t table_rows; /* in the whole table */
};

enum walk {
    WALK_ON,
    WALK_ENOUGH, /* the walk ends well */
    WALK_FAILED,
};

typedef enum walk walk_visit(void *context, const struct walk_row *row, struct error *err);

/* Calls `visit` for each row. The caller holds the table's lease, so that `table` is what the
 * registry has. */
MUST_CHECK bool walk_rows(struct store *store, const struct table *table,
                          const struct run_watch *watch, walk_visit *visit, void *context,
                          struct error *err);

#endif

/* The runs of a batch: which there are, in which order they are applied, and their folder. */
#ifndef WEIR_FRONTEND_DISPATCH_RUNS_H
#define WEIR_FRONTEND_DISPATCH_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job.pb-c.h"

struct runs {
    char *folder;     /* DATA_DIR/runs/BATCH; a worker makes it with the first run */
    Weir__Run **runs; /* sorted by kind, first ordinal, sequence */
    size_t count;
};

void runs_init(struct runs *runs, const char *data_dir, const uint8_t batch_id[16]);

/* Removes folder and files: for when no job can write there any more. */
void runs_clear(struct runs *runs);

/* Moves the runs of a result here, each to its place. */
void runs_take(struct runs *runs, Weir__Result *result);

/* The runs of one kind, in order. */
void runs_of_kind(const struct runs *runs, Weir__FileKind kind, Weir__Run ***runs_out,
                  size_t *count_out);

/* Whether some kind has more runs than merge at once; then those to merge first, neighbours. */
bool runs_surplus(const struct runs *runs, Weir__Run ***merged_out, size_t *count_out);

/* Puts the run that a merge made in the place of those that it read, whose files are removed. */
void runs_replace(struct runs *runs, Weir__Run **merged, size_t count, Weir__Result *result);

#endif

/* Runs ahead of a reader of entries: they are made in a thread of its own.
 *
 * Decrypting and merging runs costs about half of what writing the rows does: on a second core it
 * is free. Entries go from one thread to the other in blocks. */
#ifndef WEIR_WORKER_RUN_AHEAD_H
#define WEIR_WORKER_RUN_AHEAD_H

#include "common/attributes.h"
#include "common/error.h"
#include "worker/run/run.h"

struct ahead;

/* Makes the next entry, borrowed until the next call. */
typedef enum run_next ahead_source(void *context, struct run_entry *entry_out, struct error *err);

/* Starts. `context` is the thread's own until ahead_stop(). */
MUST_CHECK bool ahead_start(ahead_source *source, void *context, struct ahead **ahead_out,
                            struct error *err);

/* The next entry in order, borrowed until the next call. */
enum run_next ahead_next(struct ahead *ahead, struct run_entry *entry_out, struct error *err);

/* Ends the thread, whether all was read or not. NULL is fine. */
void ahead_stop(struct ahead **ahead);

#endif

/* Syncs a file while it is being written, in a thread of its own.
 *
 * A sync at the end alone would wait until the disk has emptied its own cache, too: half a second
 * for a gigabyte, in which neither the disk's user nor a second core have anything to do. */
#ifndef WEIR_WORKER_STORE_FLUSHER_H
#define WEIR_WORKER_STORE_FLUSHER_H

#include <stdint.h>

#include "common/attributes.h"

struct flusher;

/* Syncs `file`, which stays open, whenever `bytes` more have been written. NULL where no thread can
 * be had: then all of it is synced at the end. */
struct flusher *flusher_start(int file, uint64_t bytes);

/* `bytes` more were written. Waits where the disk is far behind. NULL is fine. */
void flusher_wrote(struct flusher *flusher, uint64_t bytes);

/* Ends the thread once it has finished a sync that is under way, and returns the errno of the first
 * sync that failed, or 0. The kernel tells of each failure once: a sync that succeeds afterwards
 * says nothing of what was written before. NULL is fine. */
MUST_CHECK int flusher_stop(struct flusher **flusher);

#endif

/* Files that end or hold up the worker that reads them, as a defect of ours would: for tests, and
 * in test builds only. A row whose first cell is "weir poison: crash" or "weir poison: hang" does
 * it. */
#ifndef WEIR_WORKER_DECODE_POISON_H
#define WEIR_WORKER_DECODE_POISON_H

#include "worker/decode/format.h"

#ifdef WEIR_TEST_HOOKS

/* Returns if the cell is an ordinary one. */
void poison_taste(const struct cell *first);

#else

static inline void poison_taste(const struct cell *first)
{
    (void)first;
}

#endif

#endif

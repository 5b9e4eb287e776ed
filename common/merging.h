/* How many runs are merged at once: the frontend plans it, workers do it. */
#ifndef WEIR_COMMON_MERGING_H
#define WEIR_COMMON_MERGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether so many runs are, which together take `reading_bytes` of memory then: no more than
 * LIMIT_RUNS_MERGED, and LIMIT_MERGING_BYTES unless they are very few. */
bool merging_fits(size_t runs, uint64_t reading_bytes);

#endif

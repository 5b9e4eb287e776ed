/* See merging.h. */
#include "common/merging.h"

#include "common/limits.h"

/* Fewer at once would write huge rows over and over again. */
enum {
    RUNS_MERGED_ANYWAY = 16
};

bool merging_fits(size_t runs, uint64_t reading_bytes)
{
    return runs <= RUNS_MERGED_ANYWAY ||
           (runs <= LIMIT_RUNS_MERGED && reading_bytes <= LIMIT_MERGING_BYTES);
}

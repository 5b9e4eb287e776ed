/* Compacts a table: its rows move into a new file without the space that deleted rows and dropped
 * columns have left behind, which LMDB keeps for the table but never gives back. */
#ifndef WEIR_WORKER_REWRITE_COMPACT_H
#define WEIR_WORKER_REWRITE_COMPACT_H

#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "worker/rewrite/rewrite.h"

struct compact_terms {
    const char *schema_name;
    const char *table_name;
    const uint8_t *operation_id; /* 16 bytes */
};

/* The size of the table's file. */
struct compact_sizes {
    uint64_t before;
    uint64_t after;
};

/* Compacts; the caller holds the table's lease. A table that does not exist is ERROR_REQUEST. Needs
 * room on the disk for the rows once more; what is given back is free when the last reader of the
 * old file has finished. */
MUST_CHECK bool compact_table(const struct rewrite_means *means, const struct compact_terms *terms,
                              struct compact_sizes *sizes_out, struct error *err);

#endif

/* A batch from top to bottom: check, decode, apply in the order of its phases, commit.
 *
 * The heart of the frontend. Called by rpc/rpc_write_batch on a handler thread that holds the
 * table's lease. */
#ifndef WEIR_FRONTEND_DISPATCH_BATCH_H
#define WEIR_FRONTEND_DISPATCH_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/options.h"
#include "common/table.h"
#include "frontend/dispatch/pool.h"
#include "job.pb-c.h"

/* One batch file of a request. */
struct batch_file {
    const char *path;
    Weir__FileKind kind;
    const uint8_t *key; /* 32 bytes, or NULL */
};

/* A request, already checked against the protocol. Everything is borrowed. */
struct batch_request {
    const struct table *table;      /* as the request has it; ids unset */
    const struct batch_file *files; /* by phase (FileKind order), then in list order */
    size_t files_count;
    uint32_t compression; /* fivetran_sdk.v2.Compression */
    uint32_t format;      /* fivetran_sdk.v2.BatchFileFormat */
    const char *null_string;
    const char *unmodified_string;
    bool history;
};

/* Applies the batch: all of it or nothing, durable when it returns true. Errors about a file name
 * it. */
MUST_CHECK bool batch_run(struct pool *pool, struct ticket *ticket, const struct options *options,
                          const struct batch_request *request, struct error *err);

#endif

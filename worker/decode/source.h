/* A source yields the bytes of one batch file, one decoding step at a time.
 *
 * Sources stack: file -> aes -> zstd or gzip. Each pulls from the one below it and owns it. */
#ifndef WEIR_WORKER_DECODE_SOURCE_H
#define WEIR_WORKER_DECODE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"

struct source;

/* How a batch file is wrapped. */
struct source_terms {
    const char *path;
    const uint8_t *key;         /* 32 bytes, or NULL: not encrypted */
    uint32_t compression;       /* fivetran_sdk.v2.Compression: 0 off, 1 zstd, 2 gzip */
    uint64_t decoded_bytes_max; /* more than that is ERROR_LIMIT */
    int batch_dirs_count;       /* 0: any path may be opened */
    const char *const *batch_dirs;
};

/* Opens the stack of sources for a batch file. The path must name a regular file and is opened
 * without blocking.
 *
 * On success *source_out is the caller's to release with source_close(). On failure *source_out is
 * untouched and *err says what is wrong, without naming the file (the caller does that). */
MUST_CHECK bool source_open(const struct source_terms *terms, struct source **source_out,
                            struct error *err);

/* Reads up to `size` bytes (at least 1) into `bytes`. *length_out is 0 only at the end, which is
 * reached only when every step found its own end well-formed (padding, frames, checksums). */
MUST_CHECK bool source_read(struct source *source, uint8_t *bytes, size_t size, size_t *length_out,
                            struct error *err);

/* Releases the source and those below it, wipes keys, and sets the pointer to NULL. NULL is fine.
 */
void source_close(struct source **source);

#endif

/* Seals and opens the chunks of a run file: AES-256-GCM with a counting nonce. */
#ifndef WEIR_WORKER_RUN_CHUNK_H
#define WEIR_WORKER_RUN_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"

enum {
    CHUNK_PLAIN_MAX = 64 * 1024,
    CHUNK_HEADER_BYTES = 4,
    CHUNK_TAG_BYTES = 16,
    CHUNK_SEALED_MAX = CHUNK_HEADER_BYTES + CHUNK_PLAIN_MAX + CHUNK_TAG_BYTES,
};

struct chunk_cipher;

/* `key` is 32 bytes and is copied into the cipher; `nonce` differs for each run under one key. */
struct chunk_cipher *chunk_cipher_new(const uint8_t *key, uint64_t nonce, bool sealing);

/* Seals the next chunk into `sealed` (CHUNK_SEALED_MAX bytes) and returns its size. */
size_t chunk_seal(struct chunk_cipher *cipher, const uint8_t *plain, size_t length, bool is_last,
                  uint8_t *sealed);

/* Reads a chunk's header: how many bytes follow it. False: no chunk begins like that. */
MUST_CHECK bool chunk_read_header(const uint8_t *header, size_t *following_out, bool *is_last_out);

/* Opens the next chunk, header included, into `plain` (CHUNK_PLAIN_MAX bytes). False: damaged, or
 * not the next chunk of this run. */
MUST_CHECK bool chunk_open(struct chunk_cipher *cipher, const uint8_t *sealed, uint8_t *plain,
                           size_t *length_out);

void chunk_cipher_free(struct chunk_cipher **cipher);

#endif

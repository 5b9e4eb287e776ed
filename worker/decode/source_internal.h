/* What the steps of the source stack share: for the source_*.c files. */
#ifndef WEIR_WORKER_DECODE_SOURCE_INTERNAL_H
#define WEIR_WORKER_DECODE_SOURCE_INTERNAL_H

#include "worker/decode/source.h"

enum {
    SOURCE_BUFFER_BYTES = 64 * 1024
};

/* A step: `state` is its own, `below` the step that it reads from (NULL for the file). */
struct source {
    bool (*read)(void *state, struct source *below, uint8_t *bytes, size_t size, size_t *length_out,
                 struct error *err);
    void (*close)(void *state);
    void *state;
    struct source *below;
};

/* A step on top of `below`, which it takes over. */
struct source *source_new(struct source *below, void *state,
                          bool (*read)(void *state, struct source *below, uint8_t *bytes,
                                       size_t size, size_t *length_out, struct error *err),
                          void (*close)(void *state));

/* Bytes that were read from the step below and are not used up. */
struct source_input {
    size_t at;
    size_t length;
    bool at_end; /* the step below has ended */
    uint8_t bytes[SOURCE_BUFFER_BYTES];
};

/* Reads from below if nothing is left and it has not ended. */
MUST_CHECK bool source_input_fill(struct source_input *input, struct source *below,
                                  struct error *err);

/* One compression: source_table.c lists them. */
struct compression {
    uint32_t number; /* fivetran_sdk.v2.Compression */
    const char *name;
    struct source *(*open)(struct source *below); /* NULL: the bytes are the contents */
};

const struct compression *compression_find(uint32_t number);

MUST_CHECK bool source_open_file(const struct source_terms *terms, struct source **source_out,
                                 struct error *err);
MUST_CHECK bool source_open_aes(struct source **below, const uint8_t *key,
                                struct source **source_out, struct error *err);
struct source *source_open_zstd(struct source *below);
struct source *source_open_gzip(struct source *below);

#endif

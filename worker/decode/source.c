/* See source.h: puts the steps together and counts what comes out. */
#include "worker/decode/source.h"

#include "common/limits.h"
#include "common/mem.h"
#include "worker/decode/source_internal.h"

/* The topmost step: holds the decoded size to its limit. */
struct counter {
    uint64_t bytes;
    uint64_t bytes_max;
};

static bool counter_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                         size_t *length_out, struct error *err);

bool source_open(const struct source_terms *terms, struct source **source_out, struct error *err)
{
    OWNED(source_close) struct source *source = NULL;
    const struct compression *compression = compression_find(terms->compression);
    struct counter *counter = NULL;

    if (compression == NULL) {
        return error_set(err, ERROR_REQUEST, "compression %u is none that weir knows",
                         (unsigned)terms->compression);
    }
    if (!source_open_file(terms, &source, err)) {
        return false;
    }
    if (terms->key != NULL && !source_open_aes(&source, terms->key, &source, err)) {
        return false;
    }
    if (compression->open != NULL) {
        source = compression->open(source);
    }
    counter = mem_zero(sizeof *counter);
    counter->bytes_max = terms->decoded_bytes_max;
    *source_out = source_new(MOVE(source), counter, counter_read, mem_free);
    return true;
}

bool source_read(struct source *source, uint8_t *bytes, size_t size, size_t *length_out,
                 struct error *err)
{
    return source->read(source->state, source->below, bytes, size, length_out, err);
}

void source_close(struct source **source)
{
    while (*source != NULL) {
        struct source *below = (*source)->below;

        (*source)->close((*source)->state);
        mem_free(*source);
        *source = below;
    }
}

struct source *source_new(struct source *below, void *state,
                          bool (*read)(void *state, struct source *below, uint8_t *bytes,
                                       size_t size, size_t *length_out, struct error *err),
                          void (*close)(void *state))
{
    struct source *source = mem_zero(sizeof *source);

    *source = (struct source){.read = read, .close = close, .state = state, .below = below};
    return source;
}

bool source_input_fill(struct source_input *input, struct source *below, struct error *err)
{
    if (input->at < input->length || input->at_end) {
        return true;
    }
    input->at = 0;
    input->length = 0;
    if (!source_read(below, input->bytes, sizeof input->bytes, &input->length, err)) {
        return false;
    }
    input->at_end = input->length == 0;
    return true;
}

static bool counter_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                         size_t *length_out, struct error *err)
{
    struct counter *counter = state;

    if (!source_read(below, bytes, size, length_out, err)) {
        return false;
    }
    counter->bytes += *length_out;
    if (counter->bytes > counter->bytes_max) {
        (void)error_set(err, ERROR_LIMIT, "its contents are larger than %llu bytes",
                        (unsigned long long)counter->bytes_max);
        return error_hint(err, "Send smaller files, or start weir with a larger --file-max.");
    }
    return true;
}

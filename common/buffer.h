/* A growing run of bytes.
 *
 * A zeroed struct is an empty buffer. Callers that must be fast write behind buffer_reserve() and
 * add to `length` themselves. */
#ifndef WEIR_COMMON_BUFFER_H
#define WEIR_COMMON_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/attributes.h"

struct buffer {
    uint8_t *bytes; /* owned; NULL while nothing was reserved */
    size_t length;
    size_t capacity;
};

/* Makes room for `more` bytes behind the length and returns where they start. */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t more)
    __attribute__((returns_nonnull));

/* The slow part of buffer_reserve(): gets more memory. */
void buffer_grow(struct buffer *buffer, size_t more);

/* Appends bytes. */
static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t size);

/* Appends one byte. */
static inline void buffer_append_byte(struct buffer *buffer, uint8_t byte);

/* Appends formatted text, without an end mark. */
void buffer_append_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Appends a number in decimal, with zeros in front up to `width` digits. What printf would do, at a
 * tenth of its cost. */
void buffer_append_number(struct buffer *buffer, uint64_t number, unsigned width);

/* Length back to 0; the memory stays. */
static inline void buffer_reset(struct buffer *buffer);

/* Frees the memory; the buffer is empty and can be used again. Suits OWNED(buffer_clear). */
void buffer_clear(struct buffer *buffer);

/* Below: what is done for every cell of every row, and so inline. */

static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t more)
{
    if (more > buffer->capacity - buffer->length || buffer->bytes == NULL) {
        buffer_grow(buffer, more);
    }
    return buffer->bytes + buffer->length;
}

static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *to = buffer_reserve(buffer, size);

    if (size > 0) {
        memcpy(to, bytes, size);
    }
    buffer->length += size;
}

static inline void buffer_append_byte(struct buffer *buffer, uint8_t byte)
{
    *buffer_reserve(buffer, 1) = byte;
    buffer->length++;
}

static inline void buffer_reset(struct buffer *buffer)
{
    buffer->length = 0;
}

#endif

/* A growing run of bytes. */
#include "common/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/require.h"

uint8_t *buffer_reserve(struct buffer *buffer, size_t more)
{
    size_t needed;

    REQUIRE(!__builtin_add_overflow(buffer->length, more, &needed));
    if (needed > buffer->capacity || buffer->bytes == NULL) {
        size_t capacity = buffer->capacity + buffer->capacity / 2 + 64;

        if (capacity < needed) {
            capacity = needed;
        }
        buffer->bytes = mem_resize_array(buffer->bytes, capacity, 1);
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->length;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *to = buffer_reserve(buffer, size);

    if (size > 0) {
        memcpy(to, bytes, size);
    }
    buffer->length += size;
}

void buffer_append_byte(struct buffer *buffer, uint8_t byte)
{
    *buffer_reserve(buffer, 1) = byte;
    buffer->length++;
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_list again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    REQUIRE(length >= 0);
    vsnprintf((char *)buffer_reserve(buffer, (size_t)length + 1), (size_t)length + 1, format,
              again);
    va_end(again);
    buffer->length += (size_t)length;
}

void buffer_reset(struct buffer *buffer)
{
    buffer->length = 0;
}

void buffer_clear(struct buffer *buffer)
{
    mem_free(buffer->bytes);
    *buffer = (struct buffer){0};
}

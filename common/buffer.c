/* A growing run of bytes. */
#include "common/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/require.h"

void buffer_grow(struct buffer *buffer, size_t more)
{
    size_t capacity = buffer->capacity + buffer->capacity / 2 + 64;
    size_t needed;

    REQUIRE(!__builtin_add_overflow(buffer->length, more, &needed));
    if (capacity < needed) {
        capacity = needed;
    }
    buffer->bytes = mem_resize_array(buffer->bytes, capacity, 1);
    buffer->capacity = capacity;
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

void buffer_append_number(struct buffer *buffer, uint64_t number, unsigned width)
{
    uint8_t digits[64];
    uint8_t *end = digits + sizeof digits;
    uint8_t *first = end;

    REQUIRE(width < sizeof digits / 2);
    do {
        *--first = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while ((size_t)(end - first) < width) {
        *--first = '0';
    }
    buffer_append(buffer, first, (size_t)(end - first));
}

void buffer_clear(struct buffer *buffer)
{
    mem_free(buffer->bytes);
    *buffer = (struct buffer){0};
}

/* A growing run of bytes. */
#include "common/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/require.h"

enum {
    DIGITS_MAX = 64
};

/* 00 to 99. */
static const char pairs[] =
    "00010203040506070809101112131415161718192021222324"
    "25262728293031323334353637383940414243444546474849"
    "50515253545556575859606162636465666768697071727374"
    "75767778798081828384858687888990919293949596979899";

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

/* Two digits a step: a division takes longer than all else. */
void buffer_append_number(struct buffer *buffer, uint64_t number, unsigned width)
{
    uint8_t digits[DIGITS_MAX];
    uint8_t *end = digits + sizeof digits;
    uint8_t *first = end;

    REQUIRE(width < sizeof digits / 2);
    for (; number >= 100; number /= 100) {
        first -= 2;
        memcpy(first, pairs + 2 * (number % 100), 2);
    }
    first -= 2;
    memcpy(first, pairs + 2 * number, 2);
    first += number < 10 ? 1 : 0;
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

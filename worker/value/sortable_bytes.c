/* See sortable_bytes.h. */
#include "worker/value/sortable_bytes.h"

#include <string.h>

void sortable_bytes_append(const uint8_t *bytes, size_t length, struct buffer *out)
{
    const uint8_t *end = length > 0 ? bytes + length : bytes;

    while (bytes < end) {
        const uint8_t *zero = memchr(bytes, 0, (size_t)(end - bytes));
        const uint8_t *stop = zero != NULL ? zero : end;

        buffer_append(out, bytes, (size_t)(stop - bytes));
        if (zero != NULL) {
            buffer_append(out, "\0\xff", 2);
            stop++;
        }
        bytes = stop;
    }
    buffer_append(out, "\0\0", 2);
}

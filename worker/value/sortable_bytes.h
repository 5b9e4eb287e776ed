/* Bytes of any length in a form that sorts as they do and never begins another: 00 becomes 00 FF,
 * and 00 00 ends it. For texts and BINARY in keys. */
#ifndef WEIR_WORKER_VALUE_SORTABLE_BYTES_H
#define WEIR_WORKER_VALUE_SORTABLE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

void sortable_bytes_append(const uint8_t *bytes, size_t length, struct buffer *out);

#endif

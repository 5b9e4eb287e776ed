/* The frame of a message between processes: a header that the reader checks. */
#ifndef WEIR_COMMON_IPC_FRAME_H
#define WEIR_COMMON_IPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"

enum {
    FRAME_HEADER_BYTES = 16
};

enum frame_kind {
    FRAME_JOB = 1,
    FRAME_RESULT = 2,
};

/* Writes the header of a message with `length` bytes behind it. */
void frame_write(uint8_t header[FRAME_HEADER_BYTES], enum frame_kind kind, uint64_t length);

/* Whether `length` bytes, header included, are a message of that kind, version and length. */
MUST_CHECK bool frame_check(const uint8_t *bytes, size_t length, enum frame_kind kind);

#endif

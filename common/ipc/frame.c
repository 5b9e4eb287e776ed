/* See frame.h. Both ends are the same binary on the same machine: native byte order will do. */
#include "common/ipc/frame.h"

#include <string.h>

#define FRAME_MAGIC UINT32_C(0x52494557) /* "WEIR" */

enum {
    FRAME_VERSION = 1
};

struct header {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    uint64_t length; /* of what follows */
};

_Static_assert(sizeof(struct header) == FRAME_HEADER_BYTES, "no padding between processes");

void frame_write(uint8_t header[FRAME_HEADER_BYTES], enum frame_kind kind, uint64_t length)
{
    const struct header fields = {
        .magic = FRAME_MAGIC,
        .version = FRAME_VERSION,
        .kind = (uint16_t)kind,
        .length = length,
    };

    memcpy(header, &fields, sizeof fields);
}

bool frame_check(const uint8_t *bytes, size_t length, enum frame_kind kind)
{
    struct header fields;

    if (length < sizeof fields) {
        return false;
    }
    memcpy(&fields, bytes, sizeof fields);
    return fields.magic == FRAME_MAGIC && fields.version == FRAME_VERSION &&
           fields.kind == (uint16_t)kind && fields.length == length - sizeof fields;
}

/* Looks at a request's bytes before protobuf-c does.
 *
 * protobuf-c turns 16 MiB of empty strings into 600 to 800 MiB, cuts names at U+0000 and accepts
 * invalid UTF-8. One pass over the wire bytes, driven by the same descriptors, refuses what must
 * not be unpacked and counts what the rest will take. The step after gateway/call, before unpack.
 */
#ifndef WEIR_FRONTEND_GATEWAY_WIRE_CHECK_H
#define WEIR_FRONTEND_GATEWAY_WIRE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "common/attributes.h"
#include "common/error.h"

/* Checks `length` bytes of a message. *memory_out: bytes of heap that unpacking it takes. Fails
 * with ERROR_MALFORMED if the bytes are no such message, a string in it has U+0000 or is not UTF-8,
 * it is nested too deep, or takes far more memory than its size explains. Keeps no state. */
MUST_CHECK bool wire_check(const ProtobufCMessageDescriptor *message, const uint8_t *bytes,
                           size_t length, uint64_t *memory_out, struct error *err);

#endif

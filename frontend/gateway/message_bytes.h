/* A received message as contiguous bytes, inflated if the client compressed it.
 *
 * gRPC would inflate by itself, but without a bound: a message of 128 MiB can become 128 GiB. */
#ifndef WEIR_FRONTEND_GATEWAY_MESSAGE_BYTES_H
#define WEIR_FRONTEND_GATEWAY_MESSAGE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <grpc/grpc.h>

#include "common/attributes.h"
#include "common/error.h"

/* The message's bytes, at most `size_max` of them, for the caller to release with mem_free().
 * Fails with ERROR_BUSY if it inflates to more (RESOURCE_EXHAUSTED, as gRPC answers a message that
 * is too large), and with ERROR_MALFORMED if it does not inflate. */
MUST_CHECK bool message_bytes(grpc_byte_buffer *message, size_t size_max, uint8_t **bytes_out,
                              size_t *length_out, struct error *err);

#endif

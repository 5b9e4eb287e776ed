/* An RPC's request in memory: checked, unpacked, counted at the desk, wiped when it goes.
 *
 * Requests carry keys and passwords. Used by gateway/rpc_exchange. */
#ifndef WEIR_FRONTEND_GATEWAY_REQUEST_H
#define WEIR_FRONTEND_GATEWAY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "common/attributes.h"
#include "common/error.h"
#include "frontend/gateway/desk.h"
#include "frontend/gateway/exchange.h"

/* A zeroed struct holds nothing. */
struct request {
    ProtobufCMessage *message; /* NULL: not opened */
    uint64_t held_bytes;       /* at the desk */
};

/* Counts the message that the exchange has received. Fails with ERROR_BUSY when requests take too
 * much memory already. */
MUST_CHECK bool request_hold(struct request *request, struct desk *desk,
                             const struct exchange *exchange, struct error *err);

/* Inflates, checks and unpacks the held message. Fails with ERROR_MALFORMED or ERROR_BUSY. */
MUST_CHECK bool request_open(struct request *request, struct desk *desk, struct exchange *exchange,
                             const ProtobufCMessageDescriptor *descriptor, struct error *err);

/* Wipes and frees it, and takes it off the desk. */
void request_clear(struct request *request, struct desk *desk);

#endif

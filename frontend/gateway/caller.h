/* The other end of the server's own socket: calls an RPC of a running server from a command. */
#ifndef WEIR_FRONTEND_GATEWAY_CALLER_H
#define WEIR_FRONTEND_GATEWAY_CALLER_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "common/attributes.h"
#include "common/error.h"

/* The socket in a server's runtime folder. */
#define CALLER_SOCKET "admin"

/* What to call, and where. */
struct caller_terms {
    const char *runtime_dir; /* of the server */
    const char *path;        /* "/package.Service/Method" */
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *response;
};

/* Calls and waits for the answer as long as it takes; a process that ends meanwhile cancels the
 * call. *response_out is released with protobuf_c_message_free_unpacked(). Fails with what the
 * server says, or that there is none. */
MUST_CHECK bool caller_call(const struct caller_terms *terms, ProtobufCMessage **response_out,
                            struct error *err);

#endif

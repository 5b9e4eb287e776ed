/* What an error is to a client: a task that a person must do, a test's failure, or a gRPC status.
 *
 * Alone decides that; the step between a handler's error and gateway/rpc_exchange. */
#ifndef WEIR_FRONTEND_GATEWAY_REPLY_H
#define WEIR_FRONTEND_GATEWAY_REPLY_H

#include <grpc/status.h>
#include <protobuf-c/protobuf-c.h>

#include "common/error.h"

/* The status for an error that is no task, or that a response without `task` must carry. */
grpc_status_code reply_status(enum error_kind kind);

/* The status's name, as in "UNAVAILABLE". */
const char *reply_status_name(grpc_status_code status);

/* The text of a status: message and hint, short enough for HTTP/2 headers once it is
 * percent-encoded. The caller releases it with mem_free(). */
char *reply_status_text(const struct error *err);

/* Sets the freshly initialised response's `task` if a person must act on the error, or its
 * `failure` if the error is what a test found, and returns the field's name. NULL, having changed
 * nothing, if the error is a status or the response has neither field. */
const char *reply_set_error(ProtobufCMessage *response, const struct error *err);

#endif

/* A request's `configuration`, whatever the request. */
#ifndef WEIR_FRONTEND_RPC_CONFIGURATION_H
#define WEIR_FRONTEND_RPC_CONFIGURATION_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "common/attributes.h"
#include "common/error.h"

/* Checks the request's map<string, string> `configuration` against the form. Fails with
 * ERROR_REQUEST as form_check() does. */
MUST_CHECK bool configuration_check(const ProtobufCMessage *request, struct error *err);

#endif

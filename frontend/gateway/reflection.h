/* gRPC's reflection service: clients learn services and messages from the server. */
#ifndef WEIR_FRONTEND_GATEWAY_REFLECTION_H
#define WEIR_FRONTEND_GATEWAY_REFLECTION_H

#include "frontend/gateway/stream.h"

/* Answers one ServerReflectionRequest; what is not found is an answer, too. */
stream_answer reflection_answer;

#endif

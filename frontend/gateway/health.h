/* gRPC's health service: the server and its services serve as long as anyone can ask. */
#ifndef WEIR_FRONTEND_GATEWAY_HEALTH_H
#define WEIR_FRONTEND_GATEWAY_HEALTH_H

#include "frontend/gateway/stream.h"

stream_answer health_check; /* NOT_FOUND for a service that is not known */
stream_answer health_watch; /* SERVICE_UNKNOWN for it, as the protocol wants */

#endif

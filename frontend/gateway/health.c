/* Check and Watch. When the server stops its streams end, which watchers take for not serving. */
#include "frontend/gateway/health.h"

#include <stdio.h>

#include "common/mem.h"
#include "common/text.h"
#include "grpc/health/v1/health.pb-c.h"

static bool is_known(const struct schema *schema, const ProtobufCMessage *request);
static ProtobufCMessage *make(Grpc__Health__V1__HealthCheckResponse__ServingStatus status);

ProtobufCMessage *health_check(const struct schema *schema, const ProtobufCMessage *request,
                               struct stream_failure *failure)
{
    const Grpc__Health__V1__HealthCheckRequest *asked = (const void *)request;

    if (!is_known(schema, request)) {
        failure->status = GRPC_STATUS_NOT_FOUND;
        snprintf(failure->text, sizeof failure->text, "there is no service \"%s\"",
                 text_name(asked->service).text);
        return NULL;
    }
    return make(GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
}

ProtobufCMessage *health_watch(const struct schema *schema, const ProtobufCMessage *request,
                               struct stream_failure *failure)
{
    (void)failure;
    return make(is_known(schema, request)
                    ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
                    : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN);
}

/* The empty name is the server as a whole. */
static bool is_known(const struct schema *schema, const ProtobufCMessage *request)
{
    const Grpc__Health__V1__HealthCheckRequest *asked = (const void *)request;

    return asked->service[0] == '\0' || schema_has_service(schema, asked->service);
}

static ProtobufCMessage *make(Grpc__Health__V1__HealthCheckResponse__ServingStatus status)
{
    Grpc__Health__V1__HealthCheckResponse *response = mem_alloc(sizeof *response);

    grpc__health__v1__health_check_response__init(response);
    response->status = status;
    return &response->base;
}

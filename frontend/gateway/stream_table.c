/* The methods that the loop answers itself, one row each. */
#include "frontend/gateway/health.h"
#include "frontend/gateway/reflection.h"
#include "frontend/gateway/stream.h"
#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

/* Both versions of reflection are the same on the wire, so one set of descriptors reads both. */
const struct stream_method stream_methods[] = {
    {
     .path = "/grpc.health.v1.Health/Check",
     .request = &grpc__health__v1__health_check_request__descriptor,
     .answer = health_check,
     .shape = STREAM_ONCE,
     },
    {
     .path = "/grpc.health.v1.Health/Watch",
     .request = &grpc__health__v1__health_check_request__descriptor,
     .answer = health_watch,
     .shape = STREAM_STAY,
     },
    {
     .path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
     .request = &grpc__reflection__v1__server_reflection_request__descriptor,
     .answer = reflection_answer,
     .shape = STREAM_EACH,
     },
    {
     .path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
     .request = &grpc__reflection__v1__server_reflection_request__descriptor,
     .answer = reflection_answer,
     .shape = STREAM_EACH,
     },
};
const size_t stream_methods_count = sizeof stream_methods / sizeof stream_methods[0];

/* Fuzzes what a request's bytes go through: the wire check, then protobuf-c, then the readers of
 * tables and form. What passes the check must not take more memory than it counted. */
#include <stdint.h>

#include <malloc.h>

#include "common/mem.h"
#include "common/require.h"
#include "common/table.h"
#include "destination_sdk.pb-c.h"
#include "frontend/gateway/wire_check.h"
#include "frontend/rpc/configuration.h"
#include "frontend/rpc/rpc.h"
#include "frontend/rpc/table_request.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint64_t live;
static uint64_t live_peak;

static void *allocate(void *context, size_t size)
{
    void *block = mem_alloc(size);

    (void)context;
    live += malloc_usable_size(block);
    live_peak = live > live_peak ? live : live_peak;
    return block;
}

static void release(void *context, void *block)
{
    (void)context;
    live -= malloc_usable_size(block);
    mem_free(block);
}

static void read_request(const ProtobufCMessage *request)
{
    const ProtobufCMessageDescriptor *descriptor = request->descriptor;
    struct error err = {0};

    if (protobuf_c_message_descriptor_get_field_by_name(descriptor, "configuration") != NULL) {
        (void)!configuration_check(request, &err);
    }
    if (descriptor == &fivetran_sdk__v2__create_table_request__descriptor) {
        const FivetranSdk__V2__CreateTableRequest *asked = (const void *)request;
        OWNED(table_free) struct table *table = NULL;

        (void)!table_request_read(asked->schema_name, asked->table, &table, &err);
    }
}

/* The first byte says as which message to read the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    ProtobufCAllocator counting = {.alloc = allocate, .free = release};
    const ProtobufCMessageDescriptor *descriptor =
        &grpc__reflection__v1__server_reflection_request__descriptor;
    uint64_t memory = 0;
    struct error err = {0};

    if (size == 0) {
        return 0;
    }
    if (bytes[0] < rpcs_count) {
        descriptor = rpcs[bytes[0]].request;
    }
    if (!wire_check(descriptor, bytes + 1, size - 1, &memory, &err)) {
        ENSURE(err.kind == ERROR_MALFORMED);
        return 0;
    }
    live = live_peak = 0;

    ProtobufCMessage *request =
        protobuf_c_message_unpack(descriptor, &counting, size - 1, bytes + 1);

    ENSURE(live_peak <= memory);
    if (request == NULL) {
        /* protobuf-c cannot merge a message that comes twice with its oneof unset. */
        ENSURE(live == 0);
        return 0;
    }
    read_request(request);
    protobuf_c_message_free_unpacked(request, &counting);
    return 0;
}

/* Fuzzes one RPC, FUZZ_METHOD, from the bytes of its request to those of its answer, as the gateway
 * takes them: wire check, protobuf-c, handler, worker, store; then the reply.
 *
 * Whatever comes: what is answered can be sent and sets one field of its oneof; what is refused is
 * refused with a reason that the client can act on, and has changed nothing. */
#include <stdint.h>
#include <string.h>

#include "common/mem.h"
#include "common/require.h"
#include "frontend/gateway/reply.h"
#include "frontend/gateway/wire_check.h"
#include "frontend/rpc/rpc.h"
#include "tests/fuzz/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Of the data folder as every input finds it. */
static uint64_t digest;

static const struct rpc *find_rpc(void);
static void check_tables(const struct rpc *rpc, const ProtobufCMessage *request);
static void answer(const struct rpc *rpc, const ProtobufCMessage *request);
static void check_error(const struct rpc *rpc, const struct error *err);
static void check_response(const ProtobufCMessage *response);
static void check_oneofs(const ProtobufCMessage *response);
static ProtobufCMessage *response_new(const struct rpc *rpc);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct rpc *rpc = find_rpc();
    uint64_t memory = 0;
    struct error err = {0};

    if (!wire_check(rpc->request, bytes, size, &memory, &err)) {
        check_error(rpc, &err);
        return 0;
    }

    ProtobufCMessage *request = protobuf_c_message_unpack(rpc->request, NULL, size, bytes);

    /* protobuf-c cannot merge a message that comes twice with its oneof unset. */
    if (request != NULL) {
        check_tables(rpc, request);
        answer(rpc, request);
        protobuf_c_message_free_unpacked(request, NULL);
    }
    return 0;
}

/* At the first input; a row of rpc_table.c that has no target stops all of them. */
static const struct rpc *find_rpc(void)
{
    static const struct rpc *found = NULL;

    for (size_t i = 0; found == NULL && i < rpcs_count; i++) {
        if (strcmp(rpc_method(&rpcs[i]), FUZZ_METHOD) == 0) {
            ENSURE(rpcs_count == FUZZ_METHODS_COUNT);
            found = &rpcs[i];
            service_reset();
            digest = service_digest();
        }
    }
    ENSURE(found != NULL);
    return found;
}

static void check_tables(const struct rpc *rpc, const ProtobufCMessage *request)
{
    struct rpc_tables tables = {0};

    if (rpc->tables == NULL) {
        return;
    }
    rpc->tables(request, &tables);
    ENSURE(tables.schema_name != NULL);
    ENSURE(tables.count >= 1 && tables.count <= RPC_TABLES_MAX);
    for (size_t i = 0; i < tables.count; i++) {
        ENSURE(tables.names[i] != NULL);
    }
}

static void answer(const struct rpc *rpc, const ProtobufCMessage *request)
{
    ProtobufCMessage *response = response_new(rpc);
    struct error err = {0};
    bool handled = service_call(rpc, request, response, &err);

    if (handled) {
        check_response(response);
    } else {
        check_error(rpc, &err);
    }
    protobuf_c_message_free_unpacked(response, NULL);
    if (handled && rpc->writes) {
        service_reset();
        digest = service_digest();
    } else {
        ENSURE(service_digest() == digest);
    }
}

/* The client can do something about it: nothing failed here. */
static void check_error(const struct rpc *rpc, const struct error *err)
{
    ENSURE(err->kind == ERROR_REQUEST || err->kind == ERROR_DATA || err->kind == ERROR_LIMIT ||
           err->kind == ERROR_MALFORMED);
    ENSURE(err->message[0] != '\0');

    ProtobufCMessage *response = response_new(rpc);

    if (reply_set_error(response, err) != NULL) {
        check_response(response);
    } else {
        OWNED(mem_release) char *text = reply_status_text(err);

        ENSURE(text[0] != '\0' && reply_status(err->kind) == GRPC_STATUS_INVALID_ARGUMENT);
    }
    protobuf_c_message_free_unpacked(response, NULL);
}

/* It can be packed, and the client can read it: its texts are UTF-8 without U+0000. */
static void check_response(const ProtobufCMessage *response)
{
    size_t length = protobuf_c_message_get_packed_size(response);
    OWNED(mem_release) uint8_t *bytes = mem_alloc(length);
    uint64_t memory = 0;
    struct error err = {0};

    check_oneofs(response);
    ENSURE(protobuf_c_message_pack(response, bytes) == length);
    ENSURE(wire_check(response->descriptor, bytes, length, &memory, &err));
}

static void check_oneofs(const ProtobufCMessage *response)
{
    const ProtobufCMessageDescriptor *descriptor = response->descriptor;
    bool has_oneof = false;
    bool is_set = false;

    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            const char *base = (const char *)response;

            has_oneof = true;
            is_set |=
                *(const uint32_t *)(const void *)(base + field->quantifier_offset) == field->id;
        }
    }
    ENSURE(is_set || !has_oneof);
}

static ProtobufCMessage *response_new(const struct rpc *rpc)
{
    ProtobufCMessage *response = mem_alloc(rpc->response->sizeof_message);

    protobuf_c_message_init(rpc->response, response);
    return response;
}

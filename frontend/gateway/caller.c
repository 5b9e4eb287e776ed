/* See caller.h: a unary call by gRPC's C core. */
#include "frontend/gateway/caller.h"

#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>

#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"

#define HINT_MARK "\nhint: "

/* What comes back. */
struct reply {
    grpc_byte_buffer *message;
    grpc_metadata_array first;
    grpc_metadata_array last;
    grpc_status_code status;
    grpc_slice details;
};

static void exchange(grpc_channel *channel, const struct caller_terms *terms, struct reply *reply);
static grpc_byte_buffer *pack(const ProtobufCMessage *request);
static bool read_reply(const struct reply *reply, const ProtobufCMessageDescriptor *descriptor,
                       ProtobufCMessage **response_out, struct error *err);
static bool read_failure(const struct reply *reply, struct error *err);
static void reply_clear(struct reply *reply);

bool caller_call(const struct caller_terms *terms, ProtobufCMessage **response_out,
                 struct error *err)
{
    OWNED(mem_release) char *target = mem_format("unix:%s/" CALLER_SOCKET, terms->runtime_dir);
    struct reply reply = {0};

    grpc_init();
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create(target, credentials, NULL);

    grpc_channel_credentials_release(credentials);
    exchange(channel, terms, &reply);
    bool done = read_reply(&reply, terms->response, response_out, err);

    reply_clear(&reply);
    grpc_channel_destroy(channel);
    grpc_shutdown_blocking();
    return done;
}

static void exchange(grpc_channel *channel, const struct caller_terms *terms, struct reply *reply)
{
    grpc_completion_queue *queue = grpc_completion_queue_create_for_pluck(NULL);
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_REALTIME);
    grpc_call *call =
        grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
                                 grpc_slice_from_static_string(terms->path), NULL, never, NULL);
    grpc_byte_buffer *request = pack(terms->request);
    const grpc_op operations[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA       },
        {                                   .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = request},
        {                                   .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT                                         },
        { .op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &reply->first},
        {                                                   .op = GRPC_OP_RECV_MESSAGE,                                          .data.recv_message.recv_message = &reply->message},
        {                                          .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &reply->last,
                                        .status = &reply->status,
                                        .status_details = &reply->details}},
    };

    grpc_metadata_array_init(&reply->first);
    grpc_metadata_array_init(&reply->last);
    ENSURE(grpc_call_start_batch(call, operations, sizeof operations / sizeof operations[0], call,
                                 NULL) == GRPC_CALL_OK);
    (void)grpc_completion_queue_pluck(queue, call, never, NULL);
    grpc_byte_buffer_destroy(request);
    grpc_call_unref(call);
    grpc_completion_queue_shutdown(queue);
    grpc_completion_queue_destroy(queue);
}

static grpc_byte_buffer *pack(const ProtobufCMessage *request)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(request));

    protobuf_c_message_pack(request, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return buffer;
}

static bool read_reply(const struct reply *reply, const ProtobufCMessageDescriptor *descriptor,
                       ProtobufCMessage **response_out, struct error *err)
{
    grpc_byte_buffer_reader reader;

    if (reply->status != GRPC_STATUS_OK) {
        return read_failure(reply, err);
    }
    *response_out = NULL;
    if (reply->message != NULL && grpc_byte_buffer_reader_init(&reader, reply->message) != 0) {
        grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);

        *response_out = protobuf_c_message_unpack(descriptor, NULL, GRPC_SLICE_LENGTH(slice),
                                                  GRPC_SLICE_START_PTR(slice));
        grpc_slice_unref(slice);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    return *response_out != NULL ||
           error_set(err, ERROR_INTERNAL, "could not read the server's answer");
}

/* A status has one text: message, and hint behind a mark. */
static bool read_failure(const struct reply *reply, struct error *err)
{
    char *text = grpc_slice_to_c_string(reply->details);
    char *hint = strstr(text, HINT_MARK);

    if (hint != NULL) {
        *hint = '\0';
        hint += strlen(HINT_MARK);
    }
    (void)error_set(err, ERROR_UNAVAILABLE, "%s", text);
    if (hint != NULL) {
        (void)error_hint(err, "%s", hint);
    }
    gpr_free(text);
    return false;
}

static void reply_clear(struct reply *reply)
{
    grpc_byte_buffer_destroy(reply->message);
    grpc_metadata_array_destroy(&reply->first);
    grpc_metadata_array_destroy(&reply->last);
    grpc_slice_unref(reply->details);
}

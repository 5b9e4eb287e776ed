/* One accepted gRPC call, on the C core's batches of operations. */
#include "frontend/gateway/exchange.h"

#include <stdatomic.h>
#include <string.h>

#include <grpc/support/time.h>

#include "common/clock.h"
#include "common/require.h"
#include "frontend/gateway/message_bytes.h"

static void start_batch(struct exchange *exchange, const grpc_op *operations, size_t count,
                        struct event *event);
static size_t put_headers(struct exchange *exchange, grpc_op *operations);
static grpc_byte_buffer *pack(const ProtobufCMessage *message);
static void finish(struct exchange *exchange, const ProtobufCMessage *message,
                   grpc_status_code status, const char *text);
static void handle_received(void *owner, bool ok);
static void handle_sent(void *owner, bool ok);
static void handle_finished(void *owner, bool ok);
static void handle_closed(void *owner, bool ok);
static void destroy_buffer(grpc_byte_buffer **buffer);

void event_loop(grpc_completion_queue *queue, _Atomic uint64_t *turned_us)
{
    for (;;) {
        gpr_timespec turn = gpr_time_from_millis(EVENT_LOOP_TURN_MS, GPR_TIMESPAN);
        grpc_event completed = grpc_completion_queue_next(
            queue, gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), turn), NULL);

        atomic_store(turned_us, clock_us());
        if (completed.type == GRPC_QUEUE_SHUTDOWN) {
            return;
        }
        if (completed.type == GRPC_QUEUE_TIMEOUT) {
            continue;
        }

        struct event *event = completed.tag;

        event->handle(event->owner, completed.success != 0);
    }
}

void exchange_start(struct exchange *exchange, const struct exchange_role *role,
                    const struct accepted *accepted)
{
    exchange->role = role;
    exchange->call = accepted->call;
    exchange->deadline = accepted->deadline;
    exchange->received_event = (struct event){handle_received, exchange};
    exchange->sent_event = (struct event){handle_sent, exchange};
    exchange->finished_event = (struct event){handle_finished, exchange};
    exchange->closed_event = (struct event){handle_closed, exchange};
    atomic_init(&exchange->references, 1);

    grpc_op operation = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};

    operation.data.recv_close_on_server.cancelled = &exchange->was_cancelled;
    start_batch(exchange, &operation, 1, &exchange->closed_event);
}

void exchange_receive(struct exchange *exchange)
{
    grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE};

    destroy_buffer(&exchange->received);
    operation.data.recv_message.recv_message = &exchange->received;
    start_batch(exchange, &operation, 1, &exchange->received_event);
}

bool exchange_take_bytes(struct exchange *exchange, size_t size_max, uint8_t **bytes_out,
                         size_t *length_out, struct error *err)
{
    bool taken = message_bytes(exchange->received, size_max, bytes_out, length_out, err);

    destroy_buffer(&exchange->received);
    return taken;
}

void exchange_send(struct exchange *exchange, const ProtobufCMessage *message)
{
    grpc_op operations[2];
    size_t count = put_headers(exchange, operations);

    REQUIRE(exchange->sending == NULL);
    exchange->sending = pack(message);
    memset(&operations[count], 0, sizeof operations[count]);
    operations[count].op = GRPC_OP_SEND_MESSAGE;
    operations[count].data.send_message.send_message = exchange->sending;
    start_batch(exchange, operations, count + 1, &exchange->sent_event);
}

void exchange_answer(struct exchange *exchange, const ProtobufCMessage *message)
{
    finish(exchange, message, GRPC_STATUS_OK, "");
}

void exchange_fail(struct exchange *exchange, grpc_status_code status, const char *text)
{
    finish(exchange, NULL, status, text);
}

void exchange_drop(struct exchange *exchange)
{
    if (atomic_fetch_sub(&exchange->references, 1) > 1) {
        return;
    }
    destroy_buffer(&exchange->received);
    destroy_buffer(&exchange->sending);
    destroy_buffer(&exchange->answering);
    grpc_call_unref(exchange->call);
    exchange->role->free(exchange);
}

/* Sending and receiving batches may be started by different threads, but two of the same kind may
 * not: receives are the loop's, sends belong to whoever holds the exchange. */
static void start_batch(struct exchange *exchange, const grpc_op *operations, size_t count,
                        struct event *event)
{
    atomic_fetch_add(&exchange->references, 1);

    grpc_call_error error = grpc_call_start_batch(exchange->call, operations, count, event, NULL);

    ENSURE(error == GRPC_CALL_OK);
}

static size_t put_headers(struct exchange *exchange, grpc_op *operations)
{
    if (exchange->headers_sent) {
        return 0;
    }
    exchange->headers_sent = true;
    memset(&operations[0], 0, sizeof operations[0]);
    operations[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    return 1;
}

static grpc_byte_buffer *pack(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    grpc_slice slice = grpc_slice_malloc(size);

    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));

    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return buffer;
}

static void finish(struct exchange *exchange, const ProtobufCMessage *message,
                   grpc_status_code status, const char *text)
{
    grpc_op operations[3];
    size_t count = put_headers(exchange, operations);
    grpc_slice details = grpc_slice_from_copied_string(text);

    if (message != NULL) {
        /* A stream that is ended may still be sending, so this is no exchange->sending. */
        exchange->answering = pack(message);
        memset(&operations[count], 0, sizeof operations[count]);
        operations[count].op = GRPC_OP_SEND_MESSAGE;
        operations[count].data.send_message.send_message = exchange->answering;
        count++;
    }
    memset(&operations[count], 0, sizeof operations[count]);
    operations[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    operations[count].data.send_status_from_server.status = status;
    operations[count].data.send_status_from_server.status_details = &details;
    start_batch(exchange, operations, count + 1, &exchange->finished_event);
    grpc_slice_unref(details);
}

static void handle_received(void *owner, bool ok)
{
    struct exchange *exchange = owner;

    exchange->role->received(exchange, ok && exchange->received != NULL);
    exchange_drop(exchange);
}

static void handle_sent(void *owner, bool ok)
{
    struct exchange *exchange = owner;

    (void)ok; /* a client that is gone shows as cancelled */
    destroy_buffer(&exchange->sending);
    exchange->role->sent(exchange);
    exchange_drop(exchange);
}

static void handle_finished(void *owner, bool ok)
{
    struct exchange *exchange = owner;

    (void)ok; /* nobody is left to tell */
    exchange_drop(exchange);
}

static void handle_closed(void *owner, bool ok)
{
    struct exchange *exchange = owner;

    (void)ok; /* always true for this operation */
    if (exchange->was_cancelled != 0) {
        gpr_timespec now = gpr_now(exchange->deadline.clock_type);
        bool late = gpr_time_cmp(now, exchange->deadline) >= 0;

        exchange->role->cancelled(exchange, late ? ERROR_DEADLINE : ERROR_CANCELLED);
    }
    exchange_drop(exchange);
}

static void destroy_buffer(grpc_byte_buffer **buffer)
{
    if (*buffer != NULL) {
        grpc_byte_buffer_destroy(*buffer);
        *buffer = NULL;
    }
}

/* One accepted gRPC call: what unary RPCs and streams have in common.
 *
 * An exchange is made of operations that gRPC carries out and reports on the completion queue; the
 * loop calls the exchange's role, on its thread. Each operation under way keeps the exchange alive,
 * and so does its owner until exchange_drop(). The step between gateway/listener and the roles:
 * rpc_exchange, health, reflection. */
#ifndef WEIR_FRONTEND_GATEWAY_EXCHANGE_H
#define WEIR_FRONTEND_GATEWAY_EXCHANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

#include "common/attributes.h"
#include "common/error.h"

/* What a completion queue's tag points to. */
struct event {
    void (*handle)(void *owner, bool ok);
    void *owner;
};

/* Waits for events and handles each, until the queue is shut down and empty. Notes when it turned
 * last, which is every EVENT_LOOP_TURN_MS at least. */
void event_loop(grpc_completion_queue *queue, _Atomic uint64_t *turned_us);

enum {
    EVENT_LOOP_TURN_MS = 1000
};

struct exchange;

/* What an exchange does when something happens; all on the loop's thread. */
struct exchange_role {
    /* A message is there, in exchange->received; or there is none and none will come. */
    void (*received)(struct exchange *exchange, bool present);

    /* exchange_send() is done; not called for exchange_finish(). */
    void (*sent)(struct exchange *exchange);

    /* The client cancelled, is gone, or its deadline has passed. */
    void (*cancelled)(struct exchange *exchange, enum error_kind kind);

    /* Nothing refers to the exchange any more: frees it. */
    void (*free)(struct exchange *exchange);
};

/* The first member of each role's own struct. */
struct exchange {
    const struct exchange_role *role;
    grpc_call *call;
    gpr_timespec deadline;
    grpc_byte_buffer *received;  /* of the last `received`; exchange_take_bytes() empties it */
    grpc_byte_buffer *sending;   /* by exchange_send() */
    grpc_byte_buffer *answering; /* by exchange_answer() */
    struct event received_event;
    struct event sent_event;
    struct event finished_event;
    struct event closed_event;
    int was_cancelled;
    bool headers_sent;
    atomic_uint references;
};

/* What the listener accepted, for a role to start an exchange with. */
struct accepted {
    grpc_call *call;
    gpr_timespec deadline;
};

/* Starts: takes the call over, with one reference for the owner. */
void exchange_start(struct exchange *exchange, const struct exchange_role *role,
                    const struct accepted *accepted);

/* Waits for the next message; role->received reports it. */
void exchange_receive(struct exchange *exchange);

/* The bytes received, contiguous and inflated, for the caller to release with mem_free(). Fails if
 * they are more than `size_max` or do not inflate; exchange->received is gone in any case. */
MUST_CHECK bool exchange_take_bytes(struct exchange *exchange, size_t size_max, uint8_t **bytes_out,
                                    size_t *length_out, struct error *err);

/* Sends a message of a stream; one at a time. */
void exchange_send(struct exchange *exchange, const ProtobufCMessage *message);

/* Sends the answer, if there is one, and status OK. Ends the exchange; once, on any thread. */
void exchange_answer(struct exchange *exchange, const ProtobufCMessage *message);

/* Ends the exchange with a status instead; once, on any thread. */
void exchange_fail(struct exchange *exchange, grpc_status_code status, const char *text);

/* Drops the owner's reference. */
void exchange_drop(struct exchange *exchange);

#endif

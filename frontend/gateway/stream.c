/* Calls that the loop answers itself. */
#include "frontend/gateway/stream.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "frontend/gateway/reply.h"
#include "frontend/gateway/wire_check.h"

struct stream {
    struct exchange exchange; /* first: a pointer to it is one to the stream */
    struct stream_book *book;
    const struct stream_method *method; /* NULL: refused */
    bool ended;
    struct stream *older;
    struct stream *newer;
};

static void handle_received(struct exchange *exchange, bool present);
static void handle_sent(struct exchange *exchange);
static void handle_cancelled(struct exchange *exchange, enum error_kind kind);
static void handle_free(struct exchange *exchange);

static const struct exchange_role role = {
    .received = handle_received,
    .sent = handle_sent,
    .cancelled = handle_cancelled,
    .free = handle_free,
};

static struct stream *open_stream(struct stream_book *book, const struct stream_method *method,
                                  const struct accepted *accepted);
static ProtobufCMessage *answer(struct stream *stream, struct stream_failure *failure);
static void fail(struct stream *stream, const struct stream_failure *failure);
static void leave(struct stream *stream);

const struct stream_method *stream_find(const char *path, size_t path_length)
{
    for (size_t i = 0; i < stream_methods_count; i++) {
        if (strlen(stream_methods[i].path) == path_length &&
            memcmp(stream_methods[i].path, path, path_length) == 0) {
            return &stream_methods[i];
        }
    }
    return NULL;
}

void stream_accept(struct stream_book *book, const struct stream_method *method,
                   const struct accepted *accepted)
{
    struct stream_failure failure = {0};
    struct stream *stream = open_stream(book, method, accepted);

    if (book->stopping) {
        failure = (struct stream_failure){GRPC_STATUS_UNAVAILABLE, "the server stops"};
        fail(stream, &failure);
    } else if (book->count > LIMIT_STREAMS) {
        failure.status = GRPC_STATUS_RESOURCE_EXHAUSTED;
        snprintf(failure.text, sizeof failure.text, "%d streams are open already",
                 (int)LIMIT_STREAMS);
        fail(stream, &failure);
    } else {
        exchange_receive(&stream->exchange);
    }
}

void stream_refuse(struct stream_book *book, const struct accepted *accepted,
                   const struct stream_failure *failure)
{
    fail(open_stream(book, NULL, accepted), failure);
}

void stream_end_all(struct stream_book *book)
{
    static const struct stream_failure stopped = {GRPC_STATUS_UNAVAILABLE, "the server stops"};

    book->stopping = true;
    while (book->newest != NULL) {
        fail(book->newest, &stopped);
    }
}

static void handle_received(struct exchange *exchange, bool present)
{
    struct stream *stream = (struct stream *)exchange;
    struct stream_failure failure = {0};

    if (stream->ended) {
        return;
    }
    if (!present && stream->method->shape == STREAM_EACH) {
        leave(stream);
        exchange_answer(exchange, NULL);
        exchange_drop(exchange);
        return;
    }
    if (!present) {
        failure = (struct stream_failure){GRPC_STATUS_INVALID_ARGUMENT, "there is no request"};
        fail(stream, &failure);
        return;
    }

    ProtobufCMessage *message = answer(stream, &failure);

    if (message == NULL) {
        fail(stream, &failure);
        return;
    }
    if (stream->method->shape == STREAM_ONCE) {
        leave(stream);
        exchange_answer(exchange, message);
        exchange_drop(exchange);
    } else {
        exchange_send(exchange, message);
    }
    protobuf_c_message_free_unpacked(message, NULL);
}

/* The next request is read only when the last answer is out: a client that does not read its
 * answers is not given more. */
static void handle_sent(struct exchange *exchange)
{
    struct stream *stream = (struct stream *)exchange;

    if (!stream->ended && stream->method->shape == STREAM_EACH) {
        exchange_receive(exchange);
    }
}

static void handle_cancelled(struct exchange *exchange, enum error_kind kind)
{
    struct stream *stream = (struct stream *)exchange;
    struct stream_failure failure = {.status = reply_status(kind)};

    if (!stream->ended) {
        fail(stream, &failure);
    }
}

static void handle_free(struct exchange *exchange)
{
    mem_free(exchange);
}

static struct stream *open_stream(struct stream_book *book, const struct stream_method *method,
                                  const struct accepted *accepted)
{
    struct stream *stream = mem_zero(sizeof *stream);

    stream->book = book;
    stream->method = method;
    stream->older = book->newest;
    if (stream->older != NULL) {
        stream->older->newer = stream;
    }
    book->newest = stream;
    book->count++;
    exchange_start(&stream->exchange, &role, accepted);
    return stream;
}

static ProtobufCMessage *answer(struct stream *stream, struct stream_failure *failure)
{
    const ProtobufCMessageDescriptor *descriptor = stream->method->request;
    OWNED(mem_release) uint8_t *bytes = NULL;
    ProtobufCMessage *request = NULL;
    size_t length = 0;
    uint64_t memory = 0;
    struct error err = {.kind = ERROR_MALFORMED, .message = "the request is malformed"};

    if (grpc_byte_buffer_length(stream->exchange.received) > LIMIT_STREAM_REQUEST_BYTES) {
        error_set(&err, ERROR_BUSY, "the request has more than %d bytes",
                  (int)LIMIT_STREAM_REQUEST_BYTES);
    } else if (exchange_take_bytes(&stream->exchange, LIMIT_STREAM_REQUEST_BYTES, &bytes, &length,
                                   &err) &&
               wire_check(descriptor, bytes, length, &memory, &err)) {
        request = protobuf_c_message_unpack(descriptor, NULL, length, bytes);
    }
    if (request == NULL) {
        failure->status = reply_status(err.kind);
        snprintf(failure->text, sizeof failure->text, "%.600s", err.message);
        return NULL;
    }

    ProtobufCMessage *message = stream->method->answer(stream->book->schema, request, failure);

    protobuf_c_message_free_unpacked(request, NULL);
    return message;
}

static void fail(struct stream *stream, const struct stream_failure *failure)
{
    leave(stream);
    exchange_fail(&stream->exchange, failure->status, failure->text);
    exchange_drop(&stream->exchange);
}

static void leave(struct stream *stream)
{
    stream->ended = true;
    if (stream->older != NULL) {
        stream->older->newer = stream->newer;
    }
    *(stream->newer != NULL ? &stream->newer->older : &stream->book->newest) = stream->older;
    stream->book->count--;
}

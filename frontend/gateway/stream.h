/* What runs on the loop itself: health and reflection. Each message is answered at once, so a
 * hundred watchers and idle reflection streams take no thread.
 *
 * stream_table.c has one row per method. */
#ifndef WEIR_FRONTEND_GATEWAY_STREAM_H
#define WEIR_FRONTEND_GATEWAY_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include <grpc/status.h>
#include <protobuf-c/protobuf-c.h>

#include "common/attributes.h"
#include "frontend/gateway/exchange.h"
#include "frontend/gateway/schema.h"

/* Why a stream ends. */
struct stream_failure {
    grpc_status_code status;
    char text[640];
};

/* Answers a request with a message on the heap, freed by protobuf_c_message_free_unpacked(); or
 * with NULL and a failure, which ends the stream. */
typedef ProtobufCMessage *stream_answer(const struct schema *schema,
                                        const ProtobufCMessage *request,
                                        struct stream_failure *failure);

enum stream_shape {
    STREAM_ONCE, /* one request, one answer */
    STREAM_STAY, /* one request, one answer, and open until the client goes */
    STREAM_EACH, /* an answer to each request, until the client has no more */
};

struct stream_method {
    const char *path; /* "/package.Service/Method" */
    const ProtobufCMessageDescriptor *request;
    stream_answer *answer;
    enum stream_shape shape;
};

extern const struct stream_method stream_methods[];
extern const size_t stream_methods_count;

/* The method of that path, or NULL. */
const struct stream_method *stream_find(const char *path, size_t path_length);

struct stream;

/* All open streams of a server; used by the loop only. */
struct stream_book {
    const struct schema *schema;
    struct stream *newest;
    size_t count;
    bool stopping;
};

/* Starts a stream; it frees itself when it is over. */
void stream_accept(struct stream_book *book, const struct stream_method *method,
                   const struct accepted *accepted);

/* Ends a call without an answer. */
void stream_refuse(struct stream_book *book, const struct accepted *accepted,
                   const struct stream_failure *failure);

/* Ends all streams, and those to come, with UNAVAILABLE: the server stops. */
void stream_end_all(struct stream_book *book);

#endif

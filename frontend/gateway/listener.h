/* The server's door: a gRPC server at one or more addresses, whose calls go to who answers them. */
#ifndef WEIR_FRONTEND_GATEWAY_LISTENER_H
#define WEIR_FRONTEND_GATEWAY_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include <grpc/grpc.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/options.h"
#include "frontend/gateway/acceptor.h"
#include "frontend/gateway/desk.h"
#include "frontend/gateway/exchange.h"
#include "frontend/gateway/stream.h"
#include "frontend/gateway/tls.h"

/* Calls that come in are started on the loop that serves `queue`. */
struct listener {
    grpc_server *server;
    grpc_completion_queue *queue;
    struct desk *desk;
    struct stream_book *streams;
    struct event accepted_event;
    grpc_call *call; /* what the next call is put into */
    grpc_call_details details;
    grpc_metadata_array metadata;
    const char *runtime_dir;   /* where its own socket is; NULL: it has none */
    size_t sockets_count;      /* of systemd, from ROLE_SOCKET_FD on; 0: it listens itself */
    struct acceptor *acceptor; /* of those sockets */
    bool is_exposed;           /* other machines may reach it */
};

/* Binds the options' addresses and port (0: a free one, *port_out says which), or takes systemd's
 * sockets in their place, and starts to accept.
 * desk, streams, queue and tls are borrowed. Fails with ERROR_REQUEST when an address is none, in
 * use or not ours to take. */
MUST_CHECK bool listener_open(struct listener *listener, const struct options *options,
                              struct tls *tls, uint16_t *port_out, struct error *err);

/* Accepts no more; `closed` comes when every call is over. Any thread. */
void listener_shut(struct listener *listener, struct event *closed);

/* Breaks the calls that are still there, after listener_shut(). */
void listener_break(struct listener *listener);

/* Frees the server; `closed` came. */
void listener_clear(struct listener *listener);

#endif

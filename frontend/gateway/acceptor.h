/* Accepts connections of sockets that someone else listens on, and gives them to a gRPC server.
 *
 * gRPC's core can only listen by itself; connections it takes as they are. */
#ifndef WEIR_FRONTEND_GATEWAY_ACCEPTOR_H
#define WEIR_FRONTEND_GATEWAY_ACCEPTOR_H

#include <stddef.h>

#include <grpc/grpc.h>

struct acceptor;

/* Accepts on `count` descriptors from `first_fd` on, on a thread of its own, for a server that has
 * started and outlives the acceptor. The sockets are borrowed. */
struct acceptor *acceptor_start(grpc_server *server, int first_fd, size_t count);

/* Accepts no more and sets the pointer to NULL; NULL is fine. What has not been accepted waits in
 * the sockets for whoever comes next. */
void acceptor_stop(struct acceptor **acceptor);

#endif

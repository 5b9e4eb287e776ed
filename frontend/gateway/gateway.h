/* The gRPC server: takes RPCs from the network, gives each to its handler, answers.
 *
 * One thread of the gateway's own runs the completion queue; RPCs that wait for a table take no
 * thread, RPCs that run take one of at most options->handlers_max. The rows of frontend/rpc's table
 * say which RPCs there are. The only user of gRPC. */
#ifndef WEIR_FRONTEND_GATEWAY_GATEWAY_H
#define WEIR_FRONTEND_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/options.h"
#include "frontend/dispatch/pool.h"

struct gateway;

/* Where a gateway serves, and how; borrowed. */
struct gateway_terms {
    const struct options *options;
    const char *runtime_dir; /* where its own socket will be, for commands; NULL: it has none */
    size_t sockets_count; /* that systemd listens on, from ROLE_SOCKET_FD on; 0: it does itself */
};

/* A gateway that does not listen yet. Options and pool are borrowed until gateway_free(). */
struct gateway *gateway_new(const struct gateway_terms *terms, struct pool *pool);

/* Listens on options->listen and options->port, and serves. Port 0 takes a free one. Fails with
 * ERROR_REQUEST when an address is in use or not ours to take, or a TLS file is no good. */
MUST_CHECK bool gateway_start(struct gateway *gateway, struct error *err);

/* Reads the TLS files again, for connections to come, and logs what came of it. Any thread. */
void gateway_reload(struct gateway *gateway);

/* Whether its loop has turned since the last call; false while it does not serve. *running_out and
 * *waiting_out: RPCs that are worked on, and those that wait for their turn. Any thread. */
bool gateway_is_alive(struct gateway *gateway, size_t *running_out, size_t *waiting_out);

/* Whether the process takes no more connections, for good: only another one will. Any thread. */
bool gateway_is_deaf(void);

/* The port that it listens on. */
uint16_t gateway_port(const struct gateway *gateway);

/* Takes no more RPCs, ends streams and refuses what waits with UNAVAILABLE, lets what runs finish
 * for `grace_ms`, then cancels it, and returns when every RPC is answered. A cancelled RPC ends
 * within a second, or with its commit. Does nothing when the gateway did not start. */
void gateway_stop(struct gateway *gateway, uint64_t grace_ms);

/* Ends the grace period of a gateway_stop() now or to come. Any thread. */
void gateway_hurry(struct gateway *gateway);

/* Frees a gateway that was stopped or never started, and sets the pointer to NULL. */
void gateway_free(struct gateway **gateway);

#endif

/* The desk: what the RPCs of a server share, and the bounds that hold for all of them together.
 *
 * Counts RPCs that wait and the bytes of requests in memory, and knows every RPC, so that stopping
 * can refuse what waits and cancel what runs. The RPCs themselves are gateway/rpc_exchange. */
#ifndef WEIR_FRONTEND_GATEWAY_DESK_H
#define WEIR_FRONTEND_GATEWAY_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/options.h"
#include "frontend/dispatch/lease.h"
#include "frontend/dispatch/pool.h"
#include "frontend/gateway/threads.h"

struct rpc_exchange;

struct desk {
    const struct options *options;
    struct pool *pool;
    struct lease_book *leases;
    struct threads *threads;

    /* Guards what follows and the states of all RPCs. Neither leases nor gRPC are called with it.
     */
    pthread_mutex_t mutex;
    pthread_cond_t left;         /* an RPC left */
    struct rpc_exchange *newest; /* all RPCs that are not answered */
    size_t present;              /* how many they are */
    size_t waiting;              /* of them: those that count against options->waiting_max */
    uint64_t held_bytes;
    bool stopping; /* nothing begins any more */
    bool hurried;  /* the grace period is over */
};

void desk_init(struct desk *desk, const struct options *options, struct pool *pool);

/* Waits for the threads to end. No RPC is left. */
void desk_clear(struct desk *desk);

/* One more RPC is there; it counts among those that wait if it `waits`. Fails with ERROR_BUSY when
 * options->waiting_max wait already, and with ERROR_UNAVAILABLE when the server stops; it counts
 * all the same. */
MUST_CHECK bool desk_enter(struct desk *desk, bool waits, struct error *err);

/* How many RPCs are worked on, and how many wait. */
void desk_count(struct desk *desk, size_t *running_out, size_t *waiting_out);

/* Takes `bytes` of memory for a request. Fails with ERROR_BUSY, having taken nothing. */
MUST_CHECK bool desk_hold(struct desk *desk, uint64_t bytes, struct error *err);
void desk_release(struct desk *desk, uint64_t bytes);

/* Waits until no RPC is left (true), until `deadline_us` of clock_us(), or, if `hurriable`, until
 * desk_hurry(). */
bool desk_wait_empty(struct desk *desk, uint64_t deadline_us, bool hurriable);
void desk_hurry(struct desk *desk);

/* What an RPC is told that the stop of the server ends. Returns false. */
bool desk_stopped_error(struct error *err);

#endif

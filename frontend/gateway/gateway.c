/* The gRPC server as a whole: starting it, its loop, stopping it. */
#include "frontend/gateway/gateway.h"

#include <stdatomic.h>
#include <string.h>

#include <grpc/grpc.h>
#include <pthread.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/require.h"
#include "frontend/gateway/desk.h"
#include "frontend/gateway/grpc_log.h"
#include "frontend/gateway/listener.h"
#include "frontend/gateway/rpc_exchange.h"
#include "frontend/gateway/schema.h"
#include "frontend/gateway/stream.h"
#include "frontend/gateway/tls.h"

/* For answers to leave; a client that does not read its own is cut off. */
enum {
    FLUSH_WAIT_MS = 2000,

    /* A loop that has not turned for so long hangs. */
    TURN_MAX_MS = 3 * EVENT_LOOP_TURN_MS,
};

/* Without end: whoever waits that long is ended by the supervisor. */
#define NEVER_US UINT64_MAX

struct gateway {
    const struct options *options;
    struct schema *schema;
    struct desk desk;
    struct stream_book streams;
    struct listener listener;
    struct tls *tls;
    grpc_completion_queue *queue;
    _Atomic uint64_t turned_us; /* when the loop last turned; 0: never */
    pthread_t loop;
    bool started;
    uint16_t port;

    /* Set by the loop when the last call is over. */
    struct event closed_event;
    pthread_mutex_t mutex;
    pthread_cond_t closed_changed;
    bool closed;
};

static void warn_if_unprotected(const struct gateway *gateway);
static void *run_loop(void *context);
static void handle_closed(void *owner, bool ok);
static bool wait_closed(struct gateway *gateway, uint64_t deadline_us);

struct gateway *gateway_new(const struct gateway_terms *terms, struct pool *pool)
{
    struct gateway *gateway = mem_zero(sizeof *gateway);
    pthread_condattr_t monotonic;

    grpc_log_begin();
    grpc_init();
    gateway->options = terms->options;
    gateway->tls = tls_new(terms->options);
    gateway->schema = schema_new(schema_bytes, schema_bytes_size);
    gateway->streams.schema = gateway->schema;
    desk_init(&gateway->desk, terms->options, pool);
    gateway->queue = grpc_completion_queue_create_for_next(NULL);
    gateway->listener.runtime_dir = terms->runtime_dir;
    gateway->listener.sockets_count = terms->sockets_count;
    gateway->listener.queue = gateway->queue;
    gateway->listener.desk = &gateway->desk;
    gateway->listener.streams = &gateway->streams;
    gateway->closed_event = (struct event){handle_closed, gateway};
    pthread_mutex_init(&gateway->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&gateway->closed_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return gateway;
}

bool gateway_start(struct gateway *gateway, struct error *err)
{
    REQUIRE(!gateway->started);
    if (tls_is_wanted(gateway->tls) && !tls_load(gateway->tls, err)) {
        return error_wrap(err, "cannot serve TLS");
    }
    if (!listener_open(&gateway->listener, gateway->options, gateway->tls, &gateway->port, err)) {
        return false;
    }
    warn_if_unprotected(gateway);
    ENSURE(pthread_create(&gateway->loop, NULL, run_loop, gateway) == 0);
    gateway->started = true;
    return true;
}

void gateway_reload(struct gateway *gateway)
{
    struct error err = {0};

    if (!tls_is_wanted(gateway->tls)) {
        log_message(LOG_INFO, "nothing to reload: weir serves without TLS");
    } else if (!tls_load(gateway->tls, &err)) {
        log_error(LOG_WARNING, "could not reload TLS, the old certificate stays in use", &err);
    }
}

bool gateway_is_alive(struct gateway *gateway, size_t *running_out, size_t *waiting_out)
{
    desk_count(&gateway->desk, running_out, waiting_out);
    return clock_us() - atomic_load(&gateway->turned_us) < (uint64_t)TURN_MAX_MS * 1000;
}

bool gateway_is_deaf(void)
{
    return grpc_log_told_of_deafness();
}

uint16_t gateway_port(const struct gateway *gateway)
{
    return gateway->port;
}

void gateway_stop(struct gateway *gateway, uint64_t grace_ms)
{
    struct desk *desk = &gateway->desk;

    if (!gateway->started) {
        return;
    }
    gateway->started = false;
    listener_shut(&gateway->listener, &gateway->closed_event);
    rpc_exchange_refuse_all(desk);
    if (!desk_wait_empty(desk, clock_us() + grace_ms * 1000, true)) {
        rpc_exchange_cancel_all(desk);
        desk_wait_empty(desk, NEVER_US, false);
    }
    if (!wait_closed(gateway, clock_us() + FLUSH_WAIT_MS * 1000)) {
        listener_break(&gateway->listener);
        wait_closed(gateway, NEVER_US);
    }
    grpc_completion_queue_shutdown(gateway->queue);
    pthread_join(gateway->loop, NULL);
    listener_clear(&gateway->listener);
}

void gateway_hurry(struct gateway *gateway)
{
    desk_hurry(&gateway->desk);
}

void gateway_free(struct gateway **gateway)
{
    struct gateway *freed = *gateway;

    *gateway = NULL;
    if (freed == NULL) {
        return;
    }
    REQUIRE(!freed->started);
    desk_clear(&freed->desk);
    /* Shutting it down again does nothing; one that was never used must be. */
    grpc_completion_queue_shutdown(freed->queue);
    event_loop(freed->queue, &freed->turned_us);
    grpc_completion_queue_destroy(freed->queue);
    schema_free(&freed->schema);
    pthread_cond_destroy(&freed->closed_changed);
    pthread_mutex_destroy(&freed->mutex);
    grpc_shutdown_blocking();
    tls_free(&freed->tls);
    mem_free(freed);
}

static void warn_if_unprotected(const struct gateway *gateway)
{
    if (gateway->listener.is_exposed && !tls_is_wanted(gateway->tls)) {
        log_message(LOG_WARNING,
                    "whoever reaches port %u of this machine can read and write tables: give "
                    "--tls-cert, --tls-key and --tls-client-ca, or keep to this machine with "
                    "--listen 127.0.0.1",
                    gateway->port);
    }
}

static void *run_loop(void *context)
{
    struct gateway *gateway = context;

    event_loop(gateway->queue, &gateway->turned_us);
    return NULL;
}

static void handle_closed(void *owner, bool ok)
{
    struct gateway *gateway = owner;

    (void)ok;
    pthread_mutex_lock(&gateway->mutex);
    gateway->closed = true;
    pthread_cond_broadcast(&gateway->closed_changed);
    pthread_mutex_unlock(&gateway->mutex);
}

static bool wait_closed(struct gateway *gateway, uint64_t deadline_us)
{
    struct timespec until = {
        .tv_sec = (time_t)(deadline_us / 1000000),
        .tv_nsec = (long)(deadline_us % 1000000) * 1000,
    };
    int waited = 0;

    pthread_mutex_lock(&gateway->mutex);
    while (!gateway->closed && waited == 0) {
        waited = pthread_cond_timedwait(&gateway->closed_changed, &gateway->mutex, &until);
    }
    bool closed = gateway->closed;
    pthread_mutex_unlock(&gateway->mutex);
    return closed;
}

/* The life of one RPC. */
#include "frontend/gateway/rpc_exchange.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"
#include "frontend/gateway/reply.h"
#include "frontend/gateway/request.h"

enum rpc_state {
    RPC_RECEIVING, /* its request is on its way */
    RPC_OPENING,   /* its request is checked and unpacked */
    RPC_WAITING,   /* for the lease of its table */
    RPC_QUEUED,    /* for a thread */
    RPC_RUNNING,   /* its handler runs */
    RPC_ENDED,     /* whoever moved it here answers it */
};

#define TO(state) (1U << (state))

/* Where each state may lead. Nothing ends an RPC that runs but its own thread. */
static const unsigned leads_to[] = {
    [RPC_RECEIVING] = TO(RPC_OPENING) | TO(RPC_ENDED),
    [RPC_OPENING] = TO(RPC_WAITING) | TO(RPC_QUEUED) | TO(RPC_RUNNING) | TO(RPC_ENDED),
    [RPC_WAITING] = TO(RPC_QUEUED) | TO(RPC_ENDED),
    [RPC_QUEUED] = TO(RPC_RUNNING) | TO(RPC_ENDED),
    [RPC_RUNNING] = TO(RPC_ENDED),
    [RPC_ENDED] = 0,
};

/* A larger request is opened on a handler's thread: it would hold up the loop for too long. */
#define OPEN_ON_LOOP_MAX (256 * KIB)

struct rpc_exchange {
    struct exchange exchange; /* first: a pointer to it is one to the RPC */
    struct desk *desk;
    const struct rpc *rpc;
    struct work work; /* to open the request or to run */
    struct ticket *ticket;
    struct lease *lease;
    struct request request;
    struct rpc_tables tables;
    uint64_t started_us;

    /* Guarded by the desk's mutex. */
    enum rpc_state state;
    bool waits;   /* counts among desk->waiting */
    bool granted; /* the lease came */
    struct rpc_exchange *older;
    struct rpc_exchange *newer;
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

static void enlist(struct rpc_exchange *rpc);
static void delist(struct rpc_exchange *rpc);
static void move(struct rpc_exchange *rpc, enum rpc_state to);
static bool try_end_idle(struct rpc_exchange *rpc);
static void open_on_thread(struct work *work);
static void open_request(struct rpc_exchange *rpc);
static void go_on(struct rpc_exchange *rpc);
static void handle_granted(void *context);
static void wait_for_lease(struct rpc_exchange *rpc);
static void queue_locked(struct rpc_exchange *rpc);
static void run_on_thread(struct work *work);
static void run(struct rpc_exchange *rpc);
static ProtobufCMessage *response_new(const struct rpc *rpc);
static void response_free(ProtobufCMessage **response);
static void fail(struct rpc_exchange *rpc, const struct error *err);
static void end(struct rpc_exchange *rpc, const ProtobufCMessage *response,
                const struct error *err);
static void log_end_of(const struct rpc_exchange *rpc, const char *outcome,
                       const struct error *err);
static struct rpc_exchange *rpc_of_work(struct work *work);

void rpc_exchange_accept(struct desk *desk, const struct rpc *rpc, const struct accepted *accepted)
{
    struct rpc_exchange *made = mem_zero(sizeof *made);
    struct error err = {0};

    made->desk = desk;
    made->rpc = rpc;
    made->ticket = ticket_new();
    made->started_us = clock_us();
    made->waits = !rpc->at_once;
    exchange_start(&made->exchange, &role, accepted);
    enlist(made);
    if (!desk_enter(desk, made->waits, &err)) {
        pthread_mutex_lock(&desk->mutex);
        bool ours = try_end_idle(made);
        pthread_mutex_unlock(&desk->mutex);
        if (ours) {
            fail(made, &err);
        }
        return;
    }
    exchange_receive(&made->exchange);
}

void rpc_exchange_refuse_all(struct desk *desk)
{
    struct error err = {0};
    struct rpc_exchange *refused;

    desk_stopped_error(&err);
    do {
        pthread_mutex_lock(&desk->mutex);
        desk->stopping = true;
        refused = desk->newest;
        while (refused != NULL && !try_end_idle(refused)) {
            refused = refused->older;
        }
        pthread_mutex_unlock(&desk->mutex);
        if (refused != NULL) {
            fail(refused, &err);
        }
    } while (refused != NULL);
}

void rpc_exchange_cancel_all(struct desk *desk)
{
    pthread_mutex_lock(&desk->mutex);
    for (struct rpc_exchange *rpc = desk->newest; rpc != NULL; rpc = rpc->older) {
        ticket_cancel(rpc->ticket, ERROR_UNAVAILABLE);
    }
    pthread_mutex_unlock(&desk->mutex);
}

static void handle_received(struct exchange *exchange, bool present)
{
    struct rpc_exchange *rpc = (struct rpc_exchange *)exchange;
    struct error err = {0};

    pthread_mutex_lock(&rpc->desk->mutex);
    bool ours = rpc->state == RPC_RECEIVING;

    if (ours) {
        move(rpc, RPC_OPENING);
    }
    pthread_mutex_unlock(&rpc->desk->mutex);
    if (!ours) {
        return;
    }
    if (!present) {
        if (grpc_call_failed_before_recv_message(exchange->call) != 0) {
            error_set(&err, ERROR_CANCELLED,
                      "the client cancelled, or its request has more than %llu MiB",
                      (unsigned long long)(LIMIT_MESSAGE_BYTES / MIB));
        } else {
            error_set(&err, ERROR_MALFORMED,
                      "the request has no message, or one of more than %llu MiB",
                      (unsigned long long)(LIMIT_MESSAGE_BYTES / MIB));
        }
        fail(rpc, &err);
        return;
    }

    if (!request_hold(&rpc->request, rpc->desk, exchange, &err)) {
        fail(rpc, &err);
        return;
    }
    if (rpc->request.held_bytes > OPEN_ON_LOOP_MAX) {
        rpc->work.run = open_on_thread;
        threads_submit(rpc->desk->threads, &rpc->work);
        return;
    }
    open_request(rpc);
}

static void handle_sent(struct exchange *exchange)
{
    (void)exchange; /* an RPC's one answer goes out as it ends */
}

static void handle_cancelled(struct exchange *exchange, enum error_kind kind)
{
    struct rpc_exchange *rpc = (struct rpc_exchange *)exchange;
    struct error err = {0};

    ticket_cancel(rpc->ticket, kind);
    pthread_mutex_lock(&rpc->desk->mutex);
    bool ours = rpc->state != RPC_RECEIVING && try_end_idle(rpc);
    pthread_mutex_unlock(&rpc->desk->mutex);
    if (ours && !ticket_check(rpc->ticket, &err)) {
        fail(rpc, &err);
    }
}

static void handle_free(struct exchange *exchange)
{
    struct rpc_exchange *rpc = (struct rpc_exchange *)exchange;

    ticket_free(&rpc->ticket);
    mem_free(rpc);
}

static void enlist(struct rpc_exchange *rpc)
{
    struct desk *desk = rpc->desk;

    pthread_mutex_lock(&desk->mutex);
    rpc->older = desk->newest;
    if (rpc->older != NULL) {
        rpc->older->newer = rpc;
    }
    desk->newest = rpc;
    desk->present++;
    pthread_mutex_unlock(&desk->mutex);
}

static void delist(struct rpc_exchange *rpc)
{
    struct desk *desk = rpc->desk;

    pthread_mutex_lock(&desk->mutex);
    if (rpc->older != NULL) {
        rpc->older->newer = rpc->newer;
    }
    *(rpc->newer != NULL ? &rpc->newer->older : &desk->newest) = rpc->older;
    desk->present--;
    pthread_cond_broadcast(&desk->left);
    pthread_mutex_unlock(&desk->mutex);
}

/* Locked. An RPC that leaves the line makes room for another. */
static void move(struct rpc_exchange *rpc, enum rpc_state to)
{
    REQUIRE((leads_to[rpc->state] & TO(to)) != 0);
    rpc->state = to;
    if (rpc->waits && (to == RPC_RUNNING || to == RPC_ENDED)) {
        rpc->waits = false;
        rpc->desk->waiting--;
    }
}

/* Locked. Ends an RPC that nobody is busy with, for the caller to answer; else returns false. */
static bool try_end_idle(struct rpc_exchange *rpc)
{
    bool idle = false;

    switch (rpc->state) {
    case RPC_RECEIVING:
    case RPC_WAITING:
        idle = true;
        break;
    case RPC_OPENING:
    case RPC_QUEUED:
        idle = threads_withdraw(rpc->desk->threads, &rpc->work);
        break;
    case RPC_RUNNING:
    case RPC_ENDED:
        break;
    }
    if (idle) {
        move(rpc, RPC_ENDED);
    }
    return idle;
}

static void open_on_thread(struct work *work)
{
    open_request(rpc_of_work(work));
}

static void open_request(struct rpc_exchange *rpc)
{
    struct error err = {0};

    if (!request_open(&rpc->request, rpc->desk, &rpc->exchange, rpc->rpc->request, &err)) {
        fail(rpc, &err);
        return;
    }
    if (rpc->rpc->tables != NULL) {
        rpc->rpc->tables(rpc->request.message, &rpc->tables);
        ticket_name_table(rpc->ticket, rpc->tables.schema_name, rpc->tables.names[0]);
    }
    if (rpc->rpc->at_once) {
        pthread_mutex_lock(&rpc->desk->mutex);
        move(rpc, RPC_RUNNING);
        pthread_mutex_unlock(&rpc->desk->mutex);
        run(rpc);
    } else if (rpc->rpc->writes) {
        wait_for_lease(rpc);
    } else {
        go_on(rpc);
    }
}

static void wait_for_lease(struct rpc_exchange *rpc)
{
    struct lease *lease = lease_ask(rpc->desk->leases, rpc->tables.schema_name, rpc->tables.names,
                                    rpc->tables.count, handle_granted, rpc);

    /* The lease may be granted before lease_ask() has returned it. */
    rpc->lease = lease;
    go_on(rpc);
}

/* On any thread. */
static void handle_granted(void *context)
{
    struct rpc_exchange *rpc = context;

    pthread_mutex_lock(&rpc->desk->mutex);
    rpc->granted = true;
    if (rpc->state == RPC_WAITING) {
        queue_locked(rpc);
    }
    pthread_mutex_unlock(&rpc->desk->mutex);
}

/* From opening to waiting for the lease, or to waiting for a thread. */
static void go_on(struct rpc_exchange *rpc)
{
    struct error err = {0};

    pthread_mutex_lock(&rpc->desk->mutex);
    /* A cancellation or a stop before this found the RPC busy and left the end to us. */
    bool ended =
        !ticket_check(rpc->ticket, &err) || (rpc->desk->stopping && !desk_stopped_error(&err));

    if (ended) {
        move(rpc, RPC_ENDED);
    } else if (rpc->rpc->writes && !rpc->granted) {
        move(rpc, RPC_WAITING);
    } else {
        queue_locked(rpc);
    }
    pthread_mutex_unlock(&rpc->desk->mutex);
    if (ended) {
        end(rpc, NULL, &err);
    }
}

static void queue_locked(struct rpc_exchange *rpc)
{
    move(rpc, RPC_QUEUED);
    rpc->work.run = run_on_thread;
    threads_submit(rpc->desk->threads, &rpc->work);
}

static void run_on_thread(struct work *work)
{
    struct rpc_exchange *rpc = rpc_of_work(work);
    struct error err = {0};

    pthread_mutex_lock(&rpc->desk->mutex);
    bool stopping = rpc->desk->stopping;

    move(rpc, stopping ? RPC_ENDED : RPC_RUNNING);
    pthread_mutex_unlock(&rpc->desk->mutex);
    if (stopping) {
        desk_stopped_error(&err);
        end(rpc, NULL, &err);
        return;
    }
    run(rpc);
}

static void run(struct rpc_exchange *rpc)
{
    OWNED(response_free) ProtobufCMessage *response = response_new(rpc->rpc);
    struct error err = {0};
    struct rpc_call call = {
        .rpc = rpc->rpc,
        .options = rpc->desk->options,
        .pool = rpc->desk->pool,
        .ticket = rpc->ticket,
    };
    bool handled = rpc->rpc->handle(&call, rpc->request.message, response, &err);

    pthread_mutex_lock(&rpc->desk->mutex);
    move(rpc, RPC_ENDED);
    pthread_mutex_unlock(&rpc->desk->mutex);
    if (handled) {
        end(rpc, response, NULL);
    } else {
        end(rpc, NULL, &err);
    }
}

static ProtobufCMessage *response_new(const struct rpc *rpc)
{
    ProtobufCMessage *response = mem_alloc(rpc->response->sizeof_message);

    protobuf_c_message_init(rpc->response, response);
    return response;
}

static void response_free(ProtobufCMessage **response)
{
    protobuf_c_message_free_unpacked(*response, NULL);
    *response = NULL;
}

/* Ends an RPC that is ours: moved to RPC_ENDED already, or being opened. */
static void fail(struct rpc_exchange *rpc, const struct error *err)
{
    pthread_mutex_lock(&rpc->desk->mutex);
    if (rpc->state != RPC_ENDED) {
        move(rpc, RPC_ENDED);
    }
    pthread_mutex_unlock(&rpc->desk->mutex);
    end(rpc, NULL, err);
}

/* Answers with the response, or with the error as a task or a status. The lease goes first: a
 * client that has its answer may go on with the table. */
static void end(struct rpc_exchange *rpc, const ProtobufCMessage *response, const struct error *err)
{
    OWNED(response_free) ProtobufCMessage *error_response = NULL;
    const char *outcome = "success";

    lease_release(&rpc->lease);
    if (err != NULL) {
        error_response = response_new(rpc->rpc);
        outcome = reply_set_error(error_response, err);
        response = outcome != NULL ? error_response : NULL;
    }
    log_end_of(rpc, outcome != NULL ? outcome : reply_status_name(reply_status(err->kind)), err);
    if (response != NULL) {
        exchange_answer(&rpc->exchange, response);
    } else {
        OWNED(mem_release) char *text = reply_status_text(err);

        exchange_fail(&rpc->exchange, reply_status(err->kind), text);
    }
    request_clear(&rpc->request, rpc->desk);
    delist(rpc);
    exchange_drop(&rpc->exchange);
}

static void log_end_of(const struct rpc_exchange *rpc, const char *outcome, const struct error *err)
{
    const char *method = rpc_method(rpc->rpc);
    struct log_line line;

    if (err == NULL) {
        log_begin(&line, LOG_INFO, "%s succeeded", method);
    } else {
        /* Our own failures and the disk's want someone; the rest reaches the client's person. */
        bool ours = err->kind == ERROR_INTERNAL || err->kind == ERROR_STORE ||
                    err->kind == ERROR_FULL || err->kind == ERROR_NONE;

        log_begin(&line, ours ? LOG_SEVERE : LOG_WARNING, "%s failed: %s", method, err->message);
    }
    log_text(&line, "method", method);
    if (rpc->tables.count > 0) {
        log_text(&line, "schema", text_name(rpc->tables.schema_name).text);
        log_text(&line, "table", text_name(rpc->tables.names[0]).text);
    }
    log_number(&line, "ms", (clock_us() - rpc->started_us) / 1000);
    log_text(&line, "outcome", outcome);
    if (err != NULL && err->hint[0] != '\0') {
        log_text(&line, "hint", err->hint);
    }
    log_end(&line);
}

static struct rpc_exchange *rpc_of_work(struct work *work)
{
    return (struct rpc_exchange *)(void *)((char *)work - offsetof(struct rpc_exchange, work));
}

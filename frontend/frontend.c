/* The frontend process.
 *
 * The main thread starts, waits for the word to stop, and stops; a control thread brings what the
 * supervisor says to pool and gateway. RPCs run on the gateway's threads. */
#include "frontend/frontend.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <pthread.h>

#include "common/clock.h"
#include "common/confine/confine.h"
#include "common/error.h"
#include "common/log.h"
#include "common/require.h"
#include "common/role.h"
#include "common/text.h"
#include "frontend/dispatch/pool.h"
#include "frontend/gateway/gateway.h"

enum {
    EXIT_STOPPED = 0,
    EXIT_BROKEN = 1, /* the supervisor starts another frontend, or gives up */
};

struct frontend {
    const struct options *options;
    struct pool *pool;
    struct gateway *gateway;
    struct ticket *start; /* what has to be done before the gateway may start */
    pthread_t control;
    int control_end_fd; /* an event: the control thread is to end */
    pthread_mutex_t mutex;
    pthread_cond_t stop_said;
    unsigned stops; /* under the mutex: times that the supervisor said stop */
    bool deaf;      /* under the mutex: it stops because nobody can connect any more */
};

static void set_up(struct frontend *frontend, const struct gateway_terms *terms,
                   struct role_pages *pages);
static void clear(struct frontend *frontend);
static bool start(struct frontend *frontend, struct error *err);
static bool start_control(struct frontend *frontend, struct error *err);
static bool sweep(struct frontend *frontend, struct error *err);
static bool finish_start(const struct frontend *frontend, struct error *err);
static bool say_ready(const struct frontend *frontend, struct error *err);
static void say_fatal(const struct error *err);
static void *listen_to_supervisor(void *context);
static void read_messages(struct frontend *frontend);
static void handle_message(struct frontend *frontend, const struct role_message *message);
static void say_reloaded(void);
static void say_alive(struct frontend *frontend);
static void stop_if_deaf(struct frontend *frontend);
static void stop_was_said(struct frontend *frontend);
static void wait_for_stop(struct frontend *frontend);
static bool is_stopping(struct frontend *frontend);
static void ask_to_kill(void *context, uint32_t worker, uint64_t life);

int frontend_run(const struct options *options, const char *runtime_dir, size_t sockets_count)
{
    const struct gateway_terms terms = {options, runtime_dir, sockets_count};
    struct frontend frontend;
    struct error err = {0};
    struct role_pages *pages = role_pages_map(&err);
    int status = EXIT_STOPPED;

    if (pages == NULL) {
        say_fatal(&err);
        return EXIT_BROKEN;
    }
    confine_begin(CONFINE_FRONTEND, options, runtime_dir);
    set_up(&frontend, &terms, pages);
    if (start(&frontend, &err)) {
        wait_for_stop(&frontend);
        gateway_stop(frontend.gateway, options->grace_ms);
        status = frontend.deaf ? EXIT_BROKEN : EXIT_STOPPED;
    } else if (!is_stopping(&frontend)) {
        say_fatal(&err);
        status = EXIT_BROKEN;
    }
    clear(&frontend);
    return status;
}

static void set_up(struct frontend *frontend, const struct gateway_terms *terms,
                   struct role_pages *pages)
{
    *frontend = (struct frontend){.options = terms->options,
                                  .control_end_fd = -1,
                                  .mutex = PTHREAD_MUTEX_INITIALIZER,
                                  .stop_said = PTHREAD_COND_INITIALIZER};
    frontend->start = ticket_new();
    frontend->pool = pool_new(terms->options, terms->runtime_dir, pages);
    frontend->gateway = gateway_new(terms, frontend->pool);
    pool_on_kill(frontend->pool, ask_to_kill, NULL);
}

/* In this order: the control thread uses pool and gateway, the gateway uses the pool. */
static void clear(struct frontend *frontend)
{
    pool_stop(frontend->pool);
    if (frontend->control_end_fd >= 0) {
        ENSURE(eventfd_write(frontend->control_end_fd, 1) == 0);
        ENSURE(pthread_join(frontend->control, NULL) == 0);
        close(frontend->control_end_fd);
    }
    gateway_free(&frontend->gateway);
    pool_free(&frontend->pool);
    ticket_free(&frontend->start);
}

static bool start(struct frontend *frontend, struct error *err)
{
    return start_control(frontend, err) && sweep(frontend, err) &&
           gateway_start(frontend->gateway, err) && finish_start(frontend, err);
}

static bool start_control(struct frontend *frontend, struct error *err)
{
    int end_fd = eventfd(0, EFD_CLOEXEC);

    if (end_fd < 0) {
        return error_set_errno(err, ERROR_INTERNAL, "could not make an event descriptor");
    }
    frontend->control_end_fd = end_fd;
    if (pthread_create(&frontend->control, NULL, listen_to_supervisor, frontend) != 0) {
        frontend->control_end_fd = -1;
        close(end_fd);
        return error_set(err, ERROR_INTERNAL, "could not start a thread");
    }
    return true;
}

/* What a crash has left behind must be gone before the first batch can leave the same again; it
 * also shows whether the data folder can be used at all. */
static bool sweep(struct frontend *frontend, struct error *err)
{
    Weir__SweepJob sweep_job = WEIR__SWEEP_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;

    job.job_case = WEIR__JOB__JOB_SWEEP;
    job.sweep = &sweep_job;
    if (!pool_run(frontend->pool, frontend->start, POOL_LARGE, &job, &result, err)) {
        return error_wrap(err, "could not prepare data folder \"%s\"",
                          text_path(frontend->options->data_dir).text);
    }
    for (size_t i = 0; i < result->n_warnings; i++) {
        log_message(LOG_WARNING, "%s", result->warnings[i]);
    }
    weir__result__free_unpacked(result, NULL);
    return true;
}

/* The gateway listens: connections come, and no other socket of the network is needed. */
static bool finish_start(const struct frontend *frontend, struct error *err)
{
    confine_end(CONFINE_FRONTEND);
    return say_ready(frontend, err);
}

static bool say_ready(const struct frontend *frontend, struct error *err)
{
    struct role_message message = {.kind = ROLE_READY};
    struct log_line line;

    if (!role_send(ROLE_CONTROL_FD, &message)) {
        return error_set(err, ERROR_INTERNAL, "the supervisor is gone");
    }
    log_begin(&line, LOG_INFO, "weir is ready on port %u", gateway_port(frontend->gateway));
    log_number(&line, "port", gateway_port(frontend->gateway));
    log_text(&line, "data_dir", text_path(frontend->options->data_dir).text);
    log_number(&line, "workers", frontend->options->workers);
    log_end(&line);
    return true;
}

/* The supervisor logs it, and at the first start ends the server with it. */
static void say_fatal(const struct error *err)
{
    struct role_message message = {.kind = ROLE_FATAL};
    int length = snprintf(message.text, sizeof message.text, "%s\n%s", err->message, err->hint);

    if (length >= (int)sizeof message.text) {
        text_cut_utf8(message.text, sizeof message.text - 1);
    }
    if (!role_send(ROLE_CONTROL_FD, &message)) {
        log_error(LOG_SEVERE, "could not serve", err);
    }
}

static void *listen_to_supervisor(void *context)
{
    struct frontend *frontend = context;
    struct pollfd watched[] = {
        {.fd = ROLE_CONTROL_FD,          .events = POLLIN},
        {.fd = frontend->control_end_fd, .events = POLLIN},
    };
    uint64_t alive_us = 0;

    while (watched[1].revents == 0) {
        if (poll(watched, 2, ROLE_ALIVE_MS) > 0 && watched[0].revents != 0) {
            read_messages(frontend);
        }
        if (clock_us() - alive_us >= (uint64_t)ROLE_ALIVE_MS * 1000) {
            alive_us = clock_us();
            say_alive(frontend);
            stop_if_deaf(frontend);
        }
    }
    return NULL;
}

static void read_messages(struct frontend *frontend)
{
    struct role_message message;
    int received;

    while ((received = role_receive(ROLE_CONTROL_FD, &message)) == 1) {
        handle_message(frontend, &message);
    }
    if (received == 0) {
        /* The supervisor is gone, and its death is ours. */
        _exit(EXIT_BROKEN);
    }
}

static void handle_message(struct frontend *frontend, const struct role_message *message)
{
    switch ((enum role_message_kind)message->kind) {
    case ROLE_WORKER_READY:
        pool_worker_ready(frontend->pool, message->worker, message->life);
        break;
    case ROLE_WORKER_REAPED:
        pool_worker_reaped(frontend->pool, message->worker, message->life, message->status);
        break;
    case ROLE_STOP:
        stop_was_said(frontend);
        break;
    case ROLE_RELOAD:
        gateway_reload(frontend->gateway);
        say_reloaded();
        break;
    case ROLE_READY:
    case ROLE_ALIVE:
    case ROLE_RELOADED:
    case ROLE_KILL_WORKER:
    case ROLE_FATAL:
        break; /* ours to send, not the supervisor's */
    }
}

static void say_reloaded(void)
{
    struct role_message message = {.kind = ROLE_RELOADED};

    if (!role_send(ROLE_CONTROL_FD, &message)) {
        log_message(LOG_WARNING, "could not tell the supervisor that the reload is done");
    }
}

/* systemd's watchdog hangs on it, so it is not said on behalf of a loop that hangs. */
static void say_alive(struct frontend *frontend)
{
    struct role_message message = {.kind = ROLE_ALIVE};
    size_t running = 0;
    size_t waiting = 0;

    if (gateway_is_alive(frontend->gateway, &running, &waiting)) {
        (void)snprintf(message.text, sizeof message.text, "%zu calls running, %zu waiting", running,
                       waiting);
        (void)!role_send(ROLE_CONTROL_FD, &message);
    }
}

/* What runs is finished first, and the supervisor starts another frontend. */
static void stop_if_deaf(struct frontend *frontend)
{
    if (frontend->deaf || !gateway_is_deaf()) {
        return;
    }
    log_message(LOG_WARNING,
                "no client can connect any more: finishing what runs, then starting "
                "again");
    pthread_mutex_lock(&frontend->mutex);
    frontend->deaf = true;
    pthread_mutex_unlock(&frontend->mutex);
    stop_was_said(frontend);
}

/* The first time: stop; the second time: at once. */
static void stop_was_said(struct frontend *frontend)
{
    pthread_mutex_lock(&frontend->mutex);
    unsigned stops = ++frontend->stops;
    pthread_cond_signal(&frontend->stop_said);
    pthread_mutex_unlock(&frontend->mutex);

    ticket_cancel(frontend->start, ERROR_UNAVAILABLE);
    if (stops > 1) {
        gateway_hurry(frontend->gateway);
    }
}

static void wait_for_stop(struct frontend *frontend)
{
    pthread_mutex_lock(&frontend->mutex);
    while (frontend->stops == 0) {
        pthread_cond_wait(&frontend->stop_said, &frontend->mutex);
    }
    pthread_mutex_unlock(&frontend->mutex);
}

static bool is_stopping(struct frontend *frontend)
{
    pthread_mutex_lock(&frontend->mutex);
    bool stopping = frontend->stops > 0;
    pthread_mutex_unlock(&frontend->mutex);
    return stopping;
}

static void ask_to_kill(void *context, uint32_t worker, uint64_t life)
{
    struct role_message message = {.kind = ROLE_KILL_WORKER, .worker = worker, .life = life};

    (void)context;
    if (!role_send(ROLE_CONTROL_FD, &message)) {
        log_message(LOG_WARNING, "could not ask the supervisor to kill a worker");
    }
}

/* The parent of all processes of a server.
 *
 *              .-------------.
 *              v             |
 *   RUNNING -> RESTARTING ---'   the frontend died: kill all workers, then start everything again
 *      |            |
 *      v            |            a signal or a failure came:
 *   FINISHING       |            the frontend finishes what runs, within the grace period
 *      |            |
 *      v            v
 *   ENDING -> OVER               the workers end
 */
#include "frontend/supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/require.h"
#include "common/role.h"
#include "common/text.h"
#include "frontend/supervisor/child.h"
#include "frontend/supervisor/data_folder.h"
#include "frontend/supervisor/notify.h"
#include "frontend/supervisor/runtime_folder.h"
#include "frontend/supervisor/spawn.h"

enum {
    /* For the last process of the old server, when systemd or a person restarts weir. */
    LOCK_WAIT_MS = 10000,

    /* A worker has next to nothing to do before it is ready, even on a loaded machine. */
    WORKER_START_MAX_MS = 60000,

    /* On top of the grace period, for ending what was aborted at its end. */
    FRONTEND_END_MAX_MS = 5000,

    /* After a second signal. */
    FRONTEND_HURRY_MAX_MS = 2000,

    /* Workers are idle when they are asked to end; a commit may have to be finished. */
    WORKER_END_MAX_MS = 2000,

    /* Descriptors: of the supervisor, some per worker; of the frontend, some per connection. */
    DESCRIPTORS_WANTED = 65536,
};

#define NEVER UINT64_MAX

enum phase {
    PHASE_RUNNING,
    PHASE_RESTARTING,
    PHASE_FINISHING,
    PHASE_ENDING,
    PHASE_OVER,
};

struct supervisor {
    const struct options *options;
    enum phase phase;
    int exit_status;
    bool was_ready;       /* the frontend was ready at least once */
    unsigned stops_asked; /* signals that asked for the end */
    uint64_t lives;       /* of workers, counted from 1 */
    struct child frontend;
    struct child workers[LIMIT_WORKERS + 1]; /* the express worker is the last one */
    uint32_t workers_count;                  /* with the express worker */
    struct spawner spawner;
    struct runtime_folder runtime;
    struct notify notify;
    int signal_fd;
};

static bool prepare(struct supervisor *supervisor, int arguments_count,
                    const char *const arguments[], struct error *err);
static bool make_pages(int *pages_out, struct error *err);
static bool take_signals(int *signal_fd_out, struct error *err);
static void raise_descriptor_limit(void);
static void announce_start(const struct options *options);
static void serve(struct supervisor *supervisor);
static void start_due_children(struct supervisor *supervisor);
static void start_frontend(struct supervisor *supervisor);
static void start_worker(struct supervisor *supervisor, uint32_t worker);
static void tell_start_failure(struct supervisor *supervisor, struct child *child,
                               const struct error *err);
static void kill_overdue_children(struct supervisor *supervisor);
static void wait_for_news(struct supervisor *supervisor);
static uint64_t next_due_us(struct supervisor *supervisor);
static void read_signals(struct supervisor *supervisor);
static void reap_children(struct supervisor *supervisor);
static void frontend_ended(struct supervisor *supervisor, int status);
static void worker_ended(struct supervisor *supervisor, uint32_t worker, int status);
static void read_messages(struct supervisor *supervisor, struct child *child);
static void handle_message(struct supervisor *supervisor, struct child *child,
                           const struct role_message *message);
static void child_became_ready(struct supervisor *supervisor, struct child *child);
static void child_is_fatal(struct supervisor *supervisor, const struct child *child,
                           const char *text);
static void kill_life(struct supervisor *supervisor, uint32_t worker, uint64_t life);
static void tell_frontend(struct supervisor *supervisor, enum role_message_kind kind,
                          uint32_t worker, int status);
static void kill_child(struct child *child);
static void close_control(struct child *child);
static void log_end_of_child(const struct supervisor *supervisor, const struct child *child,
                             uint64_t life, pid_t pid, int status);
static void stop(struct supervisor *supervisor, int signal_number);
static void fail(struct supervisor *supervisor, const struct error *err);
static void begin_restart(struct supervisor *supervisor);
static void begin_finish(struct supervisor *supervisor);
static void begin_end(struct supervisor *supervisor);
static bool any_worker_runs(const struct supervisor *supervisor);
static void tell_failure(const struct error *err);

int supervisor_run(const struct options *options, int arguments_count,
                   const char *const arguments[])
{
    /* Static: it is large, and nothing in it may be allocated once children run. */
    static struct supervisor supervisor;
    struct error err = {0};

    supervisor = (struct supervisor){
        .options = options,
        .phase = PHASE_RUNNING,
        .workers_count = (uint32_t)options->workers + 1,
        .runtime = {.fd = -1},
    };
    if (!prepare(&supervisor, arguments_count, arguments, &err)) {
        tell_failure(&err);
        return 1;
    }
    announce_start(options);
    serve(&supervisor);
    runtime_folder_close(&supervisor.runtime);
    notify_close(&supervisor.notify);
    log_message(LOG_INFO, "weir has stopped");
    return supervisor.exit_status;
}

static bool prepare(struct supervisor *supervisor, int arguments_count,
                    const char *const arguments[], struct error *err)
{
    const struct options *options = supervisor->options;
    uint64_t now_us = clock_us();
    int lock_fd;
    int pages_fd;

    /* A log whose reader is gone must not end the server. */
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (!data_folder_lock(options->data_dir, LOCK_WAIT_MS, &lock_fd, err) ||
        !take_signals(&supervisor->signal_fd, err) || !make_pages(&pages_fd, err) ||
        !runtime_folder_open(&supervisor->runtime, err)) {
        return false;
    }
    if (setenv(ROLE_RUNTIME_VARIABLE, supervisor->runtime.path, 1) != 0) {
        return error_set_errno(err, ERROR_INTERNAL, "could not set an environment variable");
    }
    notify_open(&supervisor->notify);
    spawner_init(&supervisor->spawner, pages_fd, lock_fd, options->workers, arguments_count,
                 arguments);
    child_init(&supervisor->frontend, "frontend", now_us);
    for (uint32_t i = 0; i < supervisor->workers_count; i++) {
        char name[sizeof supervisor->workers[i].name] = "worker express";

        if (i + 1 < supervisor->workers_count) {
            snprintf(name, sizeof name, "worker %u", i);
        }
        child_init(&supervisor->workers[i], name, now_us);
    }
    return true;
}

/* Sealed: a broken worker must not be able to take pages away under the others. */
static bool make_pages(int *pages_out, struct error *err)
{
    int pages = memfd_create("weir-pages", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (pages < 0 || ftruncate(pages, sizeof(struct role_pages)) != 0 ||
        fcntl(pages, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        error_set_errno(err, ERROR_INTERNAL, "could not make memory to share with the workers");
        if (pages >= 0) {
            close(pages);
        }
        return false;
    }
    *pages_out = pages;
    return true;
}

/* From here on signals are read from a descriptor, between other events. SIGHUP is the end, too,
 * unless it was ignored at start (nohup). */
static bool take_signals(int *signal_fd_out, struct error *err)
{
    struct sigaction hangup;
    sigset_t wanted;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGCHLD);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
        sigaddset(&wanted, SIGHUP);
    }
    /* Ignored by our own parent, children would vanish without a status. */
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    *signal_fd_out = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (*signal_fd_out < 0) {
        return error_set_errno(err, ERROR_INTERNAL, "could not watch signals");
    }
    return true;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_WANTED) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void announce_start(const struct options *options)
{
    struct log_line line;

    log_begin(&line, LOG_INFO, "weir " WEIR_VERSION " starts");
    log_text(&line, "data_dir", text_path(options->data_dir).text);
    log_number(&line, "workers", options->workers);
    log_number(&line, "process", (uint64_t)getpid());
    log_end(&line);
    if (options->batch_dirs_count == 0) {
        log_message(LOG_WARNING,
                    "requests may name batch files anywhere on this machine: give "
                    "--batch-dir to say where they are");
    }
}

static void serve(struct supervisor *supervisor)
{
    while (supervisor->phase != PHASE_OVER) {
        start_due_children(supervisor);
        wait_for_news(supervisor);
        kill_overdue_children(supervisor);
        if (supervisor->phase == PHASE_RESTARTING && !any_worker_runs(supervisor)) {
            supervisor->phase = PHASE_RUNNING;
        }
        if (supervisor->phase == PHASE_ENDING && !any_worker_runs(supervisor)) {
            supervisor->phase = PHASE_OVER;
        }
    }
}

static void start_due_children(struct supervisor *supervisor)
{
    uint64_t now_us = clock_us();

    /* Workers are still needed while the frontend finishes: a lost job is tried again. */
    if (supervisor->phase != PHASE_RUNNING && supervisor->phase != PHASE_FINISHING) {
        return;
    }
    if (supervisor->frontend.state == CHILD_WAITING && supervisor->frontend.due_us <= now_us) {
        start_frontend(supervisor);
    }
    for (uint32_t i = 0; i < supervisor->workers_count; i++) {
        if (supervisor->workers[i].state == CHILD_WAITING &&
            supervisor->workers[i].due_us <= now_us) {
            start_worker(supervisor, i);
        }
    }
}

static void start_frontend(struct supervisor *supervisor)
{
    struct child *frontend = &supervisor->frontend;
    struct error err = {0};
    pid_t pid;
    int control_fd;

    if (!spawn_frontend(&supervisor->spawner, &pid, &control_fd, &err)) {
        tell_start_failure(supervisor, frontend, &err);
        return;
    }
    /* No time limit: sweeping what a crash has left behind takes as long as it takes. */
    child_started(frontend, frontend->life + 1, pid, control_fd, NEVER);
    for (uint32_t i = 0; i < supervisor->workers_count; i++) {
        if (supervisor->workers[i].state == CHILD_READY) {
            tell_frontend(supervisor, ROLE_WORKER_READY, i, 0);
        }
    }
}

static void start_worker(struct supervisor *supervisor, uint32_t worker)
{
    struct child *child = &supervisor->workers[worker];
    const char *title = child->name + strlen("worker ");
    uint64_t life = ++supervisor->lives;
    struct error err = {0};
    pid_t pid;
    int control_fd;

    if (!spawn_worker(&supervisor->spawner, title, life, &pid, &control_fd, &err)) {
        tell_start_failure(supervisor, child, &err);
        return;
    }
    child_started(child, life, pid, control_fd, clock_us() + (uint64_t)WORKER_START_MAX_MS * 1000);
}

static void tell_start_failure(struct supervisor *supervisor, struct child *child,
                               const struct error *err)
{
    struct error failure = *err;

    child_not_started(child, clock_us());
    error_wrap(&failure, "could not start %s", child->name);
    if (child_is_hopeless(child)) {
        fail(supervisor, &failure);
    } else {
        log_error(LOG_WARNING, "trying again soon", &failure);
    }
}

static void kill_overdue_children(struct supervisor *supervisor)
{
    uint64_t now_us = clock_us();

    for (uint32_t i = 0; i <= supervisor->workers_count; i++) {
        struct child *child =
            i < supervisor->workers_count ? &supervisor->workers[i] : &supervisor->frontend;

        if (child_runs(child) && child->due_us <= now_us) {
            log_message(LOG_WARNING, "%s takes too long while %s: killing it", child->name,
                        child_state_name(child->state));
            kill_child(child);
        }
    }
}

static void wait_for_news(struct supervisor *supervisor)
{
    struct pollfd watched[LIMIT_WORKERS + 3];
    struct child *owners[LIMIT_WORKERS + 3];
    nfds_t count = 0;
    uint64_t now_us = clock_us();
    uint64_t due_us = next_due_us(supervisor);
    int timeout_ms = -1;

    watched[count] = (struct pollfd){.fd = supervisor->signal_fd, .events = POLLIN};
    owners[count++] = NULL;
    for (uint32_t i = 0; i <= supervisor->workers_count; i++) {
        struct child *child =
            i < supervisor->workers_count ? &supervisor->workers[i] : &supervisor->frontend;

        if (child->control_fd >= 0) {
            watched[count] = (struct pollfd){.fd = child->control_fd, .events = POLLIN};
            owners[count++] = child;
        }
    }
    if (due_us <= now_us) {
        timeout_ms = 0;
    } else if (due_us != NEVER) {
        uint64_t wait_ms = (due_us - now_us) / 1000 + 1;

        timeout_ms = wait_ms < 60000 ? (int)wait_ms : 60000;
    }
    if (poll(watched, count, timeout_ms) <= 0) {
        return; /* the time is up, or a signal that we do not block: look at everything anew */
    }
    for (nfds_t i = 1; i < count; i++) {
        if (watched[i].revents != 0) {
            read_messages(supervisor, owners[i]);
        }
    }
    if (watched[0].revents != 0) {
        read_signals(supervisor);
    }
}

/* When something has to be done even if nothing happens. */
static uint64_t next_due_us(struct supervisor *supervisor)
{
    bool starts = supervisor->phase == PHASE_RUNNING || supervisor->phase == PHASE_FINISHING;
    uint64_t due_us = notify_watchdog(&supervisor->notify, clock_us());

    for (uint32_t i = 0; i <= supervisor->workers_count; i++) {
        const struct child *child =
            i < supervisor->workers_count ? &supervisor->workers[i] : &supervisor->frontend;

        if ((child_runs(child) || (child->state == CHILD_WAITING && starts)) &&
            child->due_us < due_us) {
            due_us = child->due_us;
        }
    }
    return due_us;
}

static void read_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo signal_info;

    while (read(supervisor->signal_fd, &signal_info, sizeof signal_info) ==
           (ssize_t)sizeof signal_info) {
        if (signal_info.ssi_signo == SIGCHLD) {
            reap_children(supervisor);
        } else {
            stop(supervisor, (int)signal_info.ssi_signo);
        }
    }
}

/* Several deaths may share one signal; as process 1 of a container we reap strangers, too. */
static void reap_children(struct supervisor *supervisor)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == supervisor->frontend.pid) {
            frontend_ended(supervisor, status);
            continue;
        }
        for (uint32_t i = 0; i < supervisor->workers_count; i++) {
            if (pid == supervisor->workers[i].pid) {
                worker_ended(supervisor, i, status);
                break;
            }
        }
    }
}

static void frontend_ended(struct supervisor *supervisor, int status)
{
    struct child *frontend = &supervisor->frontend;
    pid_t pid = frontend->pid;

    /* Its last words, as why it cannot start. */
    read_messages(supervisor, frontend);
    close_control(frontend);
    if (supervisor->phase == PHASE_FINISHING) {
        child_ended(frontend, clock_us(), CHILD_END_FINAL);
        if (status != 0) {
            log_end_of_child(supervisor, frontend, frontend->life, pid, status);
        }
        begin_end(supervisor);
        return;
    }
    child_ended(frontend, clock_us(), CHILD_END_OWN);
    log_end_of_child(supervisor, frontend, frontend->life, pid, status);
    begin_restart(supervisor);
    if (child_is_hopeless(frontend)) {
        struct error err = {0};

        error_set(&err, ERROR_INTERNAL,
                  "could not serve: the frontend ended %d times in a row before it was ready",
                  CHILD_STARTS_FAILED_MAX);
        error_hint(&err, "The log lines before this one say why.");
        fail(supervisor, &err);
    }
}

static void worker_ended(struct supervisor *supervisor, uint32_t worker, int status)
{
    struct child *child = &supervisor->workers[worker];
    pid_t pid = child->pid;

    read_messages(supervisor, child);
    close_control(child);
    runtime_folder_remove_socket(&supervisor->runtime, worker, child->life);
    switch (supervisor->phase) {
    case PHASE_RESTARTING:
        child_ended(child, clock_us(), CHILD_END_OTHERS);
        return;
    case PHASE_ENDING:
    case PHASE_OVER:
        child_ended(child, clock_us(), CHILD_END_FINAL);
        if (status != 0 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
            log_end_of_child(supervisor, child, child->life, pid, status);
        }
        return;
    case PHASE_RUNNING:
    case PHASE_FINISHING:
        break;
    }
    child_ended(child, clock_us(), CHILD_END_OWN);
    log_end_of_child(supervisor, child, child->life, pid, status);
    tell_frontend(supervisor, ROLE_WORKER_REAPED, worker, status);
    if (child_is_hopeless(child)) {
        struct error err = {0};

        error_set(&err, ERROR_INTERNAL,
                  "could not serve: %s ended %d times in a row before it was ready", child->name,
                  CHILD_STARTS_FAILED_MAX);
        error_hint(&err, "The log lines before this one say why.");
        fail(supervisor, &err);
    }
}

static void read_messages(struct supervisor *supervisor, struct child *child)
{
    struct role_message message;
    int received = -1;

    while (child->control_fd >= 0 && (received = role_receive(child->control_fd, &message)) == 1) {
        handle_message(supervisor, child, &message);
    }
    if (received == 0) {
        /* It is ending, or no longer sane; in both cases it talks no more. */
        close_control(child);
        kill_child(child);
    }
}

static void handle_message(struct supervisor *supervisor, struct child *child,
                           const struct role_message *message)
{
    switch ((enum role_message_kind)message->kind) {
    case ROLE_READY:
        child_became_ready(supervisor, child);
        break;
    case ROLE_KILL_WORKER:
        if (child == &supervisor->frontend) {
            kill_life(supervisor, message->worker, message->life);
        }
        break;
    case ROLE_FATAL:
        child_is_fatal(supervisor, child, message->text);
        break;
    case ROLE_WORKER_READY:
    case ROLE_WORKER_REAPED:
    case ROLE_STOP:
        break; /* ours to send, not theirs */
    }
}

static void child_became_ready(struct supervisor *supervisor, struct child *child)
{
    /* It may have been asked to stop, or killed, while it got ready. */
    if (child->state != CHILD_STARTING) {
        return;
    }
    child_is_ready(child, clock_us());
    if (child == &supervisor->frontend) {
        supervisor->was_ready = true;
        notify_send(&supervisor->notify, "READY=1");
    } else {
        tell_frontend(supervisor, ROLE_WORKER_READY, (uint32_t)(child - supervisor->workers), 0);
    }
}

/* At the first start a person or systemd looks on and can act; later, what is wrong may pass (a
 * full disk), so the pauses between starts decide how long weir tries. */
static void child_is_fatal(struct supervisor *supervisor, const struct child *child,
                           const char *text)
{
    struct error err = {0};

    error_set(&err, ERROR_REQUEST, "%s", text);
    if (supervisor->was_ready) {
        log_error(LOG_SEVERE, child->name, &err);
    } else {
        fail(supervisor, &err);
    }
}

static void kill_life(struct supervisor *supervisor, uint32_t worker, uint64_t life)
{
    if (worker < supervisor->workers_count && supervisor->workers[worker].life == life) {
        kill_child(&supervisor->workers[worker]);
    }
}

static void tell_frontend(struct supervisor *supervisor, enum role_message_kind kind,
                          uint32_t worker, int status)
{
    struct child *frontend = &supervisor->frontend;
    struct role_message message = {
        .kind = kind, .worker = worker, .life = supervisor->workers[worker].life, .status = status};

    if (frontend->control_fd >= 0 && !role_send(frontend->control_fd, &message)) {
        /* Otherwise it has just died, and is reaped soon. */
        if (errno == EAGAIN) {
            log_message(LOG_WARNING, "the frontend takes no messages: killing it");
        }
        kill_child(frontend);
    }
}

static void kill_child(struct child *child)
{
    if (child_runs(child)) {
        kill(child->pid, SIGKILL);
        child_is_killed(child);
    }
}

static void close_control(struct child *child)
{
    if (child->control_fd >= 0) {
        close(child->control_fd);
        child->control_fd = -1;
    }
}

static void log_end_of_child(const struct supervisor *supervisor, const struct child *child,
                             uint64_t life, pid_t pid, int status)
{
    struct log_line line;
    uint64_t now_us = clock_us();
    bool replaced = child != &supervisor->frontend && status == 0;
    enum log_level level = replaced ? LOG_INFO : LOG_WARNING;

    if (WIFSIGNALED(status)) {
        log_begin(&line, level, "%s was killed by signal %d", child->name, WTERMSIG(status));
    } else {
        log_begin(&line, level, "%s ended with status %d", child->name, WEXITSTATUS(status));
    }
    log_number(&line, "process", (uint64_t)pid);
    log_number(&line, "life", life);
    if (child->state == CHILD_WAITING) {
        log_number(&line, "restart_in_ms",
                   child->due_us > now_us ? (child->due_us - now_us) / 1000 : 0);
    }
    log_end(&line);
}

/* A signal came. The first one starts the end, the second cuts it short, the third is the end. */
static void stop(struct supervisor *supervisor, int signal_number)
{
    struct child *frontend = &supervisor->frontend;
    struct role_message message = {.kind = ROLE_STOP};

    supervisor->stops_asked++;
    log_message(LOG_INFO, "stopping on signal %d", signal_number);
    if (supervisor->phase == PHASE_RUNNING || supervisor->phase == PHASE_RESTARTING) {
        begin_finish(supervisor);
        return;
    }
    if (supervisor->phase == PHASE_FINISHING && frontend->state == CHILD_STOPPING) {
        if (supervisor->stops_asked > 2 || !role_send(frontend->control_fd, &message)) {
            kill_child(frontend);
            return;
        }
        child_stops(frontend, clock_us() + (uint64_t)FRONTEND_HURRY_MAX_MS * 1000);
    }
}

/* What makes further serving impossible: told once, then the end as after a signal. */
static void fail(struct supervisor *supervisor, const struct error *err)
{
    if (supervisor->exit_status != 0) {
        return;
    }
    supervisor->exit_status = 1;
    tell_failure(err);
    if (supervisor->phase == PHASE_RUNNING || supervisor->phase == PHASE_RESTARTING) {
        begin_finish(supervisor);
    }
}

/* The frontend died: the workers' jobs have lost their purpose. They end before the next frontend
 * starts, since it sweeps what they leave behind. */
static void begin_restart(struct supervisor *supervisor)
{
    supervisor->phase = PHASE_RESTARTING;
    for (uint32_t i = 0; i < supervisor->workers_count; i++) {
        kill_child(&supervisor->workers[i]);
    }
}

static void begin_finish(struct supervisor *supervisor)
{
    struct child *frontend = &supervisor->frontend;
    struct role_message message = {.kind = ROLE_STOP};
    uint64_t grace_us = supervisor->options->grace_ms * 1000;

    notify_send(&supervisor->notify, "STOPPING=1");
    supervisor->phase = PHASE_FINISHING;
    if (!child_runs(frontend)) {
        if (frontend->state == CHILD_WAITING) {
            child_is_unwanted(frontend);
        }
        begin_end(supervisor);
        return;
    }
    if (frontend->state == CHILD_KILLED) {
        return; /* reaped soon */
    }
    if (frontend->control_fd < 0 || !role_send(frontend->control_fd, &message)) {
        kill_child(frontend);
        return;
    }
    child_stops(frontend, clock_us() + grace_us + (uint64_t)FRONTEND_END_MAX_MS * 1000);
}

static void begin_end(struct supervisor *supervisor)
{
    struct role_message message = {.kind = ROLE_STOP};
    uint64_t due_us = clock_us() + (uint64_t)WORKER_END_MAX_MS * 1000;

    supervisor->phase = PHASE_ENDING;
    for (uint32_t i = 0; i < supervisor->workers_count; i++) {
        struct child *child = &supervisor->workers[i];

        if (!child_runs(child)) {
            child_is_unwanted(child);
        } else if (child->state == CHILD_KILLED) {
            continue;
        } else if (child->control_fd >= 0 && role_send(child->control_fd, &message)) {
            child_stops(child, due_us);
        } else {
            kill_child(child);
        }
    }
}

static bool any_worker_runs(const struct supervisor *supervisor)
{
    for (uint32_t i = 0; i < supervisor->workers_count; i++) {
        if (child_runs(&supervisor->workers[i])) {
            return true;
        }
    }
    return false;
}

/* A line for programs that read the log, and one for a person at the terminal. */
static void tell_failure(const struct error *err)
{
    log_error(LOG_SEVERE, "weir cannot serve", err);
    if (err->hint[0] != '\0') {
        fprintf(stderr, "weir: %s (hint: %s)\n", err->message, err->hint);
    } else {
        fprintf(stderr, "weir: %s\n", err->message);
    }
}

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

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/role.h"
#include "common/text.h"
#include "frontend/supervisor/data_folder.h"
#include "frontend/supervisor/family.h"
#include "frontend/supervisor/notify.h"
#include "frontend/supervisor/setup.h"

enum {
    /* For the last process of the old server, when systemd or a person restarts weir. */
    LOCK_WAIT_MS = 10000,

    /* On top of the grace period, for ending what was aborted at its end. */
    FRONTEND_END_MAX_MS = 5000,

    /* After a second signal. */
    FRONTEND_HURRY_MAX_MS = 2000,

    /* Workers are idle when they are asked to end. */
    WORKER_END_MAX_MS = 2000,

    /* timeout(1) and some terminals send a signal twice: what follows so fast is the same one. */
    SAME_SIGNAL_MS = 300,

    POLL_MAX_MS = 60000,

    /* A frontend that has not said for so long that it serves is taken to hang. */
    ALIVE_MAX_MS = 5 * ROLE_ALIVE_MS,
};

/* Exit statuses beside 0. systemd starts weir again after both. */
enum {
    STATUS_FAILED = 1,
    STATUS_CRASH_LOOP = 70, /* EX_SOFTWARE of sysexits.h */
};

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
    uint64_t alive_us;    /* when it last said that it serves */
    unsigned stops_asked; /* signals that asked for the end */
    uint64_t stop_us;     /* when the last of them came */
    struct family family;
    struct notify notify;
    int signal_fd;
};

static bool prepare(struct supervisor *supervisor, int arguments_count,
                    const char *const arguments[], struct error *err);
static void announce_start(const struct options *options);
static void serve(struct supervisor *supervisor);
static bool starts_children(const struct supervisor *supervisor);
static void start_due_children(struct supervisor *supervisor);
static void start(struct supervisor *supervisor, struct child *child);
static void wait_for_news(struct supervisor *supervisor);
static int time_to_wait_ms(struct supervisor *supervisor);
static void read_signals(struct supervisor *supervisor);
static void reap_children(struct supervisor *supervisor);
static void frontend_ended(struct supervisor *supervisor, int status);
static void worker_ended(struct supervisor *supervisor, struct child *worker, int status);
static void give_up_if_hopeless(struct supervisor *supervisor, const struct child *child);
static void read_messages(struct supervisor *supervisor, struct child *child);
static void handle_message(struct supervisor *supervisor, struct child *child,
                           const struct role_message *message);
static void child_became_ready(struct supervisor *supervisor, struct child *child);
static void frontend_is_alive(struct supervisor *supervisor, const struct child *child,
                              const struct role_message *message);
static bool is_alive(struct supervisor *supervisor, uint64_t now_us);
static void child_cannot_start(struct supervisor *supervisor, const struct child *child,
                               const char *why);
static void kill_life(struct supervisor *supervisor, uint32_t worker, uint64_t life);
static void reload(struct supervisor *supervisor);
static void child_reloaded(const struct supervisor *supervisor, const struct child *child);
static void stop(struct supervisor *supervisor, unsigned signal_number);
static void fail(struct supervisor *supervisor, int status, const struct error *err);
static void begin_restart(struct supervisor *supervisor);
static void begin_finish(struct supervisor *supervisor);
static void begin_end(struct supervisor *supervisor);
static void tell_failure(const struct error *err);

int supervisor_run(const struct options *options, int arguments_count,
                   const char *const arguments[])
{
    static struct supervisor supervisor; /* too large for a stack that may be small */
    struct error err = {0};

    supervisor.options = options;
    supervisor.phase = PHASE_RUNNING;
    if (!prepare(&supervisor, arguments_count, arguments, &err)) {
        tell_failure(&err);
        return STATUS_FAILED;
    }
    announce_start(options);
    serve(&supervisor);
    runtime_folder_close(&supervisor.family.runtime);
    notify_close(&supervisor.notify);
    log_message(LOG_INFO, "weir has stopped");
    return supervisor.exit_status;
}

static bool prepare(struct supervisor *supervisor, int arguments_count,
                    const char *const arguments[], struct error *err)
{
    const struct options *options = supervisor->options;
    struct family *family = &supervisor->family;
    struct spawn_descriptors descriptors = {0};
    char sockets[24];

    setup_descriptor_limit();
    if (!activation_take(&descriptors.activation, err) ||
        !setup_check_batch_folders(options, err) ||
        !data_folder_lock(options->data_dir, LOCK_WAIT_MS, &descriptors.lock, err) ||
        !setup_signals(&supervisor->signal_fd, err) || !setup_pages(&descriptors.pages, err) ||
        !runtime_folder_open(&family->runtime, err)) {
        return false;
    }
    data_folder_note_sockets(descriptors.lock, family->runtime.path);
    snprintf(sockets, sizeof sockets, "%zu", descriptors.activation.count);
    if (setenv(ROLE_RUNTIME_VARIABLE, family->runtime.path, 1) != 0 ||
        setenv(ROLE_SOCKETS_VARIABLE, sockets, 1) != 0) {
        return error_set_errno(err, ERROR_INTERNAL, "could not set an environment variable");
    }
    notify_open(&supervisor->notify);
    family_init(family, options->workers);
    spawner_init(&family->spawner, &descriptors, options->workers, arguments_count, arguments);
    return true;
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
    struct family *family = &supervisor->family;

    while (supervisor->phase != PHASE_OVER) {
        start_due_children(supervisor);
        wait_for_news(supervisor);
        family_kill_overdue(family);
        if (supervisor->phase == PHASE_RESTARTING && family_has_no_workers(family)) {
            supervisor->phase = PHASE_RUNNING;
        }
        if (supervisor->phase == PHASE_ENDING && family_has_no_workers(family)) {
            supervisor->phase = PHASE_OVER;
        }
    }
}

/* Workers are still needed while the frontend finishes: a lost job is tried again. */
static bool starts_children(const struct supervisor *supervisor)
{
    return supervisor->phase == PHASE_RUNNING || supervisor->phase == PHASE_FINISHING;
}

static void start_due_children(struct supervisor *supervisor)
{
    uint64_t now_us = clock_us();

    for (uint32_t i = 0; i < supervisor->family.count && starts_children(supervisor); i++) {
        struct child *child = &supervisor->family.members[i];

        if (child->state == CHILD_WAITING && child->due_us <= now_us) {
            start(supervisor, child);
        }
    }
}

static void start(struct supervisor *supervisor, struct child *child)
{
    struct family *family = &supervisor->family;
    struct error err = {0};

    if (!family_start(family, child, &err)) {
        log_message(LOG_WARNING, "%s; trying again in %llu ms", err.message,
                    (unsigned long long)(child->due_us - clock_us()) / 1000);
        give_up_if_hopeless(supervisor, child);
        return;
    }
    if (child != family_frontend(family)) {
        return;
    }
    for (uint32_t i = 0; family_worker(family, i) != NULL; i++) {
        if (family_worker(family, i)->state == CHILD_READY) {
            family_tell_frontend(family, ROLE_WORKER_READY, family_worker(family, i), 0);
        }
    }
}

static void wait_for_news(struct supervisor *supervisor)
{
    struct pollfd watched[1 + FAMILY_MAX];
    struct child *owners[1 + FAMILY_MAX];
    nfds_t count = 1;

    watched[0] = (struct pollfd){.fd = supervisor->signal_fd, .events = POLLIN};
    for (uint32_t i = 0; i < supervisor->family.count; i++) {
        struct child *child = &supervisor->family.members[i];

        if (child->control_fd >= 0) {
            watched[count] = (struct pollfd){.fd = child->control_fd, .events = POLLIN};
            owners[count++] = child;
        }
    }
    if (poll(watched, count, time_to_wait_ms(supervisor)) <= 0) {
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

static int time_to_wait_ms(struct supervisor *supervisor)
{
    uint64_t now_us = clock_us();
    uint64_t due_us = family_next_due_us(&supervisor->family, starts_children(supervisor));
    uint64_t watchdog_us =
        notify_watchdog(&supervisor->notify, now_us, is_alive(supervisor, now_us));

    if (watchdog_us < due_us) {
        due_us = watchdog_us;
    }
    if (due_us <= now_us) {
        return 0;
    }
    /* Rounded up: waking before the time would only turn the loop in vain. */
    uint64_t wait_ms = (due_us - now_us) / 1000 + 1;

    return wait_ms < POLL_MAX_MS ? (int)wait_ms : POLL_MAX_MS;
}

static void read_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo news;

    while (read(supervisor->signal_fd, &news, sizeof news) == (ssize_t)sizeof news) {
        if (news.ssi_signo == SIGCHLD) {
            reap_children(supervisor);
        } else if (news.ssi_signo == SIGHUP) {
            reload(supervisor);
        } else {
            stop(supervisor, news.ssi_signo);
        }
    }
}

/* Several deaths may share one signal; as process 1 of a container we reap strangers, too. */
static void reap_children(struct supervisor *supervisor)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *child = family_find(&supervisor->family, pid);

        if (child == NULL) {
            continue;
        }
        /* Its last words first, as why it cannot start. */
        read_messages(supervisor, child);
        if (child == family_frontend(&supervisor->family)) {
            frontend_ended(supervisor, status);
        } else {
            worker_ended(supervisor, child, status);
        }
    }
}

static void frontend_ended(struct supervisor *supervisor, int status)
{
    struct child *frontend = family_frontend(&supervisor->family);

    if (supervisor->phase == PHASE_FINISHING) {
        family_ended(&supervisor->family, frontend, CHILD_END_FINAL, status);
        begin_end(supervisor);
        return;
    }
    family_ended(&supervisor->family, frontend, CHILD_END_OWN, status);
    begin_restart(supervisor);
    give_up_if_hopeless(supervisor, frontend);
}

static void worker_ended(struct supervisor *supervisor, struct child *worker, int status)
{
    struct family *family = &supervisor->family;

    switch (supervisor->phase) {
    case PHASE_RUNNING:
    case PHASE_FINISHING:
        family_ended(family, worker, CHILD_END_OWN, status);
        family_tell_frontend(family, ROLE_WORKER_REAPED, worker, status);
        give_up_if_hopeless(supervisor, worker);
        break;
    case PHASE_RESTARTING:
        family_ended(family, worker, CHILD_END_OTHERS, status);
        break;
    case PHASE_ENDING:
    case PHASE_OVER:
        family_ended(family, worker, CHILD_END_FINAL, status);
        break;
    }
}

static void give_up_if_hopeless(struct supervisor *supervisor, const struct child *child)
{
    struct error err = {0};

    if (family_has_useless_workers(&supervisor->family)) {
        error_set(&err, ERROR_INTERNAL,
                  "all workers ended %u times in a row soon after they were ready, without having "
                  "finished a job: giving up",
                  CHILD_USELESS_LIVES_MAX);
    } else if (!child_is_hopeless(child)) {
        return;
    } else if (child->starts_failed > 0) {
        error_set(&err, ERROR_INTERNAL, "%s ended %u times in a row before it was ready: giving up",
                  child->name, child->starts_failed);
    } else {
        error_set(&err, ERROR_INTERNAL,
                  "%s ended %u times in a row soon after it was ready: giving up", child->name,
                  child->useless_lives);
    }
    error_hint(&err, "The log lines before this one say why.");
    fail(supervisor, STATUS_CRASH_LOOP, &err);
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
        family_close_control(child);
        family_kill(child);
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
        if (child == family_frontend(&supervisor->family)) {
            kill_life(supervisor, message->worker, message->life);
        }
        break;
    case ROLE_FATAL:
        child_cannot_start(supervisor, child, message->text);
        break;
    case ROLE_ALIVE:
        frontend_is_alive(supervisor, child, message);
        break;
    case ROLE_RELOADED:
        child_reloaded(supervisor, child);
        break;
    case ROLE_WORKER_READY:
    case ROLE_WORKER_REAPED:
    case ROLE_RELOAD:
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
    if (child == family_frontend(&supervisor->family)) {
        supervisor->was_ready = true;
        supervisor->alive_us = clock_us();
        notify_send(&supervisor->notify, "READY=1");
    } else {
        family_tell_frontend(&supervisor->family, ROLE_WORKER_READY, child, 0);
    }
}

static void frontend_is_alive(struct supervisor *supervisor, const struct child *child,
                              const struct role_message *message)
{
    if (child == family_frontend(&supervisor->family) && child->state == CHILD_READY) {
        supervisor->alive_us = clock_us();
        notify_status(&supervisor->notify, message->text);
    }
}

/* Whether there is reason to tell systemd so: calls are taken, and some worker can do what they ask
 * for. A worker that hangs in a job is the frontend's to notice. */
static bool is_alive(struct supervisor *supervisor, uint64_t now_us)
{
    struct family *family = &supervisor->family;
    bool any_worker = false;

    for (uint32_t i = 0; family_worker(family, i) != NULL; i++) {
        any_worker = any_worker || family_worker(family, i)->state == CHILD_READY;
    }
    return any_worker && family_frontend(family)->state == CHILD_READY &&
           now_us - supervisor->alive_us < (uint64_t)ALIVE_MAX_MS * 1000;
}

/* At the first start a person or systemd looks on and can act; later, what is wrong may pass (a
 * full disk), so the pauses between starts decide how long weir tries. */
static void child_cannot_start(struct supervisor *supervisor, const struct child *child,
                               const char *why)
{
    struct error err = {0};

    error_set(&err, ERROR_REQUEST, "%.*s", (int)strcspn(why, "\n"), why);
    error_hint(&err, "%s", why + strcspn(why, "\n") + (strchr(why, '\n') != NULL ? 1 : 0));
    if (supervisor->was_ready) {
        log_error(LOG_SEVERE, child->name, &err);
    } else {
        fail(supervisor, STATUS_FAILED, &err);
    }
}

static void kill_life(struct supervisor *supervisor, uint32_t worker, uint64_t life)
{
    struct child *child = family_worker(&supervisor->family, worker);

    if (child != NULL && child->life == life) {
        family_kill(child);
    }
}

/* A frontend that is not there reads the files when it starts; one that starts may have read them
 * already. */
static void reload(struct supervisor *supervisor)
{
    const struct child *frontend = family_frontend(&supervisor->family);

    log_message(LOG_INFO, "reloading on signal %d", SIGHUP);
    if (frontend->state == CHILD_READY) {
        notify_reloading(&supervisor->notify);
    }
    family_tell_frontend(&supervisor->family, ROLE_RELOAD, frontend, 0);
}

static void child_reloaded(const struct supervisor *supervisor, const struct child *child)
{
    if (child->state == CHILD_READY) {
        notify_send(&supervisor->notify, "READY=1");
    }
}

/* A signal came. The first one starts the end, the second cuts the grace period short, the third
 * ends at once. */
static void stop(struct supervisor *supervisor, unsigned signal_number)
{
    struct child *frontend = family_frontend(&supervisor->family);

    if (supervisor->stops_asked > 0 &&
        clock_us() - supervisor->stop_us < (uint64_t)SAME_SIGNAL_MS * 1000) {
        return;
    }
    supervisor->stops_asked++;
    supervisor->stop_us = clock_us();
    log_message(LOG_INFO, "stopping on signal %u", signal_number);
    if (supervisor->phase == PHASE_RUNNING || supervisor->phase == PHASE_RESTARTING) {
        begin_finish(supervisor);
    } else if (supervisor->phase == PHASE_FINISHING && supervisor->stops_asked > 2) {
        family_kill(frontend);
    } else if (supervisor->phase == PHASE_FINISHING) {
        family_stop(frontend, clock_us() + (uint64_t)FRONTEND_HURRY_MAX_MS * 1000);
    }
}

/* What makes further serving impossible: told once, then the end as after a signal. */
static void fail(struct supervisor *supervisor, int status, const struct error *err)
{
    if (supervisor->exit_status != 0) {
        return;
    }
    supervisor->exit_status = status;
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
    for (uint32_t i = 0; family_worker(&supervisor->family, i) != NULL; i++) {
        family_kill(family_worker(&supervisor->family, i));
    }
}

static void begin_finish(struct supervisor *supervisor)
{
    struct child *frontend = family_frontend(&supervisor->family);
    uint64_t patience_ms = supervisor->options->grace_ms + FRONTEND_END_MAX_MS;

    notify_stopping(&supervisor->notify, patience_ms + WORKER_END_MAX_MS);
    supervisor->phase = PHASE_FINISHING;
    if (child_runs(frontend)) {
        family_stop(frontend, clock_us() + patience_ms * 1000);
    } else {
        child_is_unwanted(frontend);
        begin_end(supervisor);
    }
}

static void begin_end(struct supervisor *supervisor)
{
    uint64_t due_us = clock_us() + (uint64_t)WORKER_END_MAX_MS * 1000;

    supervisor->phase = PHASE_ENDING;
    for (uint32_t i = 0; family_worker(&supervisor->family, i) != NULL; i++) {
        struct child *worker = family_worker(&supervisor->family, i);

        if (child_runs(worker)) {
            family_stop(worker, due_us);
        } else {
            child_is_unwanted(worker);
        }
    }
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

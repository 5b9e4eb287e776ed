/* The processes of a server. */
#include "frontend/supervisor/family.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/require.h"

enum {
    /* A worker has next to nothing to do before it is ready, even on a loaded machine. */
    WORKER_START_MAX_MS = 60000
};

static bool spawn(struct family *family, const struct child *child, uint64_t life, pid_t *pid_out,
                  int *control_fd_out, struct error *err);
static uint32_t index_of(const struct family *family, const struct child *child);
static bool is_frontend(const struct family *family, const struct child *child);
static void see_work(struct family *family, struct child *worker);
static bool ended_as_meant(enum child_end end, int status);
static void tell_end(const struct family *family, const struct child *child, pid_t pid, int status);

void family_init(struct family *family, uint64_t workers)
{
    uint64_t now_us = clock_us();

    REQUIRE(workers >= 1);
    REQUIRE(workers <= LIMIT_WORKERS);
    family->count = (uint32_t)workers + 2;
    family->lives = 0;
    for (uint32_t i = 0; i < workers; i++) {
        char name[sizeof family->members[i].name];

        snprintf(name, sizeof name, "worker %u", i);
        child_init(&family->members[i], name, now_us);
    }
    child_init(&family->members[workers], "worker express", now_us);
    child_init(family_frontend(family), "frontend", now_us);
    family_frontend(family)->is_vital = true;
}

struct child *family_frontend(struct family *family)
{
    return &family->members[family->count - 1];
}

struct child *family_worker(struct family *family, uint32_t worker)
{
    return worker < family->count - 1 ? &family->members[worker] : NULL;
}

struct child *family_find(struct family *family, pid_t pid)
{
    for (uint32_t i = 0; i < family->count; i++) {
        if (child_runs(&family->members[i]) && family->members[i].pid == pid) {
            return &family->members[i];
        }
    }
    return NULL;
}

bool family_start(struct family *family, struct child *child, struct error *err)
{
    /* Sweeping what a crash has left behind takes the frontend as long as it takes. */
    uint64_t due_us = UINT64_MAX;
    uint64_t life = child->life + 1;
    pid_t pid;
    int control_fd;

    if (!is_frontend(family, child)) {
        due_us = clock_us() + (uint64_t)WORKER_START_MAX_MS * 1000;
        life = ++family->lives;
    }
    if (!spawn(family, child, life, &pid, &control_fd, err)) {
        child_not_started(child, clock_us());
        return error_wrap(err, "could not start %s", child->name);
    }
    child_started(child, life, pid, control_fd, due_us);
    return true;
}

void family_stop(struct child *child, uint64_t due_us)
{
    struct role_message message = {.kind = ROLE_STOP};

    if (!child_runs(child) || child->state == CHILD_KILLED) {
        return;
    }
    if (child->control_fd >= 0 && role_send(child->control_fd, &message)) {
        child_stops(child, due_us);
    } else {
        family_kill(child);
    }
}

void family_kill(struct child *child)
{
    if (child_runs(child)) {
        kill(child->pid, SIGKILL);
        child_is_killed(child);
    }
}

void family_kill_overdue(struct family *family)
{
    uint64_t now_us = clock_us();

    for (uint32_t i = 0; i < family->count; i++) {
        struct child *child = &family->members[i];

        if (child_runs(child) && child->due_us <= now_us) {
            log_message(LOG_WARNING, "%s takes too long while it is %s: killing it", child->name,
                        child_state_name(child->state));
            family_kill(child);
        }
    }
}

uint64_t family_next_due_us(const struct family *family, bool starts)
{
    uint64_t due_us = UINT64_MAX;

    for (uint32_t i = 0; i < family->count; i++) {
        const struct child *child = &family->members[i];
        bool counts = child_runs(child) || (child->state == CHILD_WAITING && starts);

        if (counts && child->due_us < due_us) {
            due_us = child->due_us;
        }
    }
    return due_us;
}

void family_tell_frontend(struct family *family, enum role_message_kind kind,
                          const struct child *worker, int status)
{
    struct child *frontend = family_frontend(family);
    struct role_message message = {
        .kind = kind, .worker = index_of(family, worker), .life = worker->life, .status = status};

    if (frontend->control_fd >= 0 && !role_send(frontend->control_fd, &message)) {
        /* Otherwise it has just died, and is reaped soon. */
        if (errno == EAGAIN) {
            log_message(LOG_WARNING, "the frontend takes no messages: killing it");
        }
        family_kill(frontend);
    }
}

void family_ended(struct family *family, struct child *child, enum child_end end, int status)
{
    pid_t pid = child->pid;

    family_close_control(child);
    if (!is_frontend(family, child)) {
        see_work(family, child);
    }
    child_ended(child, clock_us(), end);
    if (!is_frontend(family, child)) {
        runtime_folder_remove_socket(&family->runtime, index_of(family, child), child->life);
    }
    if (!ended_as_meant(end, status)) {
        tell_end(family, child, pid, status);
    }
}

bool family_has_useless_workers(const struct family *family)
{
    for (uint32_t i = 0; i < family->count - 1; i++) {
        if (!child_is_useless(&family->members[i])) {
            return false;
        }
    }
    return true;
}

bool family_has_no_workers(const struct family *family)
{
    for (uint32_t i = 0; i < family->count - 1; i++) {
        if (child_runs(&family->members[i])) {
            return false;
        }
    }
    return true;
}

void family_close_control(struct child *child)
{
    if (child->control_fd >= 0) {
        close(child->control_fd);
        child->control_fd = -1;
    }
}

static bool spawn(struct family *family, const struct child *child, uint64_t life, pid_t *pid_out,
                  int *control_fd_out, struct error *err)
{
    if (is_frontend(family, child)) {
        return spawn_frontend(&family->spawner, pid_out, control_fd_out, err);
    }
    return spawn_worker(&family->spawner, child->name + strlen("worker "), life, pid_out,
                        control_fd_out, err);
}

static uint32_t index_of(const struct family *family, const struct child *child)
{
    return (uint32_t)(child - family->members);
}

static bool is_frontend(const struct family *family, const struct child *child)
{
    return index_of(family, child) == family->count - 1;
}

/* Its page outlives a worker, and says how many jobs all its lives have finished. */
static void see_work(struct family *family, struct child *worker)
{
    uint32_t index = index_of(family, worker);
    off_t at = (off_t)(index * sizeof(struct role_page) + offsetof(struct role_page, finished));
    uint64_t finished = 0;

    if (pread(family->spawner.descriptors.pages, &finished, sizeof finished, at) !=
        sizeof finished) {
        return;
    }
    if (finished != family->jobs_finished[index]) {
        child_has_worked(worker);
    }
    family->jobs_finished[index] = finished;
}

/* We kill workers ourselves when all begin anew, and at the end those that do not hurry. */
static bool ended_as_meant(enum child_end end, int status)
{
    switch (end) {
    case CHILD_END_OTHERS:
        return true;
    case CHILD_END_FINAL:
        return status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    case CHILD_END_OWN:
        break;
    }
    return false;
}

static void tell_end(const struct family *family, const struct child *child, pid_t pid, int status)
{
    struct log_line line;
    uint64_t now_us = clock_us();
    /* A worker ends by itself when a library has leaked too much of its memory. */
    enum log_level level = !is_frontend(family, child) && status == 0 ? LOG_INFO : LOG_WARNING;

    if (WIFSIGNALED(status)) {
        log_begin(&line, level, "%s was killed by signal %d", child->name, WTERMSIG(status));
    } else {
        log_begin(&line, level, "%s ended with status %d", child->name, WEXITSTATUS(status));
    }
    log_number(&line, "process", (uint64_t)pid);
    log_number(&line, "life", child->life);
    if (child->state == CHILD_WAITING) {
        log_number(&line, "restart_in_ms",
                   child->due_us > now_us ? (child->due_us - now_us) / 1000 : 0);
    }
    log_end(&line);
}

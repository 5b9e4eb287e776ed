/* Starting a process in a role. */
#include "frontend/supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/role.h"

enum {
    EXIT_NO_ROLE = 127, /* as a shell says that it cannot execute something */

    /* Positions in a child's arguments. */
    AT_TITLE = 0,
    AT_ROLE_COMMAND,
    AT_ROLE,
    AT_WORKER, /* a frontend has neither worker nor life: its options start here */
    AT_LIFE,
    AT_OPTIONS,
};

/* Where a library's call is looked up when it is made first, the dynamic linker puts the vector
 * registers on the stack, and with them what memcpy() has moved last. weir itself is linked with
 * all looked up at the start; libc is not. */
static char bind_now[] = "LD_BIND_NOW=1";

static bool spawn(struct spawner *spawner, char **arguments, bool is_frontend, pid_t *pid_out,
                  int *control_fd_out, struct error *err);
static _Noreturn void become_child(const struct spawner *spawner, char **arguments,
                                   bool is_frontend, int control_fd, pid_t supervisor);
static bool place_descriptors(const struct spawn_descriptors *from, size_t sockets, int control_fd);
static char *wiping_tunables(void);
static void reset_signals(void);

void spawner_init(struct spawner *spawner, const struct spawn_descriptors *descriptors,
                  uint64_t workers, int arguments_count, const char *const arguments[])
{
    size_t count = (size_t)arguments_count;
    char **all = mem_zero_array(AT_OPTIONS + 1 + count + 1, sizeof *all);

    /* In front: given by the user, it has the same value there. */
    all[AT_OPTIONS] = mem_format("--workers=%llu", (unsigned long long)workers);
    for (size_t i = 0; i < count; i++) {
        all[AT_OPTIONS + 1 + i] = mem_text(arguments[i]);
    }
    *spawner = (struct spawner){
        .arguments = all, .descriptors = *descriptors, .frontend_tunables = wiping_tunables()};
}

bool spawn_frontend(struct spawner *spawner, pid_t *pid_out, int *control_fd_out, struct error *err)
{
    char title[] = "weir: frontend";
    char role_command[] = "role";
    char role[] = "frontend";
    char **arguments = spawner->arguments + (AT_OPTIONS - AT_WORKER);

    arguments[AT_TITLE] = title;
    arguments[AT_ROLE_COMMAND] = role_command;
    arguments[AT_ROLE] = role;
    return spawn(spawner, arguments, true, pid_out, control_fd_out, err);
}

bool spawn_worker(struct spawner *spawner, const char *worker, uint64_t life, pid_t *pid_out,
                  int *control_fd_out, struct error *err)
{
    char title[32];
    char role_command[] = "role";
    char role[] = "worker";
    char worker_text[16];
    char life_text[24];
    char **arguments = spawner->arguments;

    snprintf(title, sizeof title, "weir: worker %s", worker);
    snprintf(worker_text, sizeof worker_text, "%s", worker);
    snprintf(life_text, sizeof life_text, "%llu", (unsigned long long)life);
    arguments[AT_TITLE] = title;
    arguments[AT_ROLE_COMMAND] = role_command;
    arguments[AT_ROLE] = role;
    arguments[AT_WORKER] = worker_text;
    arguments[AT_LIFE] = life_text;
    return spawn(spawner, arguments, false, pid_out, control_fd_out, err);
}

static bool spawn(struct spawner *spawner, char **arguments, bool is_frontend, pid_t *pid_out,
                  int *control_fd_out, struct error *err)
{
    struct timeval send_timeout = {.tv_sec = ROLE_SEND_TIMEOUT_MS / 1000};
    pid_t supervisor = getpid();
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return error_set_errno(err, ERROR_INTERNAL, "could not make a socket for a new process");
    }
    setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &send_timeout, sizeof send_timeout);
    setsockopt(ends[1], SOL_SOCKET, SO_SNDTIMEO, &send_timeout, sizeof send_timeout);

    pid_t pid = fork();

    if (pid == 0) {
        become_child(spawner, arguments, is_frontend, ends[1], supervisor);
    }
    int errno_value = errno;

    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        errno = errno_value;
        return error_set_errno(err, ERROR_INTERNAL, "could not start a new process");
    }
    *pid_out = pid;
    *control_fd_out = ends[0];
    return true;
}

static _Noreturn void become_child(const struct spawner *spawner, char **arguments,
                                   bool is_frontend, int control_fd, pid_t supervisor)
{
    /* The signal comes only if the supervisor dies from here on: look whether it has already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != supervisor) {
        _exit(EXIT_NO_ROLE);
    }
    reset_signals();
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!place_descriptors(&spawner->descriptors,
                           is_frontend ? spawner->descriptors.activation.count : 0, control_fd)) {
        log_message(LOG_SEVERE, "could not hand descriptors to %s", arguments[AT_TITLE]);
        _exit(EXIT_NO_ROLE);
    }
    if (putenv(bind_now) != 0 || (is_frontend && putenv(spawner->frontend_tunables) != 0)) {
        log_message(LOG_WARNING, "%s will not wipe all memory that held keys", arguments[AT_TITLE]);
    }
    /* Not by name: an upgrade that replaces the file must not mix versions. */
    execv("/proc/self/exe", arguments);
    log_message(LOG_SEVERE, "could not execute \"/proc/self/exe\" for %s: error %d",
                arguments[AT_TITLE], errno);
    _exit(EXIT_NO_ROLE);
}

/* The sources may stand where others belong, so all go out of the way first. */
static bool place_descriptors(const struct spawn_descriptors *from, size_t sockets, int control_fd)
{
    int control = fcntl(control_fd, F_DUPFD_CLOEXEC, ROLE_DESCRIPTORS_END);
    int pages = fcntl(from->pages, F_DUPFD_CLOEXEC, ROLE_DESCRIPTORS_END);
    int lock = fcntl(from->lock, F_DUPFD_CLOEXEC, ROLE_DESCRIPTORS_END);

    if (control < 0 || pages < 0 || lock < 0 || dup2(control, ROLE_CONTROL_FD) < 0 ||
        dup2(pages, ROLE_PAGES_FD) < 0 || dup2(lock, ROLE_LOCK_FD) < 0) {
        return false;
    }
    for (size_t i = 0; i < sockets; i++) {
        if (dup2(from->activation.sockets[i], ROLE_SOCKET_FD + (int)i) < 0) {
            return false;
        }
    }
    /* Ours are all CLOEXEC; this is for what the supervisor itself has inherited. */
    (void)close_range(ROLE_SOCKET_FD + (unsigned)sockets, ~0U, CLOSE_RANGE_CLOEXEC);
    return true;
}

/* gRPC and nng pass requests on in memory of their own, with the keys of batch files in it. glibc
 * overwrites all that is freed if it is told so (M_PERTURB in mallopt(3)), except in its cache per
 * thread. The variable's other settings are the user's. */
static char *wiping_tunables(void)
{
    const char *given = getenv("GLIBC_TUNABLES");

    return mem_format("GLIBC_TUNABLES=%s%sglibc.malloc.perturb=90:glibc.malloc.tcache_count=0",
                      given != NULL ? given : "", given != NULL ? ":" : "");
}

/* Terminals and systemd send SIGINT, SIGHUP and SIGTERM to all processes, but only the supervisor
 * decides what happens then. What is ignored stays so over exec. */
static void reset_signals(void)
{
    sigset_t none;

    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

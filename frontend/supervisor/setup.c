/* What the supervisor needs from the system. */
#include "frontend/supervisor/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "common/role.h"
#include "common/text.h"

enum {
    /* Of the supervisor, some per worker; of the frontend, some per connection. */
    DESCRIPTORS_WANTED = 65536
};

static bool check_batch_folder(const char *folder, struct error *err);
static void close_if_open(int fd);

bool setup_check_batch_folders(const struct options *options, struct error *err)
{
    for (size_t i = 0; i < options->batch_dirs_count; i++) {
        if (!check_batch_folder(options->batch_dirs[i], err)) {
            return error_wrap(err, "could not use batch folder \"%s\"",
                              text_path(options->batch_dirs[i]).text);
        }
    }
    return true;
}

bool setup_pages(int *pages_out, struct error *err)
{
    int pages = memfd_create("weir-pages", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    /* Sealed: a broken worker must not be able to take the memory away from under the others. */
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

bool setup_signals(int *signal_fd_out, struct error *err)
{
    sigset_t wanted;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGHUP);
    /* If it came ignored from our own parent, children would vanish without a status. */
    signal(SIGCHLD, SIG_DFL);
    /* A log whose reader is gone must not end the server. */
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    *signal_fd_out = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (*signal_fd_out < 0) {
        return error_set_errno(err, ERROR_INTERNAL, "could not watch signals");
    }
    return true;
}

void setup_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_WANTED) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Requests name whole paths, which are compared with the folder's as text. Then they are opened as
 * this does, which a sandbox may forbid. */
static bool check_batch_folder(const char *folder, struct error *err)
{
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
    int folder_fd = -1;
    int fd = -1;
    int reason = 0;

    if (folder[0] != '/') {
        (void)error_set(err, ERROR_REQUEST, "it does not begin with \"/\"");
        return error_hint(err, "Give --batch-dir as requests name it: as a whole path.");
    }
    folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    fd = folder_fd < 0 ? -1 : (int)syscall(SYS_openat2, folder_fd, ".", &how, sizeof how);
    reason = fd < 0 ? errno : 0;
    close_if_open(folder_fd);
    close_if_open(fd);
    if (reason == ENOSYS || reason == EPERM) {
        (void)error_set(err, ERROR_REQUEST, "openat2(2) is not allowed here");
        return error_hint(err,
                          "Requests are held to batch folders by it: allow it in what confines "
                          "weir (RestrictSUIDSGID= of systemd forbids it), or use Linux 5.6.");
    }
    if (reason != 0) {
        errno = reason;
        (void)error_set_errno(err, ERROR_REQUEST, "could not open it");
        return error_hint(err, "It must be there when weir starts, and open to its user.");
    }
    return true;
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

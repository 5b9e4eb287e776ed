/* See activation.h. */
#include "frontend/supervisor/activation.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/text.h"

enum {
    FIRST_FD = 3, /* as systemd hands them over */
};

static size_t count_handed_over(void);
static bool listens(int fd);

bool activation_take(struct activation *activation, struct error *err)
{
    size_t count = count_handed_over();

    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (count > ROLE_SOCKETS_MAX) {
        return error_set(err, ERROR_REQUEST, "systemd hands over %zu sockets, weir takes %d", count,
                         ROLE_SOCKETS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        int handed_over = FIRST_FD + (int)i;

        if (!listens(handed_over)) {
            (void)error_set(err, ERROR_REQUEST,
                            "systemd hands over descriptor %d, which is no socket that listens",
                            handed_over);
            return error_hint(err, "The socket unit needs ListenStream= and Accept=no.");
        }
        /* Out of the way of those that children find at fixed numbers. */
        activation->sockets[i] = fcntl(handed_over, F_DUPFD_CLOEXEC, ROLE_DESCRIPTORS_END);
        if (activation->sockets[i] < 0) {
            return error_set_errno(err, ERROR_INTERNAL, "could not keep a socket of systemd");
        }
        close(handed_over);
    }
    activation->count = count;
    return true;
}

/* Variables that are meant for another process, as that of a parent, count nothing. */
static size_t count_handed_over(void)
{
    const char *process = getenv("LISTEN_PID");
    const char *sockets = getenv("LISTEN_FDS");
    uint64_t pid = 0;
    uint64_t count = 0;

    return process != NULL && sockets != NULL && text_parse_u64(process, &pid) &&
                   pid == (uint64_t)getpid() && text_parse_u64(sockets, &count)
               ? (size_t)count
               : 0;
}

static bool listens(int fd)
{
    int type = 0;
    int accepts = 0;
    socklen_t size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts != 0;
}

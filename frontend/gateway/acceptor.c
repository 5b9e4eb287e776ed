/* See acceptor.h. */
#include "frontend/gateway/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/require.h"

enum {
    /* Where descriptors or memory run out: others may give some back. */
    RETRY_MS = 100
};

struct acceptor {
    grpc_server *server;
    struct pollfd *watched; /* the event that ends the thread, then the sockets */
    size_t watched_count;
    pthread_t thread;
};

static void *run(void *context);
static void accept_one(const struct acceptor *acceptor, int socket);
static void take(const struct acceptor *acceptor, int connection);

struct acceptor *acceptor_start(grpc_server *server, int first_fd, size_t count)
{
    struct acceptor *acceptor = mem_zero(sizeof *acceptor);
    int end_fd = eventfd(0, EFD_CLOEXEC);

    ENSURE(end_fd >= 0);
    acceptor->server = server;
    acceptor->watched_count = 1 + count;
    acceptor->watched = mem_zero_array(acceptor->watched_count, sizeof *acceptor->watched);
    acceptor->watched[0] = (struct pollfd){.fd = end_fd, .events = POLLIN};
    for (size_t i = 0; i < count; i++) {
        acceptor->watched[1 + i] = (struct pollfd){.fd = first_fd + (int)i, .events = POLLIN};
    }
    ENSURE(pthread_create(&acceptor->thread, NULL, run, acceptor) == 0);
    return acceptor;
}

void acceptor_stop(struct acceptor **acceptor_in)
{
    struct acceptor *acceptor = MOVE(*acceptor_in);

    if (acceptor != NULL) {
        ENSURE(eventfd_write(acceptor->watched[0].fd, 1) == 0);
        ENSURE(pthread_join(acceptor->thread, NULL) == 0);
        close(acceptor->watched[0].fd);
        mem_free(acceptor->watched);
        mem_free(acceptor);
    }
}

static void *run(void *context)
{
    struct acceptor *acceptor = context;

    while (acceptor->watched[0].revents == 0) {
        if (poll(acceptor->watched, acceptor->watched_count, -1) < 0) {
            REQUIRE(errno == EINTR || errno == ENOMEM);
            continue;
        }
        for (size_t i = 1; i < acceptor->watched_count; i++) {
            if (acceptor->watched[i].revents != 0) {
                accept_one(acceptor, acceptor->watched[i].fd);
            }
        }
    }
    return NULL;
}

/* One for each time that poll() tells of one: the socket may be one that blocks. */
static void accept_one(const struct acceptor *acceptor, int socket)
{
    int connection = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (connection >= 0) {
        take(acceptor, connection);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        clock_sleep_ms(RETRY_MS);
    }
}

/* Small messages go at once, as on gRPC's own sockets. */
static void take(const struct acceptor *acceptor, int connection)
{
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    int at_once = 1;

    (void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    grpc_server_add_channel_from_fd(acceptor->server, connection, credentials);
    grpc_server_credentials_release(credentials);
}

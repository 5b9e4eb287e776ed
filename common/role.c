/* How the supervisor and its children meet. */
#include "common/role.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/require.h"

static size_t message_size(const struct role_message *message);

bool role_send(int fd, const struct role_message *message)
{
    ssize_t sent;

    do {
        sent = send(fd, message, message_size(message), MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

int role_receive(int fd, struct role_message *message_out)
{
    ssize_t received;

    memset(message_out, 0, sizeof *message_out);
    do {
        received = recv(fd, message_out, sizeof *message_out, MSG_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    if (received < 0) {
        return errno == EAGAIN ? -1 : 0;
    }
    /* A message that none of ours sends ends the talk, as the other end's death does. */
    if ((size_t)received <= offsetof(struct role_message, text) || message_out->kind > ROLE_STOP ||
        memchr(message_out->text, '\0', sizeof message_out->text) == NULL) {
        return 0;
    }
    return 1;
}

void role_worker_address(char *address, size_t size, const char *runtime_dir, uint32_t worker,
                         uint64_t life)
{
    int length = snprintf(address, size, "ipc://%s/worker-%u-%llu", runtime_dir, worker,
                          (unsigned long long)life);

    ENSURE(length > 0 && (size_t)length < size);
}

struct role_pages *role_pages_map(struct error *err)
{
    void *pages =
        mmap(NULL, sizeof(struct role_pages), PROT_READ | PROT_WRITE, MAP_SHARED, ROLE_PAGES_FD, 0);

    if (pages == MAP_FAILED) {
        error_set_errno(err, ERROR_INTERNAL, "could not map the memory shared with the supervisor");
        return NULL;
    }
    return pages;
}

/* Most messages have no text: without it hundreds of them fit into a socket's buffer. */
static size_t message_size(const struct role_message *message)
{
    size_t length = strnlen(message->text, sizeof message->text);

    REQUIRE(length < sizeof message->text);
    return offsetof(struct role_message, text) + length + 1;
}

/* What systemd wants to know of a service. */
#include "frontend/supervisor/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/text.h"

enum {
    ASK_AGAIN_US = 200000
};

static int connect_to(const char *name);
static uint64_t watchdog_interval_us(void);

void notify_open(struct notify *notify)
{
    const char *name = getenv("NOTIFY_SOCKET");

    *notify = (struct notify){.fd = -1};
    if (name != NULL) {
        notify->fd = connect_to(name);
    }
    if (notify->fd >= 0) {
        notify->watchdog_us = watchdog_interval_us();
    }
}

void notify_send(const struct notify *notify, const char *state)
{
    if (notify->fd >= 0) {
        (void)!send(notify->fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

void notify_reloading(const struct notify *notify)
{
    char state[64];

    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)clock_us());
    notify_send(notify, state);
}

void notify_stopping(const struct notify *notify, uint64_t takes_ms)
{
    char state[64];

    snprintf(state, sizeof state, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu",
             (unsigned long long)takes_ms * 1000);
    notify_send(notify, state);
}

void notify_status(struct notify *notify, const char *text)
{
    char state[sizeof notify->status + 8];

    if (strncmp(text, notify->status, sizeof notify->status - 1) != 0) {
        (void)snprintf(notify->status, sizeof notify->status, "%s", text);
        (void)snprintf(state, sizeof state, "STATUS=%s", notify->status);
        notify_send(notify, state);
    }
}

uint64_t notify_watchdog(struct notify *notify, uint64_t now_us, bool alive)
{
    if (notify->watchdog_us == 0) {
        return UINT64_MAX;
    }
    if (now_us >= notify->watchdog_due_us && !alive) {
        return now_us + (uint64_t)ASK_AGAIN_US;
    }
    if (now_us >= notify->watchdog_due_us) {
        notify_send(notify, "WATCHDOG=1");
        /* Twice as often as asked for, as sd_watchdog_enabled(3) advises. */
        notify->watchdog_due_us = now_us + notify->watchdog_us / 2;
    }
    return notify->watchdog_due_us;
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0) {
        close(notify->fd);
        notify->fd = -1;
    }
}

static int connect_to(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || length >= sizeof address.sun_path) {
        return -1;
    }
    memcpy(address.sun_path, name, length);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    /* An abstract name is as long as the address says; a path ends at its end mark. */
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address,
                           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static uint64_t watchdog_interval_us(void)
{
    const char *interval = getenv("WATCHDOG_USEC");
    const char *process = getenv("WATCHDOG_PID");
    uint64_t interval_us = 0;
    uint64_t pid = 0;

    if (interval == NULL || !text_parse_u64(interval, &interval_us)) {
        return 0;
    }
    if (process != NULL && (!text_parse_u64(process, &pid) || pid != (uint64_t)getpid())) {
        return 0; /* meant for another process */
    }
    return interval_us;
}

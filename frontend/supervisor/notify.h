/* What systemd wants to know of a service, without its library: one datagram for each state. */
#ifndef WEIR_FRONTEND_SUPERVISOR_NOTIFY_H
#define WEIR_FRONTEND_SUPERVISOR_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify {
    int fd;                   /* connected, -1: nobody listens */
    uint64_t watchdog_us;     /* how often systemd wants to hear of us, 0: never */
    uint64_t watchdog_due_us; /* when the next sign of life is due */
    char status[128];         /* as last told */
};

/* Reads $NOTIFY_SOCKET (a path, or an abstract name behind "@") and $WATCHDOG_USEC. */
void notify_open(struct notify *notify);

/* Sends "READY=1" and the like. Failures do not matter. */
void notify_send(const struct notify *notify, const char *state);

/* Sends "RELOADING=1" with the time, as systemd wants it; "READY=1" follows when it is done. */
void notify_reloading(const struct notify *notify);

/* Sends "STOPPING=1" and how long that may take, where it is longer than the unit allows. */
void notify_stopping(const struct notify *notify, uint64_t takes_ms);

/* Sends "STATUS=" and the text, if it is another than the last. */
void notify_status(struct notify *notify, const char *text);

/* Sends the sign of life if it is due and `alive`, and says when to ask again. UINT64_MAX: never.
 */
uint64_t notify_watchdog(struct notify *notify, uint64_t now_us, bool alive);

void notify_close(struct notify *notify);

#endif

/* Sockets that systemd listens on for weir and hands over at its start (sd_listen_fds(3)): they
 * outlive a restart, so that no client is refused meanwhile. */
#ifndef WEIR_FRONTEND_SUPERVISOR_ACTIVATION_H
#define WEIR_FRONTEND_SUPERVISOR_ACTIVATION_H

#include <stddef.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/role.h"

/* Descriptors that stay open as long as the supervisor lives. */
struct activation {
    int sockets[ROLE_SOCKETS_MAX];
    size_t count; /* 0: weir listens itself */
};

/* Takes what was handed to this process; to be called before it opens anything. Fails with
 * ERROR_REQUEST where a descriptor is no stream socket that listens. */
MUST_CHECK bool activation_take(struct activation *activation, struct error *err);

#endif

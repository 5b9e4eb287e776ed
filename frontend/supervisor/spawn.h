/* Starting a process in a role: fork, then the same binary again.
 *
 * The child shares nothing with the supervisor but the descriptors of common/role.h and the
 * standard ones; it dies with the supervisor, whichever way that ends. */
#ifndef WEIR_FRONTEND_SUPERVISOR_SPAWN_H
#define WEIR_FRONTEND_SUPERVISOR_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/attributes.h"
#include "common/error.h"
#include "frontend/supervisor/activation.h"

/* What children find at the numbers of common/role.h; the frontend alone gets the sockets. */
struct spawn_descriptors {
    int pages;
    int lock;
    struct activation activation;
};

/* What is the same for all children of a server. */
struct spawner {
    char **arguments; /* what the children get: title, "role", role, serve's options */
    struct spawn_descriptors descriptors;
    char *frontend_tunables; /* for putenv() */
};

/* Prepares the arguments, so that starting a child allocates nothing. `workers` is passed on as an
 * option: all processes must agree on it even if the number of cores changes. The spawner lives as
 * long as the process; the descriptors are borrowed. */
void spawner_init(struct spawner *spawner, const struct spawn_descriptors *descriptors,
                  uint64_t workers, int arguments_count, const char *const arguments[]);

/* Starts the frontend. On success the caller owns *control_fd_out, our end of its socket. */
MUST_CHECK bool spawn_frontend(struct spawner *spawner, pid_t *pid_out, int *control_fd_out,
                               struct error *err);

/* The same for a life of a worker; `worker` as in its title: "3" or "express". */
MUST_CHECK bool spawn_worker(struct spawner *spawner, const char *worker, uint64_t life,
                             pid_t *pid_out, int *control_fd_out, struct error *err);

#endif

/* The processes of a server: the frontend, the workers and the express worker.
 *
 * Makes the system calls that the states in child.h stand for; when and why is the supervisor's. */
#ifndef WEIR_FRONTEND_SUPERVISOR_FAMILY_H
#define WEIR_FRONTEND_SUPERVISOR_FAMILY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/role.h"
#include "frontend/supervisor/child.h"
#include "frontend/supervisor/runtime_folder.h"
#include "frontend/supervisor/spawn.h"

enum {
    FAMILY_MAX = LIMIT_WORKERS + 2
};

struct family {
    struct child members[FAMILY_MAX]; /* the workers, the express worker, the frontend */
    uint32_t count;
    uint64_t lives;                            /* starts of workers, counted from 1 */
    uint64_t jobs_finished[LIMIT_WORKERS + 1]; /* by each worker, when its last life ended */
    struct spawner spawner;
    struct runtime_folder runtime;
};

/* Fills in members that are due now. `workers` is without the express worker. */
void family_init(struct family *family, uint64_t workers);

struct child *family_frontend(struct family *family);

/* The worker of that index (the last one is the express worker), or NULL. */
struct child *family_worker(struct family *family, uint32_t worker);

/* The member whose process that is, or NULL. */
struct child *family_find(struct family *family, pid_t pid);

/* Starts a process for a waiting member. False: it could not, and is planned again (*err). */
MUST_CHECK bool family_start(struct family *family, struct child *child, struct error *err);

/* Asks it to end and gives it until `due_us`; kills it if it cannot be asked. */
void family_stop(struct child *child, uint64_t due_us);

/* Sends SIGKILL if a process runs. */
void family_kill(struct child *child);

/* Kills all members that take too long to start or to end. */
void family_kill_overdue(struct family *family);

/* When the next member has to be started (if `starts`) or killed; UINT64_MAX: never. */
uint64_t family_next_due_us(const struct family *family, bool starts);

/* Tells the frontend, if one runs, about a worker's life. A frontend that takes no messages is
 * killed. */
void family_tell_frontend(struct family *family, enum role_message_kind kind,
                          const struct child *worker, int status);

/* Cleans up behind a process that was reaped, and says so in the log unless it ended as it was
 * meant to. `status` is waitpid's. */
void family_ended(struct family *family, struct child *child, enum child_end end, int status);

/* Whether one useless life follows the other, of every worker. */
bool family_has_useless_workers(const struct family *family);

/* Whether no process of a worker is left. */
bool family_has_no_workers(const struct family *family);

/* Closes our end of its control socket. */
void family_close_control(struct child *child);

#endif

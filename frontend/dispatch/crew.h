/* The workers as the pool knows them: who lives, who is idle, who died. For pool.c.
 *
 * Everything here is called under the pool's mutex unless said otherwise. A life is one run of a
 * worker process; it is held by the crew while it lives and by the thread that has a job on it. */
#ifndef WEIR_FRONTEND_DISPATCH_CREW_H
#define WEIR_FRONTEND_DISPATCH_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/ipc.h"
#include "common/role.h"
#include "frontend/dispatch/ticket.h"

struct life {
    uint32_t worker;
    uint64_t number;
    struct ipc *ipc;
    struct role_page *page;
    unsigned holders; /* the crew, and whoever has a job on it */
    bool busy;
    bool reaped;      /* the supervisor has seen its end */
    int status;       /* that end, as waitpid has it */
    uint64_t at_file; /* where it was then: page->file, which the next life shares */
    bool leaving;     /* gets no more jobs */
    bool kill_asked;

    /* Of the job that runs, for the watchdog and for cancelling. */
    uint64_t job;
    bool uncancellable;
    struct ticket *ticket;
    uint64_t progress;
    uint64_t progress_us;
};

struct crew {
    uint32_t size; /* workers and the express worker, which is the last */
    struct life *lives[LIMIT_WORKERS + 1];
};

/* An idle worker, the express worker first if it will do. NULL: none. */
struct life *crew_idle(const struct crew *crew, bool express);

/* Takes a life in, with its connection. */
void crew_add(struct crew *crew, uint32_t worker, uint64_t number, struct ipc *ipc,
              struct role_page *page);

/* The supervisor saw its end, with waitpid's status. */
void crew_reaped(struct crew *crew, uint32_t worker, uint64_t number, int status);

/* Gives up a hold; the last one frees the life. Sets the pointer to NULL. */
void life_release(struct life **life);

#endif

/* Threads in the place of worker processes: they listen, take jobs and answer over real sockets,
 * die and come back. What becomes of a job is for the test to say. */
#ifndef WEIR_TESTS_UNIT_FRONTEND_DISPATCH_THREAD_CREW_H
#define WEIR_TESTS_UNIT_FRONTEND_DISPATCH_THREAD_CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <pthread.h>

#include "common/ipc/ipc.h"
#include "common/options.h"
#include "common/role.h"
#include "frontend/dispatch/pool.h"

enum {
    CREW_WORKERS = 2, /* and the express worker, whose index this is */
};

struct crew_member;

/* What becomes of a job. */
enum crew_act {
    CREW_ANSWERS, /* with the result as it is now */
    CREW_DIES,
    CREW_BABBLES, /* answers with what is no result */
};

struct thread_crew {
    char folder[64]; /* the runtime folder, and the data folder */
    struct options options;
    struct role_pages pages;
    struct pool *pool;
    enum crew_act (*act)(struct crew_member *member, const Weir__Job *job, Weir__Result *result);
    void *context; /* the test's */
    atomic_uint deaths;
    atomic_uint kills; /* asked for by the pool */
    atomic_uint jobs[CREW_WORKERS + 1];
    atomic_bool ending;

    struct crew_member {
        struct thread_crew *crew;
        uint32_t index;
        struct role_page *page;
        pthread_t thread;
        pthread_mutex_t mutex; /* of what follows */
        uint64_t life;
        struct ipc *ipc;
        atomic_bool killed;
        atomic_bool ends_slowly; /* once: the pool hears of this life's end later */
        atomic_bool ready;
    } members[CREW_WORKERS + 1];
};

/* Starts the pool and its crew; `options` has defaults that the test may change in `init`. */
struct thread_crew *thread_crew_new(enum crew_act (*act)(struct crew_member *member,
                                                         const Weir__Job *job,
                                                         Weir__Result *result),
                                    void *context, void (*init)(struct options *options));
void thread_crew_free(struct thread_crew **crew);

/* Ends a worker as kill -9 does, at once or when its `act` returns. */
void thread_crew_kill(struct thread_crew *crew, uint32_t index);

/* For an `act`: works, with progress, until the job is cancelled, and fails as a job then does. */
enum crew_act crew_work_until_cancelled(struct crew_member *member, const Weir__Job *job,
                                        Weir__Result *result);

/* For an `act`: shows no progress until it is killed. */
enum crew_act crew_hang(struct crew_member *member);

/* For an `act`: the job fails. */
enum crew_act crew_fail(Weir__Result *result, enum error_kind kind, const char *message);

/* Cancels the ticket a little later. The caller joins the thread. */
struct cancelling {
    struct ticket *ticket;
    enum error_kind kind;
    pthread_t thread;
};

void cancelling_start(struct cancelling *cancelling, struct ticket *ticket, enum error_kind kind);

#endif

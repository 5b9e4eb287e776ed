/* See thread_crew.h. */
#include "tests/unit/frontend/dispatch/thread_crew.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/ipc/failure.h"
#include "common/mem.h"
#include "tests/support/test.h"

static void *live(void *context);
static void begin_life(struct crew_member *member);
static void work(struct crew_member *member);
static bool serve(struct crew_member *member, const Weir__Job *job);
static enum crew_act do_job(struct crew_member *member, const Weir__Job *job, Weir__Result *result);
static void end_life(struct crew_member *member);
static void kill_life(void *context, uint32_t worker, uint64_t life);
static void *cancel(void *context);

/* Counts the lives of all crews: an address is used once. */
static _Atomic uint64_t lives;

struct thread_crew *thread_crew_new(enum crew_act (*act)(struct crew_member *member,
                                                         const Weir__Job *job,
                                                         Weir__Result *result),
                                    void *context, void (*init)(struct options *options))
{
    struct thread_crew *crew = mem_zero(sizeof *crew);

    crew->act = act;
    crew->context = context;
    (void)snprintf(crew->folder, sizeof crew->folder, "/tmp/weir-test-crew-XXXXXX");
    assert_non_null(mkdtemp(crew->folder));
    crew->options = (struct options){.batch_files_max = UINT64_MAX,
                                     .batch_bytes_max = UINT64_MAX,
                                     .data_dir = crew->folder,
                                     .workers = CREW_WORKERS,
                                     .watchdog_ms = 60000,
                                     .memory_budget_bytes = 1};
    if (init != NULL) {
        init(&crew->options);
    }
    crew->pool = pool_new(&crew->options, crew->folder, &crew->pages);
    pool_on_kill(crew->pool, kill_life, crew);
    for (uint32_t i = 0; i <= CREW_WORKERS; i++) {
        struct crew_member *member = &crew->members[i];

        member->crew = crew;
        member->index = i;
        member->page = &crew->pages.workers[i];
        assert_int_equal(pthread_mutex_init(&member->mutex, NULL), 0);
        assert_int_equal(pthread_create(&member->thread, NULL, live, member), 0);
    }
    for (uint32_t i = 0; i <= CREW_WORKERS; i++) {
        while (!crew->members[i].ready) {
            clock_sleep_ms(1);
        }
    }
    return crew;
}

void thread_crew_free(struct thread_crew **crew_in)
{
    struct thread_crew *crew = MOVE(*crew_in);
    char command[128];

    pool_stop(crew->pool);
    crew->ending = true;
    for (uint32_t i = 0; i <= CREW_WORKERS; i++) {
        thread_crew_kill(crew, i);
        assert_int_equal(pthread_join(crew->members[i].thread, NULL), 0);
        (void)pthread_mutex_destroy(&crew->members[i].mutex);
    }
    pool_free(&crew->pool);
    (void)snprintf(command, sizeof command, "rm -r '%s'", crew->folder);
    assert_int_equal(system(command), 0);
    mem_free(crew);
}

void thread_crew_kill(struct thread_crew *crew, uint32_t index)
{
    struct crew_member *member = &crew->members[index];

    pthread_mutex_lock(&member->mutex);
    member->killed = true;
    if (member->ipc != NULL) {
        ipc_interrupt(member->ipc);
    }
    pthread_mutex_unlock(&member->mutex);
}

enum crew_act crew_work_until_cancelled(struct crew_member *member, const Weir__Job *job,
                                        Weir__Result *result)
{
    while (member->page->cancelled != job->number) {
        if (member->killed) {
            return CREW_DIES;
        }
        member->page->progress++;
        clock_sleep_ms(5);
    }
    return crew_fail(result, ERROR_CANCELLED, "the operation was cancelled");
}

enum crew_act crew_hang(struct crew_member *member)
{
    while (!member->killed) {
        clock_sleep_ms(5);
    }
    return CREW_DIES;
}

enum crew_act crew_fail(Weir__Result *result, enum error_kind kind, const char *message)
{
    struct error err = {0};

    (void)error_set(&err, kind, "%s", message);
    failure_set(result, &err);
    return CREW_ANSWERS;
}

void cancelling_start(struct cancelling *cancelling, struct ticket *ticket, enum error_kind kind)
{
    *cancelling = (struct cancelling){.ticket = ticket, .kind = kind};
    assert_int_equal(pthread_create(&cancelling->thread, NULL, cancel, cancelling), 0);
}

static void *cancel(void *context)
{
    struct cancelling *cancelling = context;

    clock_sleep_ms(100);
    ticket_cancel(cancelling->ticket, cancelling->kind);
    return NULL;
}

/* One life after the other, as the supervisor would have it. */
static void *live(void *context)
{
    struct crew_member *member = context;

    while (!member->crew->ending) {
        begin_life(member);
        work(member);
        end_life(member);
    }
    return NULL;
}

static void begin_life(struct crew_member *member)
{
    char address[ROLE_ADDRESS_MAX];
    struct ipc *ipc = NULL;
    struct error err = {0};
    uint64_t life = ++lives;

    role_worker_address(address, sizeof address, member->crew->folder, member->index, life);
    if (!ipc_listen(address, &ipc, &err)) {
        fail_msg("%s", err.message);
    }
    pthread_mutex_lock(&member->mutex);
    member->life = life;
    member->ipc = ipc;
    member->killed = member->crew->ending;
    pthread_mutex_unlock(&member->mutex);
    pool_worker_ready(member->crew->pool, member->index, life);
    member->ready = true;
}

static void work(struct crew_member *member)
{
    struct error err = {0};
    Weir__Job *job = NULL;
    bool alive = true;

    while (alive && !member->killed && ipc_receive_job(member->ipc, &job, &err)) {
        alive = serve(member, job);
        weir__job__free_unpacked(job, NULL);
    }
}

/* False: the worker dies. */
static bool serve(struct crew_member *member, const Weir__Job *job)
{
    Weir__Result *result = mem_alloc(sizeof *result);
    struct error err = {0};
    bool alive = false;

    weir__result__init(result);
    switch (do_job(member, job, result)) {
    case CREW_ANSWERS:
        alive = ipc_send_result(member->ipc, result, &err);
        break;
    case CREW_BABBLES:
        alive = ipc_send_job(member->ipc, job, &err);
        break;
    case CREW_DIES:
        break;
    }
    weir__result__free_unpacked(result, NULL);
    return alive;
}

/* A ping says that the worker works; everything else is for the test to say. */
static enum crew_act do_job(struct crew_member *member, const Weir__Job *job, Weir__Result *result)
{
    if (job->job_case == WEIR__JOB__JOB_PING) {
        return CREW_ANSWERS;
    }
    member->crew->jobs[member->index]++;
    return member->crew->act(member, job, result);
}

static void end_life(struct crew_member *member)
{
    struct ipc *ipc = NULL;

    pthread_mutex_lock(&member->mutex);
    ipc = MOVE(member->ipc);
    pthread_mutex_unlock(&member->mutex);
    ipc_close(&ipc);
    member->crew->deaths += member->crew->ending ? 0 : 1;
    if (atomic_exchange(&member->ends_slowly, false)) {
        clock_sleep_ms(100);
    }
    pool_worker_reaped(member->crew->pool, member->index, member->life, 9);
}

static void kill_life(void *context, uint32_t worker, uint64_t life)
{
    struct thread_crew *crew = context;

    crew->kills++;
    if (worker <= CREW_WORKERS && crew->members[worker].life == life) {
        thread_crew_kill(crew, worker);
    }
}

/* See pool.h.
 *
 * Whoever wants a worker waits in one queue; scheduler.c decides who gets the next idle one. A
 * handler thread sends its job and waits for the answer itself. A watching thread looks at the
 * workers that are busy: it passes cancellations on through the shared pages and has workers that
 * hang killed. */
#include "frontend/dispatch/pool.h"

#include <sys/wait.h>

#include <pthread.h>

#include "common/clock.h"
#include "common/ipc/failure.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"
#include "frontend/dispatch/crew.h"
#include "frontend/dispatch/scheduler.h"

enum {
    WATCH_INTERVAL_MS = 50,
    WAITERS_MAX = 4096, /* handler threads and their parallel jobs are fewer */
};

/* What a large apply stage is counted with; the measured peak of a transaction that spills. */
#define STAGE_BYTES (700 * MIB)

/* Somebody who waits for a worker; on its stack. */
struct waiter {
    enum waiting_kind kind;
    struct ticket *ticket;
    struct life *given;
    struct waiter *next;
    pthread_cond_t woken;
};

struct pool {
    const struct options *options;
    const char *runtime_dir;
    struct role_pages *pages;
    void (*kill)(void *context, uint32_t worker, uint64_t life);
    void *kill_context;

    pthread_mutex_t mutex;  /* of all that follows */
    pthread_cond_t changed; /* a life was reaped, or there is something to watch */
    struct crew crew;
    struct waiter *first; /* in order of arrival */
    size_t waiters_count;
    unsigned busy_count;
    struct waiting_room room; /* what is left of it */
    uint64_t jobs_count;
    bool stopping;
    bool freed;
    pthread_t watcher;
};

struct borrowed {
    struct pool *pool;
    struct ticket *ticket;
    struct life *life;
};

enum answer {
    ANSWER_RESULT,
    ANSWER_LOST,   /* the worker died, and was reaped */
    ANSWER_FAILED, /* no worker can be asked that */
};

static unsigned count_stages(const struct options *options);
static struct life *take_worker(struct pool *pool, struct ticket *ticket, enum waiting_kind kind,
                                struct error *err);
static struct life *take_living_worker(struct pool *pool, struct ticket *ticket,
                                       enum waiting_kind kind, struct error *err);
static bool answers_ping(struct pool *pool, struct life *life);
static bool may_wait(const struct pool *pool, const struct ticket *ticket, struct error *err);
static void leave_queue(struct pool *pool, const struct waiter *waiter);
static void schedule(struct pool *pool);
static bool give_one(struct pool *pool, bool express);
static void give_back(struct pool *pool, struct life *life, enum waiting_kind kind);
static enum answer ask(struct pool *pool, struct life *life, const Weir__Job *job,
                       Weir__Result **result_out, struct error *err);
static void wait_until_reaped(struct pool *pool, struct life *life);
static bool met_bad_page(const struct life *life);
static bool fail_bad_page(struct ticket *ticket, struct error *err);
static void ask_to_kill(struct pool *pool, struct life *life, const char *why);
static bool take_answer(const struct ticket *ticket, Weir__Result **result, struct error *err);
static void *watch(void *context);
static void watch_life(struct pool *pool, struct life *life, uint64_t now_us);
static void wake_cancelled(struct pool *pool);

struct pool *pool_new(const struct options *options, const char *runtime_dir,
                      struct role_pages *pages)
{
    struct pool *pool = mem_zero(sizeof *pool);

    pool->options = options;
    pool->runtime_dir = runtime_dir;
    pool->pages = pages;
    pool->crew.size = (uint32_t)options->workers + 1;
    pool->room = (struct waiting_room){
        .stages = count_stages(options),
        .suspects = options->workers > 1 ? (unsigned)options->workers / 2 : 1,
    };
    REQUIRE(pthread_mutex_init(&pool->mutex, NULL) == 0);
    REQUIRE(pthread_cond_init(&pool->changed, NULL) == 0);
    REQUIRE(pthread_create(&pool->watcher, NULL, watch, pool) == 0);
    return pool;
}

void pool_on_kill(struct pool *pool, void (*kill)(void *context, uint32_t worker, uint64_t life),
                  void *context)
{
    pool->kill = kill;
    pool->kill_context = context;
}

void pool_worker_ready(struct pool *pool, uint32_t worker, uint64_t life)
{
    char address[ROLE_ADDRESS_MAX];
    struct ipc *ipc = NULL;
    struct error err = {0};

    role_worker_address(address, sizeof address, pool->runtime_dir, worker, life);
    if (worker >= pool->crew.size) {
        return;
    }
    if (!ipc_dial(address, &ipc, &err)) {
        /* It died again meanwhile, or is of no use: its next life may be. */
        log_error(LOG_WARNING, "could not reach a worker", &err);
        if (pool->kill != NULL) {
            pool->kill(pool->kill_context, worker, life);
        }
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    crew_add(&pool->crew, worker, life, ipc, &pool->pages->workers[worker]);
    schedule(pool);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_worker_reaped(struct pool *pool, uint32_t worker, uint64_t life, int status)
{
    pthread_mutex_lock(&pool->mutex);
    crew_reaped(&pool->crew, worker, life, status);
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
}

bool pool_run(struct pool *pool, struct ticket *ticket, enum pool_class class, const Weir__Job *job,
              Weir__Result **result_out, struct error *err)
{
    enum waiting_kind kind = class == POOL_SMALL ? WAITING_SMALL : WAITING_LARGE;

    for (unsigned tries = 0; tries < LIMIT_JOB_TRIES; tries++) {
        struct life *life = tries == 0 ? take_worker(pool, ticket, kind, err)
                                       : take_living_worker(pool, ticket, kind, err);
        enum answer answer = ANSWER_LOST;
        bool bad_page = false;

        if (life == NULL) {
            return false;
        }
        answer = ask(pool, life, job, result_out, err);
        if (answer == ANSWER_LOST) {
            ticket->lost_file = (unsigned)life->at_file;
            bad_page = met_bad_page(life);
        }
        give_back(pool, life, kind);
        if (bad_page) {
            return fail_bad_page(ticket, err);
        }
        if (answer != ANSWER_LOST) {
            return answer == ANSWER_RESULT && take_answer(ticket, result_out, err);
        }
        kind = WAITING_SUSPECT; /* what kills workers stays away from the express worker */
    }
    return error_set(err, ERROR_UNAVAILABLE, "%d workers died while they worked on it",
                     LIMIT_JOB_TRIES);
}

unsigned pool_workers(const struct pool *pool)
{
    return (unsigned)pool->options->workers;
}

/* ---- a worker of one's own ---- */

bool pool_borrow(struct pool *pool, struct ticket *ticket, struct borrowed **borrowed_out,
                 struct error *err)
{
    struct life *life = take_living_worker(pool, ticket, WAITING_STAGE, err);
    struct borrowed *borrowed = NULL;

    if (life == NULL) {
        return false;
    }
    borrowed = mem_zero(sizeof *borrowed);
    *borrowed = (struct borrowed){.pool = pool, .ticket = ticket, .life = life};
    *borrowed_out = borrowed;
    return true;
}

bool pool_call(struct borrowed *borrowed, const Weir__Job *job, Weir__Result **result_out,
               bool *lost_out, struct error *err)
{
    enum answer answer = ask(borrowed->pool, borrowed->life, job, result_out, err);

    *lost_out = answer == ANSWER_LOST && !met_bad_page(borrowed->life);
    if (answer == ANSWER_LOST && !*lost_out) {
        return fail_bad_page(borrowed->ticket, err);
    }
    if (answer == ANSWER_LOST) {
        return error_set(err, ERROR_UNAVAILABLE, "the worker that applied the batch died");
    }
    return answer == ANSWER_RESULT && take_answer(borrowed->ticket, result_out, err);
}

void pool_give_back(struct borrowed **borrowed)
{
    if (*borrowed != NULL) {
        give_back((*borrowed)->pool, (*borrowed)->life, WAITING_STAGE);
        mem_free(*borrowed);
        *borrowed = NULL;
    }
}

void pool_stop(struct pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    for (struct waiter *waiter = pool->first; waiter != NULL; waiter = waiter->next) {
        pthread_cond_signal(&waiter->woken);
    }
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_free(struct pool **pool_in)
{
    struct pool *pool = MOVE(*pool_in);

    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    pool->freed = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    REQUIRE(pthread_join(pool->watcher, NULL) == 0);
    for (uint32_t i = 0; i < pool->crew.size; i++) {
        if (pool->crew.lives[i] != NULL) {
            crew_reaped(&pool->crew, i, pool->crew.lives[i]->number, 0);
        }
    }
    (void)pthread_mutex_destroy(&pool->mutex);
    (void)pthread_cond_destroy(&pool->changed);
    mem_free(pool);
}

/* At least one: a batch larger than the budget must still get through. */
static unsigned count_stages(const struct options *options)
{
    uint64_t budget =
        options->memory_budget_bytes > 0 ? options->memory_budget_bytes : mem_machine_bytes() / 2;
    uint64_t stages = budget / STAGE_BYTES;

    return stages < 1 ? 1 : stages > LIMIT_WORKERS ? LIMIT_WORKERS : (unsigned)stages;
}

/* ---- waiting for a worker ---- */

static struct life *take_worker(struct pool *pool, struct ticket *ticket, enum waiting_kind kind,
                                struct error *err)
{
    struct waiter waiter = {.kind = kind, .ticket = ticket};
    struct waiter **end = &pool->first;

    REQUIRE(pthread_cond_init(&waiter.woken, NULL) == 0);
    pthread_mutex_lock(&pool->mutex);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = &waiter;
    pool->waiters_count++;
    pthread_cond_broadcast(&pool->changed);
    schedule(pool);
    while (waiter.given == NULL && may_wait(pool, ticket, err)) {
        pthread_cond_wait(&waiter.woken, &pool->mutex);
    }
    if (waiter.given == NULL) {
        leave_queue(pool, &waiter);
    }
    pthread_mutex_unlock(&pool->mutex);
    (void)pthread_cond_destroy(&waiter.woken);
    return waiter.given;
}

/* Where one worker has died, others may have at the same moment (the machine was out of memory, an
 * operator killed them), and we hear of it later. One that was dead before it got the job says
 * nothing about the job, and must not count as a try. */
static struct life *take_living_worker(struct pool *pool, struct ticket *ticket,
                                       enum waiting_kind kind, struct error *err)
{
    for (uint32_t dead = 0; dead <= pool->crew.size; dead++) {
        struct life *life = take_worker(pool, ticket, kind, err);

        if (life == NULL || answers_ping(pool, life)) {
            return life;
        }
        give_back(pool, life, kind);
    }
    (void)error_set(err, ERROR_UNAVAILABLE, "all workers keep dying");
    return NULL;
}

static bool answers_ping(struct pool *pool, struct life *life)
{
    Weir__PingJob ping = WEIR__PING_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;
    struct error ignored = {0};

    job.job_case = WEIR__JOB__JOB_PING;
    job.ping = &ping;
    if (ask(pool, life, &job, &result, &ignored) != ANSWER_RESULT) {
        return false;
    }
    weir__result__free_unpacked(result, NULL);
    return true;
}

static bool may_wait(const struct pool *pool, const struct ticket *ticket, struct error *err)
{
    if (!ticket_check(ticket, err)) {
        return false;
    }
    return !pool->stopping || error_set(err, ERROR_UNAVAILABLE, "the server is stopping");
}

static void leave_queue(struct pool *pool, const struct waiter *waiter)
{
    struct waiter **at = &pool->first;

    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
    pool->waiters_count--;
}

static void schedule(struct pool *pool)
{
    while (give_one(pool, true) || give_one(pool, false)) {
    }
}

/* Gives an idle worker to the one who is next for it. */
static bool give_one(struct pool *pool, bool express)
{
    struct life *life = crew_idle(&pool->crew, express);
    struct waiting waiting[WAITERS_MAX];
    struct waiter *waiters[WAITERS_MAX];
    size_t count = 0;
    size_t chosen = 0;

    if (life == NULL || pool->stopping) {
        return false;
    }
    for (struct waiter *at = pool->first; at != NULL && count < WAITERS_MAX; at = at->next) {
        waiters[count] = at;
        waiting[count] =
            (struct waiting){.kind = at->kind, .running = ticket_root(at->ticket)->running};
        count++;
    }
    chosen = scheduler_choose(waiting, count, express, pool->room);
    if (chosen == count) {
        return false;
    }
    life->busy = true;
    life->holders++;
    pool->busy_count++;
    pool->room.stages -= waiters[chosen]->kind == WAITING_STAGE ? 1 : 0;
    pool->room.suspects -= waiters[chosen]->kind == WAITING_SUSPECT ? 1 : 0;
    ticket_begin(waiters[chosen]->ticket);
    life->ticket = waiters[chosen]->ticket;
    waiters[chosen]->given = life;
    leave_queue(pool, waiters[chosen]);
    pthread_cond_signal(&waiters[chosen]->woken);
    return true;
}

static void give_back(struct pool *pool, struct life *life, enum waiting_kind kind)
{
    pthread_mutex_lock(&pool->mutex);
    ticket_end(life->ticket);
    life->ticket = NULL;
    life->busy = false;
    pool->busy_count--;
    pool->room.stages += kind == WAITING_STAGE ? 1 : 0;
    pool->room.suspects += kind == WAITING_SUSPECT ? 1 : 0;
    life_release(&life);
    schedule(pool);
    pthread_mutex_unlock(&pool->mutex);
}

/* ---- a job on a worker ---- */

static enum answer ask(struct pool *pool, struct life *life, const Weir__Job *job,
                       Weir__Result **result_out, struct error *err)
{
    Weir__Job numbered = *job;
    enum answer answer = ANSWER_RESULT;

    *result_out = NULL;
    pthread_mutex_lock(&pool->mutex);
    numbered.number = ++pool->jobs_count;
    life->job = numbered.number;
    life->uncancellable =
        job->job_case == WEIR__JOB__JOB_APPLY_COMMIT || job->job_case == WEIR__JOB__JOB_APPLY_ABORT;
    life->progress = life->page->progress;
    life->progress_us = clock_us();
    /* The pages outlive a frontend, and job numbers begin again. */
    life->page->cancelled = 0;
    life->page->file = 0;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);

    if (!ipc_send_job(life->ipc, &numbered, err)) {
        answer = err->kind == ERROR_LIMIT ? ANSWER_FAILED : ANSWER_LOST;
    } else if (!ipc_receive_result(life->ipc, result_out, err)) {
        answer = ANSWER_LOST;
    }

    pthread_mutex_lock(&pool->mutex);
    life->job = 0;
    if (answer == ANSWER_LOST) {
        if (!life->reaped) {
            ask_to_kill(pool, life, "it could not be talked to");
        }
        wait_until_reaped(pool, life);
    } else if (answer == ANSWER_RESULT && (*result_out)->replace_worker) {
        life->leaving = true; /* it ends by itself */
    }
    pthread_mutex_unlock(&pool->mutex);
    return answer;
}

/* A job is tried again only when its first worker is gone for sure: two must never write at once.
 * At the end of the server the supervisor does not tell any more. */
static void wait_until_reaped(struct pool *pool, struct life *life)
{
    while (!life->reaped && !pool->freed) {
        pthread_cond_wait(&pool->changed, &pool->mutex);
    }
}

/* Of a life that is over: another worker would end on the same page. */
static bool met_bad_page(const struct life *life)
{
    return WIFEXITED(life->status) && WEXITSTATUS(life->status) == ROLE_EXIT_BAD_PAGE;
}

static bool fail_bad_page(struct ticket *ticket, struct error *err)
{
    const struct ticket *root = ticket_root(ticket);

    (void)error_set(err, ERROR_STORE,
                    "a page of its file could not be read: the disk gives I/O errors, or the file "
                    "was cut");
    (void)error_hint(err,
                     "Look at the disk of the data folder; `weir check` says what is damaged.");
    return root->table_name != NULL &&
           error_wrap(err, "table \"%s.%s\"", text_name(root->schema_name).text,
                      text_name(root->table_name).text);
}

static void ask_to_kill(struct pool *pool, struct life *life, const char *why)
{
    if (life->kill_asked) {
        return;
    }
    life->kill_asked = true;
    life->leaving = true;
    log_message(LOG_WARNING, "worker %u is killed: %s", (unsigned)life->worker, why);
    if (pool->kill != NULL) {
        pool->kill(pool->kill_context, life->worker, life->number);
    }
}

/* A failure of the result becomes the error; a cancelled job fails with why it was cancelled. */
static bool take_answer(const struct ticket *ticket, Weir__Result **result, struct error *err)
{
    if ((*result)->failure == NULL) {
        return true;
    }
    failure_get(*result, err);
    weir__result__free_unpacked(*result, NULL);
    *result = NULL;
    if (err->kind == ERROR_CANCELLED && ticket_check(ticket, err)) {
        return error_set(err, ERROR_INTERNAL, "a job was cancelled that nobody cancelled");
    }
    return false;
}

/* ---- the watching thread ---- */

static void *watch(void *context)
{
    struct pool *pool = context;

    pthread_mutex_lock(&pool->mutex);
    while (!pool->freed) {
        uint64_t now_us = clock_us();

        if (pool->busy_count == 0 && pool->waiters_count == 0) {
            pthread_cond_wait(&pool->changed, &pool->mutex);
            continue;
        }
        for (uint32_t i = 0; i < pool->crew.size; i++) {
            if (pool->crew.lives[i] != NULL && pool->crew.lives[i]->job != 0) {
                watch_life(pool, pool->crew.lives[i], now_us);
            }
        }
        wake_cancelled(pool);
        pthread_mutex_unlock(&pool->mutex);
        clock_sleep_ms(WATCH_INTERVAL_MS);
        pthread_mutex_lock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static void watch_life(struct pool *pool, struct life *life, uint64_t now_us)
{
    if (life->page->progress != life->progress) {
        life->progress = life->page->progress;
        life->progress_us = now_us;
    }
    if (life->uncancellable) {
        return; /* a commit waits for the disk as long as it takes */
    }
    if (ticket_is_cancelled(life->ticket)) {
        life->page->cancelled = life->job;
    }
    if (now_us - life->progress_us > pool->options->watchdog_ms * 1000) {
        ask_to_kill(pool, life, "it made no progress");
    }
}

static void wake_cancelled(struct pool *pool)
{
    for (struct waiter *waiter = pool->first; waiter != NULL; waiter = waiter->next) {
        if (ticket_is_cancelled(waiter->ticket)) {
            pthread_cond_signal(&waiter->woken);
        }
    }
}

/* Runs several jobs at once, as many as there are workers: pool_run_all() of pool.h.
 *
 * Threads take the jobs one after the other, each waiting for its own answer. */
#include <string.h>

#include <pthread.h>

#include "common/require.h"
#include "frontend/dispatch/ticket.h"

struct fan {
    struct pool *pool;
    struct ticket ticket; /* below the RPC's: cancelled when a job fails */
    Weir__Job *const *jobs;
    size_t count;
    Weir__Result **results;
    pthread_mutex_t mutex; /* of what follows */
    size_t next;
    bool failed;
    struct error err;
    size_t failed_index;
    unsigned lost_file;
};

static void *work(void *context);
static bool take(struct fan *fan, size_t *index_out);
static void fail(struct fan *fan, size_t index, unsigned lost_file, const struct error *err);
static void run_threads(struct fan *fan);
static void free_results(struct fan *fan);

bool pool_run_all(struct pool *pool, struct ticket *ticket, Weir__Job *const *jobs, size_t count,
                  Weir__Result **results_out, size_t *failed_out, struct error *err)
{
    struct fan fan = {
        .pool = pool,
        .ticket = {.parent = ticket},
        .jobs = jobs,
        .count = count,
        .results = results_out,
    };

    memset(results_out, 0, count * sizeof *results_out);
    REQUIRE(pthread_mutex_init(&fan.mutex, NULL) == 0);
    run_threads(&fan);
    (void)pthread_mutex_destroy(&fan.mutex);
    if (!fan.failed) {
        return true;
    }
    free_results(&fan);
    ticket->lost_file = fan.lost_file;
    *failed_out = fan.failed_index;
    return error_copy(err, &fan.err);
}

/* This thread is one of them; with fewer threads than wanted it is only slower. */
static void run_threads(struct fan *fan)
{
    pthread_t threads[LIMIT_WORKERS];
    size_t workers = pool_workers(fan->pool);
    size_t wanted = workers < fan->count ? workers : fan->count;
    size_t started = 0;

    while (started + 1 < wanted && pthread_create(&threads[started], NULL, work, fan) == 0) {
        started++;
    }
    (void)work(fan);
    for (size_t i = 0; i < started; i++) {
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    }
}

static void *work(void *context)
{
    struct fan *fan = context;
    struct ticket ticket = {.parent = &fan->ticket};
    size_t index = 0;

    while (take(fan, &index)) {
        struct error err = {0};

        if (!pool_run(fan->pool, &ticket, POOL_LARGE, fan->jobs[index], &fan->results[index],
                      &err)) {
            fail(fan, index, ticket_lost_file(&ticket), &err);
        }
    }
    return NULL;
}

static bool take(struct fan *fan, size_t *index_out)
{
    bool taken = false;

    pthread_mutex_lock(&fan->mutex);
    if (!fan->failed && fan->next < fan->count) {
        *index_out = fan->next++;
        taken = true;
    }
    pthread_mutex_unlock(&fan->mutex);
    return taken;
}

/* The first failure counts; the other jobs are told to stop. */
static void fail(struct fan *fan, size_t index, unsigned lost_file, const struct error *err)
{
    pthread_mutex_lock(&fan->mutex);
    if (!fan->failed) {
        fan->failed = true;
        fan->err = *err;
        fan->failed_index = index;
        fan->lost_file = lost_file;
        ticket_cancel(&fan->ticket, ERROR_CANCELLED);
    }
    pthread_mutex_unlock(&fan->mutex);
}

static void free_results(struct fan *fan)
{
    for (size_t i = 0; i < fan->count; i++) {
        if (fan->results[i] != NULL) {
            weir__result__free_unpacked(fan->results[i], NULL);
            fan->results[i] = NULL;
        }
    }
}

/* A bounded set of threads around one queue. */
#include "frontend/gateway/threads.h"

#include <pthread.h>

#include "common/mem.h"
#include "common/require.h"

struct threads {
    pthread_mutex_t mutex;
    pthread_cond_t submitted;
    struct work *first; /* waiting work, oldest first */
    struct work *last;
    pthread_t *ids;
    size_t count;
    size_t count_max;
    size_t idle;    /* threads that wait for work */
    size_t waiting; /* work that waits for a thread */
    bool ending;
};

static void start_thread(struct threads *threads);
static void *run(void *context);
static struct work *take(struct threads *threads);

struct threads *threads_new(size_t threads_max)
{
    struct threads *threads = mem_zero(sizeof *threads);

    REQUIRE(threads_max > 0);
    pthread_mutex_init(&threads->mutex, NULL);
    pthread_cond_init(&threads->submitted, NULL);
    threads->ids = mem_zero_array(threads_max, sizeof *threads->ids);
    threads->count_max = threads_max;
    return threads;
}

void threads_submit(struct threads *threads, struct work *work)
{
    pthread_mutex_lock(&threads->mutex);
    work->next = NULL;
    if (threads->last != NULL) {
        threads->last->next = work;
    } else {
        threads->first = work;
    }
    threads->last = work;
    threads->waiting++;
    if (threads->waiting <= threads->idle) {
        pthread_cond_signal(&threads->submitted);
    } else if (threads->count < threads->count_max) {
        start_thread(threads);
    }
    pthread_mutex_unlock(&threads->mutex);
}

bool threads_withdraw(struct threads *threads, struct work *work)
{
    bool found = false;

    pthread_mutex_lock(&threads->mutex);
    struct work *before = NULL;

    for (struct work *at = threads->first; at != NULL && !found; at = at->next) {
        if (at == work) {
            *(before != NULL ? &before->next : &threads->first) = work->next;
            if (threads->last == work) {
                threads->last = before;
            }
            threads->waiting--;
            found = true;
        } else {
            before = at;
        }
    }
    pthread_mutex_unlock(&threads->mutex);
    return found;
}

void threads_free(struct threads **threads)
{
    struct threads *freed = *threads;

    *threads = NULL;
    if (freed == NULL) {
        return;
    }
    pthread_mutex_lock(&freed->mutex);
    freed->ending = true;
    pthread_cond_broadcast(&freed->submitted);
    pthread_mutex_unlock(&freed->mutex);
    for (size_t i = 0; i < freed->count; i++) {
        pthread_join(freed->ids[i], NULL);
    }
    pthread_cond_destroy(&freed->submitted);
    pthread_mutex_destroy(&freed->mutex);
    mem_free(freed->ids);
    mem_free(freed);
}

/* A machine that gives no more threads still serves with those that there are. */
static void start_thread(struct threads *threads)
{
    int failed = pthread_create(&threads->ids[threads->count], NULL, run, threads);

    ENSURE(failed == 0 || threads->count > 0);
    if (failed == 0) {
        threads->count++;
    }
}

static void *run(void *context)
{
    struct threads *threads = context;
    struct work *work;

    while ((work = take(threads)) != NULL) {
        work->run(work);
    }
    return NULL;
}

/* The next work, NULL at the end. */
static struct work *take(struct threads *threads)
{
    pthread_mutex_lock(&threads->mutex);
    while (threads->first == NULL && !threads->ending) {
        threads->idle++;
        pthread_cond_wait(&threads->submitted, &threads->mutex);
        threads->idle--;
    }

    struct work *work = threads->first;

    if (work != NULL) {
        threads->waiting--;
        threads->first = work->next;
        if (threads->first == NULL) {
            threads->last = NULL;
        }
    }
    pthread_mutex_unlock(&threads->mutex);
    return work;
}

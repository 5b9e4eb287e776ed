/* What the RPCs of a server share. */
#include "frontend/gateway/desk.h"

#include <errno.h>
#include <time.h>

#include "common/limits.h"
#include "common/require.h"

void desk_init(struct desk *desk, const struct options *options, struct pool *pool)
{
    pthread_condattr_t monotonic;

    *desk = (struct desk){.options = options, .pool = pool};
    desk->leases = lease_book_new();
    desk->threads = threads_new(options->handlers_max);
    pthread_mutex_init(&desk->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&desk->left, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void desk_clear(struct desk *desk)
{
    REQUIRE(desk->newest == NULL);
    threads_free(&desk->threads);
    lease_book_free(&desk->leases);
    pthread_cond_destroy(&desk->left);
    pthread_mutex_destroy(&desk->mutex);
}

bool desk_enter(struct desk *desk, bool waits, struct error *err)
{
    pthread_mutex_lock(&desk->mutex);
    size_t waiting = desk->waiting;

    if (waits) {
        desk->waiting++;
    }
    bool stopping = desk->stopping;
    pthread_mutex_unlock(&desk->mutex);

    if (stopping) {
        return desk_stopped_error(err);
    }
    if (waits && waiting >= desk->options->waiting_max) {
        error_set(err, ERROR_BUSY, "could not take the request: %zu wait already", waiting);
        return error_hint(err, "Try again later; --waiting lets more wait.");
    }
    return true;
}

void desk_count(struct desk *desk, size_t *running_out, size_t *waiting_out)
{
    pthread_mutex_lock(&desk->mutex);
    *waiting_out = desk->waiting;
    *running_out = desk->present > desk->waiting ? desk->present - desk->waiting : 0;
    pthread_mutex_unlock(&desk->mutex);
}

bool desk_hold(struct desk *desk, uint64_t bytes, struct error *err)
{
    pthread_mutex_lock(&desk->mutex);
    uint64_t held = desk->held_bytes;
    bool fits = bytes <= LIMIT_REQUESTS_BYTES && held <= LIMIT_REQUESTS_BYTES - bytes;

    if (fits) {
        desk->held_bytes += bytes;
    }
    pthread_mutex_unlock(&desk->mutex);
    if (fits) {
        return true;
    }
    error_set(err, ERROR_BUSY,
              "could not take a request of %llu MiB: others hold %llu MiB of memory, the limit for "
              "all is %llu MiB",
              (unsigned long long)(bytes / MIB), (unsigned long long)(held / MIB),
              (unsigned long long)(LIMIT_REQUESTS_BYTES / MIB));
    return error_hint(err, "Try again when other requests are done.");
}

void desk_release(struct desk *desk, uint64_t bytes)
{
    pthread_mutex_lock(&desk->mutex);
    ENSURE(desk->held_bytes >= bytes);
    desk->held_bytes -= bytes;
    pthread_mutex_unlock(&desk->mutex);
}

bool desk_wait_empty(struct desk *desk, uint64_t deadline_us, bool hurriable)
{
    struct timespec until = {
        .tv_sec = (time_t)(deadline_us / 1000000),
        .tv_nsec = (long)(deadline_us % 1000000) * 1000,
    };
    int waited = 0;

    pthread_mutex_lock(&desk->mutex);
    while (desk->newest != NULL && waited != ETIMEDOUT && !(hurriable && desk->hurried)) {
        waited = pthread_cond_timedwait(&desk->left, &desk->mutex, &until);
    }
    bool empty = desk->newest == NULL;
    pthread_mutex_unlock(&desk->mutex);
    return empty;
}

void desk_hurry(struct desk *desk)
{
    pthread_mutex_lock(&desk->mutex);
    desk->hurried = true;
    pthread_cond_broadcast(&desk->left);
    pthread_mutex_unlock(&desk->mutex);
}

bool desk_stopped_error(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, "the server stops");
}

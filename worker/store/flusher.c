/* See flusher.h. */
#include "worker/store/flusher.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include <pthread.h>

#include "common/mem.h"
#include "common/require.h"

enum {
    /* So many syncs' worth may be written while one is under way: the next one must end, too,
     * before the writer can be told to stop. */
    AHEAD_MAX = 8
};

struct flusher {
    int file;
    uint64_t bytes_at_once;
    pthread_t thread;
    int failure; /* the thread's until it has ended */

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t moved;
    uint64_t unsynced_bytes;
    bool stopped;
};

static void *run(void *context);
static bool wait_for_bytes(struct flusher *flusher);

struct flusher *flusher_start(int file, uint64_t bytes)
{
    OWNED(mem_release) struct flusher *flusher = mem_zero(sizeof *flusher);

    flusher->file = file;
    flusher->bytes_at_once = bytes;
    pthread_mutex_init(&flusher->mutex, NULL);
    pthread_cond_init(&flusher->moved, NULL);
    return pthread_create(&flusher->thread, NULL, run, flusher) == 0 ? MOVE(flusher) : NULL;
}

void flusher_wrote(struct flusher *flusher, uint64_t bytes)
{
    if (flusher == NULL) {
        return;
    }
    pthread_mutex_lock(&flusher->mutex);
    flusher->unsynced_bytes += bytes;
    if (flusher->unsynced_bytes >= flusher->bytes_at_once) {
        pthread_cond_broadcast(&flusher->moved);
    }
    while (flusher->unsynced_bytes / AHEAD_MAX >= flusher->bytes_at_once) {
        pthread_cond_wait(&flusher->moved, &flusher->mutex);
    }
    pthread_mutex_unlock(&flusher->mutex);
}

int flusher_stop(struct flusher **flusher_in)
{
    OWNED(mem_release) struct flusher *flusher = MOVE(*flusher_in);

    if (flusher == NULL) {
        return 0;
    }
    pthread_mutex_lock(&flusher->mutex);
    flusher->stopped = true;
    pthread_cond_broadcast(&flusher->moved);
    pthread_mutex_unlock(&flusher->mutex);
    ENSURE(pthread_join(flusher->thread, NULL) == 0);
    pthread_cond_destroy(&flusher->moved);
    pthread_mutex_destroy(&flusher->mutex);
    return flusher->failure;
}

static void *run(void *context)
{
    struct flusher *flusher = context;

    while (wait_for_bytes(flusher)) {
        if (fdatasync(flusher->file) != 0 && flusher->failure == 0) {
            flusher->failure = errno;
        }
    }
    return NULL;
}

/* False: it is time to end. */
static bool wait_for_bytes(struct flusher *flusher)
{
    bool goes_on = false;

    pthread_mutex_lock(&flusher->mutex);
    while (!flusher->stopped && flusher->unsynced_bytes < flusher->bytes_at_once) {
        pthread_cond_wait(&flusher->moved, &flusher->mutex);
    }
    goes_on = !flusher->stopped;
    flusher->unsynced_bytes = 0;
    pthread_cond_broadcast(&flusher->moved);
    pthread_mutex_unlock(&flusher->mutex);
    return goes_on;
}

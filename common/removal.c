/* See removal.h. A file lives as long as a descriptor of it is open: closing the last one frees it.
 */
#include "common/removal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <pthread.h>

#include "common/limits.h"

enum {
    /* More at once would not free faster. */
    THREADS_MAX = 2,

    /* Together half a second, in which gigabytes are freed. */
    ROOM_WAITS_MAX = 10,
    ROOM_WAIT_US = 50000,
};

/* Frees in a fraction of a millisecond: not worth a thread. */
#define LARGE_BYTES (8 * (int64_t)MIB)

static atomic_int threads;

static bool is_large(int file);
static bool close_behind(int file);
static void *run(void *context);

int removal_unlink(const char *path)
{
    int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int result = unlink(path);
    int errno_value = errno;

    if (file >= 0 && (result != 0 || !is_large(file) || !close_behind(file))) {
        (void)close(file);
    }
    errno = errno_value;
    return result;
}

static bool is_large(int file)
{
    struct stat status;

    return fstat(file, &status) == 0 && status.st_size >= LARGE_BYTES;
}

static bool close_behind(int file)
{
    pthread_t thread;

    if (atomic_fetch_add(&threads, 1) >= THREADS_MAX ||
        pthread_create(&thread, NULL, run, (void *)(intptr_t)file) != 0) {
        atomic_fetch_sub(&threads, 1);
        return false;
    }
    (void)pthread_detach(thread);
    return true;
}

static void *run(void *context)
{
    (void)close((int)(intptr_t)context);
    atomic_fetch_sub(&threads, 1);
    return NULL;
}

bool removal_room(const char *path, uint64_t wanted, uint64_t *bytes_out)
{
    struct statvfs disk;

    for (int waits = 0;; waits++) {
        if (statvfs(path, &disk) != 0) {
            return false;
        }
        *bytes_out = (uint64_t)disk.f_bavail * disk.f_frsize;
        if (*bytes_out >= wanted || waits == ROOM_WAITS_MAX) {
            return true;
        }
        usleep(ROOM_WAIT_US);
    }
}

/* The data folder's LOCK. */
#include "frontend/supervisor/data_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

enum {
    RETRY_MS = 50
};

static bool is_locked(int lock);
static bool make_folders(const char *data_dir, struct error *err);
static bool make_folder(const char *path);
static bool sync_folder_above(const char *path);
static int open_lock(const char *path, struct error *err);
static bool wait_for_lock(int lock, unsigned wait_ms, const char *data_dir, struct error *err);
static bool is_still_there(int lock, const char *path);
static bool refuse(int lock, const char *data_dir, struct error *err);
static void write_holder(int lock);

bool data_folder_lock(const char *data_dir, unsigned wait_ms, int *lock_out, struct error *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/LOCK", data_dir) >= (int)sizeof path) {
        return error_set(err, ERROR_REQUEST,
                         "could not use data folder \"%s\": its path is too long",
                         text_path(data_dir).text);
    }
    for (;;) {
        if (!make_folders(data_dir, err)) {
            return false;
        }

        int lock = open_lock(path, err);

        if (lock < 0) {
            return false;
        }
        if (!wait_for_lock(lock, wait_ms, data_dir, err)) {
            close(lock);
            return false;
        }
        /* Someone may have removed the whole folder while we waited. */
        if (is_still_there(lock, path)) {
            write_holder(lock);
            *lock_out = lock;
            return true;
        }
        close(lock);
    }
}

void data_folder_note_sockets(int lock, const char *runtime_dir)
{
    dprintf(lock, "%s\n", runtime_dir);
}

bool data_folder_find_server(const char *data_dir, char **runtime_dir_out, struct error *err)
{
    OWNED(mem_release) char *path = mem_format("%s/LOCK", data_dir);
    char text[64 + PATH_MAX] = "";
    int lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool serves = lock >= 0 && is_locked(lock) && pread(lock, text, sizeof text - 1, 0) > 0;
    char *folder = strchr(text, '\n');
    char *end = folder != NULL ? strchr(folder + 1, '\n') : NULL;

    if (lock >= 0) {
        close(lock);
    }
    if (!serves || end == NULL) {
        (void)error_set(err, ERROR_REQUEST, "no server has data folder \"%s\"",
                        text_path(data_dir).text);
        return error_hint(err, "Start it first; it must be the same user's.");
    }
    *end = '\0';
    *runtime_dir_out = mem_text(folder + 1);
    return true;
}

/* By someone else. */
static bool is_locked(int lock)
{
    if (flock(lock, LOCK_SH | LOCK_NB) == 0) {
        (void)flock(lock, LOCK_UN);
        return false;
    }
    return errno == EWOULDBLOCK;
}

/* The runs folder, too: children may be left nothing but that of the data folder. */
static bool make_folders(const char *data_dir, struct error *err)
{
    char path[PATH_MAX];
    bool made = true;

    snprintf(path, sizeof path, "%s/runs", data_dir);
    for (char *slash = strchr(path + 1, '/'); slash != NULL && made;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = make_folder(path);
        *slash = '/';
    }
    if (made && make_folder(path)) {
        return true;
    }
    error_set_errno(err, error_kind_of_write(errno), "could not make data folder \"%s\"",
                    text_path(data_dir).text);
    return error_hint(err, "Give a folder that this user can write with --data-dir.");
}

/* True if it is there in the end; otherwise errno says why not. */
static bool make_folder(const char *path)
{
    struct stat status;

    if (mkdir(path, 0700) == 0) {
        return sync_folder_above(path);
    }

    int errno_value = errno;

    /* The parts of a path that exist need not be writable. */
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            return true;
        }
        errno_value = ENOTDIR;
    }
    errno = errno_value;
    return false;
}

/* A power failure must not take a new folder away from under committed tables. */
static bool sync_folder_above(const char *path)
{
    char above[PATH_MAX];

    if (snprintf(above, sizeof above, "%s/..", path) >= (int)sizeof above) {
        errno = ENAMETOOLONG;
        return false;
    }

    int folder = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0) {
        /* It may be writable and searchable, but not readable: nothing to be done about that. */
        return true;
    }

    bool synced = fsync(folder) == 0 || errno == EINVAL;
    int errno_value = errno;

    close(folder);
    errno = errno_value;
    return synced;
}

static int open_lock(const char *path, struct error *err)
{
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (lock < 0) {
        error_set_errno(err, error_kind_of_write(errno), "could not open \"%s\" for writing",
                        text_path(path).text);
        error_hint(err,
                   "The data folder must be writable for the user that weir runs as; another "
                   "one can be given with --data-dir.");
    }
    return lock;
}

static bool wait_for_lock(int lock, unsigned wait_ms, const char *data_dir, struct error *err)
{
    uint64_t deadline_us = clock_us() + (uint64_t)wait_ms * 1000;
    bool told = false;

    while (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) {
            continue;
        }
        if (errno != EWOULDBLOCK) {
            return error_set_errno(err, ERROR_STORE, "could not lock data folder \"%s\"",
                                   text_path(data_dir).text);
        }
        if (clock_us() >= deadline_us) {
            return refuse(lock, data_dir, err);
        }
        if (!told) {
            log_message(LOG_INFO,
                        "waiting for another server's processes to leave data folder "
                        "\"%s\"",
                        text_path(data_dir).text);
            told = true;
        }
        clock_sleep_ms(RETRY_MS);
    }
    return true;
}

static bool is_still_there(int lock, const char *path)
{
    struct stat ours;
    struct stat named;

    return fstat(lock, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

static bool refuse(int lock, const char *data_dir, struct error *err)
{
    char digits[24] = "";
    uint64_t process;
    ssize_t length = pread(lock, digits, sizeof digits - 1, 0);

    digits[length > 0 ? length : 0] = '\0';
    digits[strcspn(digits, "\n")] = '\0';
    if (text_parse_u64(digits, &process)) {
        error_set(err, ERROR_REQUEST,
                  "could not use data folder \"%s\": another weir server (process %llu) has it",
                  text_path(data_dir).text, (unsigned long long)process);
    } else {
        error_set(err, ERROR_REQUEST,
                  "could not use data folder \"%s\": another weir server has it",
                  text_path(data_dir).text);
    }
    return error_hint(err, "Stop that server, or give this one another folder with --data-dir.");
}

/* For messages and commands, which say so where it is missing: failures do not matter. */
static void write_holder(int lock)
{
    if (ftruncate(lock, 0) == 0) {
        dprintf(lock, "%d\n", (int)getpid());
    }
}

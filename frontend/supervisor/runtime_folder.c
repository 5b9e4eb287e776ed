/* The private folder of a server's sockets. */
#include "frontend/supervisor/runtime_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <dirent.h>

#include "common/text.h"

#define NAME_PREFIX  "weir-"
#define NAME_PATTERN NAME_PREFIX "XXXXXX"

enum {
    /* A younger folder may belong to a server that has not locked it yet. */
    STALE_AFTER_S = 60
};

static bool open_under(struct runtime_folder *folder, const char *base, size_t base_length);
static void sweep(const char *base);
static void remove_if_stale(int base_fd, const char *name);
static void remove_contents(int folder_fd);

bool runtime_folder_open(struct runtime_folder *folder, struct error *err)
{
    const char *const bases[] = {getenv("RUNTIME_DIRECTORY"), getenv("XDG_RUNTIME_DIR"), "/tmp"};

    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        /* systemd gives several, with a colon between two. */
        size_t length = bases[i] != NULL ? strcspn(bases[i], ":") : 0;

        if (length > 0 && bases[i][0] == '/' && open_under(folder, bases[i], length)) {
            return true;
        }
    }
    error_set_errno(err, ERROR_STORE, "could not make a folder for sockets under \"/tmp\"");
    return error_hint(err,
                      "Set XDG_RUNTIME_DIR to a folder that this user can write, with a path of "
                      "at most 60 bytes.");
}

void runtime_folder_remove_socket(const struct runtime_folder *folder, uint32_t worker,
                                  uint64_t life)
{
    char name[64];

    snprintf(name, sizeof name, "worker-%u-%llu", worker, (unsigned long long)life);
    unlinkat(folder->fd, name, 0);
}

void runtime_folder_close(struct runtime_folder *folder)
{
    remove_contents(folder->fd);
    rmdir(folder->path);
    close(folder->fd);
    folder->fd = -1;
}

static bool open_under(struct runtime_folder *folder, const char *base, size_t base_length)
{
    int printed =
        snprintf(folder->path, sizeof folder->path, "%.*s/" NAME_PATTERN, (int)base_length, base);

    if (printed < 0 || (size_t)printed >= sizeof folder->path) {
        errno = ENAMETOOLONG;
        return false;
    }
    folder->path[base_length] = '\0';
    sweep(folder->path);
    folder->path[base_length] = '/';
    if (mkdtemp(folder->path) == NULL) {
        return false;
    }
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder->fd >= 0 && flock(folder->fd, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }

    int errno_value = errno;

    if (folder->fd >= 0) {
        close(folder->fd);
    }
    rmdir(folder->path);
    errno = errno_value;
    return false;
}

static void sweep(const char *base)
{
    DIR *listing = opendir(base);
    const struct dirent *entry;

    if (listing == NULL) {
        return;
    }
    while ((entry = readdir(listing)) != NULL) {
        if (strlen(entry->d_name) == strlen(NAME_PATTERN) &&
            strncmp(entry->d_name, NAME_PREFIX, strlen(NAME_PREFIX)) == 0) {
            remove_if_stale(dirfd(listing), entry->d_name);
        }
    }
    closedir(listing);
}

static void remove_if_stale(int base_fd, const char *name)
{
    int folder = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;

    if (folder < 0) {
        return;
    }
    if (fstat(folder, &status) == 0 && status.st_uid == geteuid() &&
        status.st_mtime + STALE_AFTER_S < time(NULL) && flock(folder, LOCK_EX | LOCK_NB) == 0) {
        remove_contents(folder);
        unlinkat(base_fd, name, AT_REMOVEDIR);
    }
    close(folder);
}

/* Removes the sockets, of workers and the frontend; anything else is not ours and keeps the folder
 * where it is. */
static void remove_contents(int folder_fd)
{
    int again = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = again >= 0 ? fdopendir(again) : NULL;
    const struct dirent *entry;

    if (listing == NULL) {
        if (again >= 0) {
            close(again);
        }
        return;
    }
    while ((entry = readdir(listing)) != NULL) {
        if (strncmp(entry->d_name, "worker-", strlen("worker-")) == 0 ||
            strcmp(entry->d_name, "admin") == 0) {
            unlinkat(folder_fd, entry->d_name, 0);
        }
    }
    closedir(listing);
}

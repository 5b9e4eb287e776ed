/* The bottom of the source stack: a regular file, below the batch folders where some are set. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "common/mem.h"
#include "worker/decode/source_internal.h"

struct file {
    int fd;
    uint64_t size;  /* when it was opened */
    uint64_t bytes; /* read so far */
};

enum {
    /* A FIFO or a device must not block the worker; what was opened is looked at afterwards. */
    FILE_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
};

static bool may_pass(int reason);
static int open_path(const struct source_terms *terms);
static int open_beneath(const char *folder, const char *rest);
static const char *path_below(const char *path, const char *folder);
static bool file_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                      size_t *length_out, struct error *err);
static void file_close(void *state);

bool source_open_file(const struct source_terms *terms, struct source **source_out,
                      struct error *err)
{
    struct stat status;
    struct file *file = NULL;
    int fd = open_path(terms);

    if (fd < 0 && errno == EXDEV && terms->batch_dirs_count > 0) {
        (void)error_set(err, ERROR_REQUEST, "it is not in a folder given with --batch-dir");
        return error_hint(err, "Start weir with --batch-dir for the folder of the batch files.");
    }
    if (fd < 0) {
        return error_set_errno(err, may_pass(errno) ? ERROR_UNAVAILABLE : ERROR_REQUEST,
                               "could not open it");
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        (void)close(fd);
        return error_set(err, ERROR_REQUEST, "it is not a regular file");
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    file = mem_zero(sizeof *file);
    file->fd = fd;
    file->size = (uint64_t)status.st_size;
    *source_out = source_new(NULL, file, file_read, file_close);
    return true;
}

/* Or is for a person to mend. EAGAIN: a folder was renamed while the kernel walked through "..". */
static bool may_pass(int reason)
{
    return reason == EMFILE || reason == ENFILE || reason == ENOMEM || reason == EIO ||
           reason == EAGAIN;
}

/* errno EXDEV: the path is outside the batch folders. */
static int open_path(const struct source_terms *terms)
{
    if (terms->batch_dirs_count == 0) {
        return open(terms->path, FILE_FLAGS);
    }
    for (int i = 0; i < terms->batch_dirs_count; i++) {
        const char *rest = path_below(terms->path, terms->batch_dirs[i]);

        if (rest != NULL) {
            return open_beneath(terms->batch_dirs[i], rest);
        }
    }
    errno = EXDEV;
    return -1;
}

/* The kernel holds the whole walk to the folder: no "..", no symbolic link leads out of it,
 * whatever happens to the folders meanwhile. */
static int open_beneath(const char *folder, const char *rest)
{
    const struct open_how how = {.flags = FILE_FLAGS, .resolve = RESOLVE_BENEATH};
    int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    long fd = -1;
    int reason = 0;

    if (folder_fd < 0) {
        return -1;
    }
    fd = syscall(SYS_openat2, folder_fd, rest, &how, sizeof how);
    reason = errno;
    (void)close(folder_fd);
    errno = reason;
    return (int)fd;
}

/* What follows the folder in the path, or NULL if the path does not begin with it. */
static const char *path_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    while (length > 0 && folder[length - 1] == '/') {
        length--;
    }
    if (strncmp(path, folder, length) != 0 || path[length] != '/') {
        return NULL;
    }
    path += length;
    while (*path == '/') {
        path++;
    }
    return path;
}

static bool file_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                      size_t *length_out, struct error *err)
{
    struct file *file = state;
    ssize_t got = -1;

    (void)below;
    do {
        got = read(file->fd, bytes, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return error_set_errno(err, ERROR_UNAVAILABLE, "could not read it");
    }
    file->bytes += (size_t)got;
    /* A file that is still being written, or was cut, may look whole. */
    if (file->bytes > file->size || (got == 0 && file->bytes != file->size)) {
        return error_set(err, ERROR_UNAVAILABLE, "its size changed while it was read");
    }
    *length_out = (size_t)got;
    return true;
}

static void file_close(void *state)
{
    struct file *file = state;

    (void)close(file->fd);
    mem_free(file);
}

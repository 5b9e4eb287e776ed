/* Files and folders of the data folder. */
#include "worker/store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>

#include "common/mem.h"
#include "common/removal.h"
#include "common/text.h"

static void directory_close(DIR **directory);
static bool remove_child(void *context, const char *name, struct error *err);

bool folder_make(const char *path, struct error *err)
{
    OWNED(mem_release) char *above = mem_format("%s/..", path);

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return error_set_errno(err, error_kind_of_write(errno), "could not make folder \"%s\"",
                               text_path(path).text);
    }
    /* Also when it was there: whoever made it may have been killed before this line. */
    return folder_sync(above, err);
}

bool folder_sync(const char *path, struct error *err)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0) {
        return error_set_errno(err, ERROR_STORE, "could not open folder \"%s\"",
                               text_path(path).text);
    }

    /* EINVAL: a file system that has nothing to sync here. */
    bool synced = fsync(folder) == 0 || errno == EINVAL;

    if (!synced) {
        error_set_errno(err, error_kind_of_write(errno), "could not sync folder \"%s\"",
                        text_path(path).text);
    }
    close(folder);
    return synced;
}

bool folder_each(const char *path,
                 bool (*visit)(void *context, const char *name, struct error *err), void *context,
                 struct error *err)
{
    OWNED(directory_close) DIR *directory = opendir(path);
    struct dirent *entry;

    if (directory == NULL) {
        return errno == ENOENT || error_set_errno(err, ERROR_STORE, "could not open folder \"%s\"",
                                                  text_path(path).text);
    }
    for (errno = 0; (entry = readdir(directory)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (!visit(context, entry->d_name, err)) {
            return false;
        }
    }
    return errno == 0 ||
           error_set_errno(err, ERROR_STORE, "could not read folder \"%s\"", text_path(path).text);
}

bool folder_remove(const char *path, struct error *err)
{
    struct stat status;

    if (lstat(path, &status) != 0) {
        return errno == ENOENT ||
               error_set_errno(err, ERROR_STORE, "could not look at \"%s\"", text_path(path).text);
    }

    bool is_folder = S_ISDIR(status.st_mode);

    if (is_folder && !folder_each(path, remove_child, &path, err)) {
        return false;
    }
    if ((is_folder ? rmdir(path) : removal_unlink(path)) != 0 && errno != ENOENT) {
        return error_set_errno(err, ERROR_STORE, "could not remove \"%s\"", text_path(path).text);
    }
    return true;
}

static void directory_close(DIR **directory)
{
    if (*directory != NULL) {
        closedir(*directory);
        *directory = NULL;
    }
}

static bool remove_child(void *context, const char *name, struct error *err)
{
    const char *const *folder = context;
    OWNED(mem_release) char *path = mem_format("%s/%s", *folder, name);

    return folder_remove(path, err);
}

/* Landlock: which files a process can still open. What it has open stays open. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "common/confine/confine_internal.h"
#include "common/text.h"

/* Newer than the distribution's header. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

/* What each version of the interface can hold back. */
#define ACCESS_VERSION_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define ACCESS_VERSION_2 (ACCESS_VERSION_1 | LANDLOCK_ACCESS_FS_REFER)
#define ACCESS_VERSION_3 (ACCESS_VERSION_2 | LANDLOCK_ACCESS_FS_TRUNCATE)

#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* Nothing is executed, and no device is made, wherever it is. */
#define ACCESS_WRITE                                                                               \
    (ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE)

static uint64_t held_back(void);
static bool allow(int rules, const struct confine_folder *folder, uint64_t handled,
                  struct error *err);

bool confine_files(const struct confine_folder *folders, size_t count, struct error *err)
{
    const struct landlock_ruleset_attr attributes = {.handled_access_fs = held_back()};
    int rules = -1;
    bool allowed = true;

    if (attributes.handled_access_fs == 0) {
        return error_set(err, ERROR_UNSUPPORTED, "the kernel has no Landlock");
    }
    rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (rules < 0) {
        return error_set_errno(err, ERROR_INTERNAL, "could not limit the files of a process");
    }
    for (size_t i = 0; i < count && allowed; i++) {
        allowed = allow(rules, &folders[i], attributes.handled_access_fs, err);
    }
    if (allowed && syscall(SYS_landlock_restrict_self, rules, 0) != 0) {
        allowed = error_set_errno(err, ERROR_INTERNAL, "could not limit the files of a process");
    }
    (void)close(rules);
    return allowed;
}

static uint64_t held_back(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version < 1) {
        return 0;
    }
    return version == 1 ? ACCESS_VERSION_1 : version == 2 ? ACCESS_VERSION_2 : ACCESS_VERSION_3;
}

static bool allow(int rules, const struct confine_folder *folder, uint64_t handled,
                  struct error *err)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access = (folder->writable ? ACCESS_WRITE : ACCESS_READ) & handled,
        .parent_fd = open(folder->path, O_PATH | O_CLOEXEC),
    };
    bool added = false;

    if (rule.parent_fd < 0) {
        return errno == ENOENT || error_set_errno(err, ERROR_INTERNAL, "could not look at \"%s\"",
                                                  text_path(folder->path).text);
    }
    added = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ||
            error_set_errno(err, ERROR_INTERNAL, "could not limit a process to \"%s\"",
                            text_path(folder->path).text);
    (void)close(rule.parent_fd);
    return added;
}

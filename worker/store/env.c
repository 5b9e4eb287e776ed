/* See env.h. */
#include "worker/store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "worker/store/folder.h"

enum {
    ENV_MODE = 0600,

    /* A disk with less room than LMDB writes at once is full. */
    ENV_FULL_BYTES = 1024 * 1024,

    /* The size of the lock file that LMDB makes. */
    ENV_LOCK_BYTES = 8192,
};

static void take_back(MDB_env *env);
static bool check_file(const char *path, struct error *err);
static bool prepare_lock_file(const struct env_terms *terms, bool *without_lock_out,
                              struct error *err);
static bool fill_lock_file(int lock, const char *path, struct error *err);

bool env_open(const struct env_terms *terms, MDB_env **env_out, struct error *err)
{
    OWNED(env_close) MDB_env *env = NULL;
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (terms->read_only ? MDB_RDONLY : 0) |
                     (terms->unsynced ? MDB_NOSYNC : 0);
    bool without_lock = false;
    int dead = 0;
    int result = 0;

    if (!terms->creates && !check_file(terms->path, err)) {
        return false;
    }
    if (!prepare_lock_file(terms, &without_lock, err)) {
        return false;
    }
    result = mdb_env_create(&env);
    if (result == 0) {
        result = mdb_env_set_maxdbs(env, ENV_DATABASES_MAX);
    }
    if (result == 0) {
        result = mdb_env_set_mapsize(env, (size_t)terms->map_size_bytes);
    }
    if (result == 0) {
        result = mdb_env_open(env, terms->path, flags | (without_lock ? MDB_NOLOCK : 0), ENV_MODE);
    }
    if (result == 0 && !without_lock) {
        /* A reader killed inside a transaction would pin its pages for ever. */
        result = mdb_reader_check(env, &dead);
    }
    if (result != 0) {
        (void)env_fail(err, result, "could not open");
        (void)error_wrap(err, "database \"%s\"", text_path(terms->path).text);
        if (result == ENOMEM) {
            (void)error_hint(err, "Lower --map-size, or raise the limit of address space.");
        }
        return false;
    }
    *env_out = MOVE(env);
    return true;
}

void env_close(MDB_env **env)
{
    if (*env != NULL) {
        mdb_env_close(*env);
        *env = NULL;
    }
}

void env_abort(MDB_txn **txn)
{
    if (*txn != NULL) {
        mdb_txn_abort(*txn);
        *txn = NULL;
    }
}

bool env_commit(MDB_txn **txn, struct error *err)
{
    MDB_env *env = mdb_txn_env(*txn);
    int result = env_write_result(env, mdb_txn_commit(MOVE(*txn)));

    if (result == 0) {
        return true;
    }
    take_back(env);
    return env_fail(err, result, "could not commit");
}

bool env_sync(MDB_env *env, struct error *err)
{
    int result = env_write_result(env, mdb_env_sync(env, 1));

    return result == 0 || env_fail(err, result, "could not sync");
}

bool env_remove(const char *path, struct error *err)
{
    OWNED(mem_release) char *lock_path = mem_format("%s-lock", path);

    return folder_remove(path, err) && folder_remove(lock_path, err);
}

int env_write_result(MDB_env *env, int result)
{
    mdb_filehandle_t file = -1;
    struct statvfs disk;

    if (result == EIO && mdb_env_get_fd(env, &file) == 0 && fstatvfs(file, &disk) == 0 &&
        (uint64_t)disk.f_bavail * disk.f_frsize < ENV_FULL_BYTES) {
        return ENOSPC;
    }
    return result;
}

bool env_fail(struct error *err, int result, const char *what)
{
    if (result == MDB_MAP_FULL) {
        (void)error_set(err, ERROR_FULL, "%s: the database reached its largest size", what);
        return error_hint(err, "Start weir with a larger --map-size.");
    }
    if (result == ENOSPC || result == EDQUOT || result == EFBIG) {
        (void)error_set(err, ERROR_FULL, "%s: %s", what, strerror(result));
        return error_hint(err, "Free space on the disk of the data folder.");
    }
    (void)error_set(err, ERROR_STORE, "%s: %s", what, mdb_strerror(result));
    if (result == EIO) {
        (void)error_hint(err, "Look at the disk of the data folder: the kernel's log says more.");
    }
    if (result == EMFILE || result == ENFILE) {
        (void)error_hint(err, "Raise the limit of open files.");
    }
    if (result == EACCES) {
        (void)error_hint(err, "Run this as the user that the server runs as, or as root.");
    }
    return false;
}

/* After a commit that failed.
 *
 * Its pages need nothing: no meta page names them, and who takes them again writes them anew, even
 * those that the kernel calls clean since their sync failed. But the meta page may have reached the
 * disk although its write failed. LMDB puts the former one back, in the page cache only; were the
 * pages overwritten while the disk still named them, a power cut would leave a table in pieces. So
 * the former one is synced before anyone can write. */
static void take_back(MDB_env *env)
{
    int result = mdb_env_sync(env, 1);

    if (result != 0) {
        log_message(LOG_WARNING, "could not sync a database after a commit that failed: %s",
                    mdb_strerror(result));
    }
}

/* LMDB would make an empty database out of a missing or empty file: a lost table without rows. */
static bool check_file(const char *path, struct error *err)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        return error_set_errno(err, ERROR_STORE, "could not open database \"%s\"",
                               text_path(path).text);
    }
    return (S_ISREG(status.st_mode) && status.st_size > 0) ||
           error_set(err, ERROR_STORE, "could not open database \"%s\": it is damaged",
                     text_path(path).text);
}

/* LMDB makes a missing lock file for a reader, too, with the reader's owner: made by root it would
 * shut the server out. So it is made here, for the owner of the database. Where that is not allowed
 * nobody can be writing (a writer would have made it), and no lock is needed. */
static bool prepare_lock_file(const struct env_terms *terms, bool *without_lock_out,
                              struct error *err)
{
    OWNED(mem_release) char *lock_path = mem_format("%s-lock", terms->path);
    struct stat status;
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, ENV_MODE);
    bool prepared = true;

    if (lock < 0) {
        *without_lock_out = terms->read_only && access(lock_path, F_OK) != 0;
        return true; /* LMDB says what is wrong */
    }
    if (fstat(lock, &status) == 0 && status.st_size == 0) {
        prepared = fill_lock_file(lock, terms->path, err);
    }
    if (!prepared) {
        (void)unlink(lock_path);
    }
    (void)close(lock);
    return prepared;
}

/* LMDB writes the lock file through a map, where a full disk kills the process: its room is taken
 * beforehand. */
static bool fill_lock_file(int lock, const char *path, struct error *err)
{
    struct stat data;
    int result = 0;

    if (stat(path, &data) == 0 && data.st_uid != geteuid() &&
        fchown(lock, data.st_uid, data.st_gid) != 0) {
        return error_set_errno(err, ERROR_STORE,
                               "could not make a lock file for the owner of database \"%s\"",
                               text_path(path).text);
    }
    result = posix_fallocate(lock, 0, ENV_LOCK_BYTES);
    if (result == 0 || result == EINVAL || result == EOPNOTSUPP) {
        return true;
    }
    (void)env_fail(err, result, "could not make a lock file");
    return error_wrap(err, "database \"%s\"", text_path(path).text);
}

/* See confine.h: which role keeps what. */
#include "common/confine/confine.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <libgen.h>

#include "common/confine/confine_internal.h"
#include "common/log.h"
#include "common/mem.h"

/* Sanitizers look into /proc and stop all threads when a process ends, and their shadow memory
 * counts as data: a process that carries one keeps its rights. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

static void limit_memory(const struct options *options);
static size_t list_folders(enum confine_role role, const struct options *options,
                           const char *runtime_dir, const char *data_folder,
                           struct confine_folder *folders);
static void list_tls_folders(const struct options *options, char **paths);
static void tell(enum confine_role role, bool confined, const struct error *err);

enum {
    TLS_FOLDERS_MAX = 6,
    FOLDERS_MAX = OPTION_LIST_MAX + TLS_FOLDERS_MAX + 4
};

void confine_begin(enum confine_role role, const struct options *options, const char *runtime_dir)
{
    struct confine_folder folders[FOLDERS_MAX];
    /* The frontend removes the runs of a batch that ended, and that is all. */
    OWNED(mem_release)
    char *data_folder =
        mem_format("%s%s", options->data_dir, role == CONFINE_FRONTEND ? "/runs" : "");
    size_t count = list_folders(role, options, runtime_dir, data_folder, folders);
    char *tls_folders[TLS_FOLDERS_MAX] = {NULL};
    struct error err = {0};

    if (role == CONFINE_FRONTEND) {
        list_tls_folders(options, tls_folders);
    }
    for (size_t i = 0; i < TLS_FOLDERS_MAX; i++) {
        if (tls_folders[i] != NULL) {
            folders[count++] = (struct confine_folder){tls_folders[i], false};
        }
    }

    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!IS_SANITIZED) {
        if (role == CONFINE_WORKER) {
            limit_memory(options);
        }
        tell(role, confine_files(folders, count, &err), &err);
        tell(role, confine_calls_begin(role, &err), &err);
    }
    for (size_t i = 0; i < TLS_FOLDERS_MAX; i++) {
        mem_free(tls_folders[i]);
    }
}

void confine_end(enum confine_role role)
{
    struct error err = {0};

    if (!IS_SANITIZED) {
        tell(role, confine_calls_end(role, &err), &err);
    }
}

/* Data, not address space: LMDB maps a table's largest size. What does not fit ends the worker, and
 * with the third one its batch; the machine goes on. */
static void limit_memory(const struct options *options)
{
    struct rlimit limit = {.rlim_cur = options->worker_memory_bytes,
                           .rlim_max = options->worker_memory_bytes};

    if (options->worker_memory_bytes != 0 && setrlimit(RLIMIT_DATA, &limit) != 0) {
        log_message(LOG_WARNING, "could not limit the memory of a worker");
    }
}

static size_t list_folders(enum confine_role role, const struct options *options,
                           const char *runtime_dir, const char *data_folder,
                           struct confine_folder *folders)
{
    size_t count = 0;

    folders[count++] = (struct confine_folder){runtime_dir, true};
    folders[count++] = (struct confine_folder){data_folder, true};
    /* Batch files are for workers to read; the frontend only asks for their sizes. */
    for (size_t i = 0; role == CONFINE_WORKER && i < options->batch_dirs_count; i++) {
        folders[count++] = (struct confine_folder){options->batch_dirs[i], false};
    }
    if (role == CONFINE_WORKER && options->batch_dirs_count == 0) {
        folders[count++] = (struct confine_folder){"/", false};
    }
    return count;
}

/* Files that are read again on a reload, when others may have been moved into their place: the
 * folders of their names, and those that symbolic links lead to now. */
static void list_tls_folders(const struct options *options, char **paths)
{
    const char *const files[] = {options->tls_cert, options->tls_key, options->tls_client_ca};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char real[PATH_MAX];

        if (files[i] != NULL && realpath(files[i], real) != NULL) {
            OWNED(mem_release) char *name = mem_text(files[i]);

            paths[2 * i] = mem_text(dirname(name));
            paths[2 * i + 1] = mem_text(dirname(real));
        }
    }
}

/* What this machine cannot do is the same for all: the frontend tells it. */
static void tell(enum confine_role role, bool confined, const struct error *err)
{
    if (!confined && (role == CONFINE_FRONTEND || err->kind != ERROR_UNSUPPORTED)) {
        log_error(LOG_WARNING, "a process runs with more rights than it needs", err);
    }
}

/* The options of `weir serve`, from its arguments and from WEIR_* environment variables.
 *
 * option_table.c has one row per option: to add one, add a field here and a row there. */
#ifndef WEIR_COMMON_OPTIONS_H
#define WEIR_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/option.h"

struct options {
    uint64_t port;
    const char *data_dir;
    uint64_t workers; /* without the express worker */
    uint64_t grace_ms;
    uint64_t map_size_bytes;
    uint64_t run_budget_bytes;
    uint64_t memory_budget_bytes; /* for large apply stages at once; 0: half of the machine's */
    uint64_t cell_bytes_max;
    uint64_t file_bytes_max;      /* decoded */
    uint64_t handlers_max;        /* threads for RPCs that run */
    uint64_t waiting_max;         /* RPCs that wait */
    uint64_t batch_files_max;     /* of one batch */
    uint64_t batch_bytes_max;     /* of one batch's files, as they lie on disk */
    uint64_t disk_reserve_bytes;  /* what rows leave free on the disk of the data folder */
    uint64_t worker_memory_bytes; /* private memory of one worker */
    uint64_t watchdog_ms;         /* a worker without progress for that long is killed */
    const char *batch_dirs[OPTION_LIST_MAX];
    size_t batch_dirs_count; /* 0: anywhere */
    const char *listen[OPTION_LIST_MAX];
    size_t listen_count;       /* 0: all interfaces */
    const char *tls_cert;      /* NULL: no TLS */
    const char *tls_key;       /* NULL: none */
    const char *tls_client_ca; /* NULL: clients show no certificate */
};

/* Fills in what depends on the machine and stays where nothing is given. */
void options_init(struct options *options);

/* Fills *options from defaults, then the environment, then the arguments (`arguments[0]` is the
 * first option). Strings are borrowed from arguments and environment. `--name value` and
 * `--name=value` are both fine. Fails with ERROR_REQUEST and a line that says what is accepted
 * (exit status 2). *help_out: --help was given. */
MUST_CHECK bool options_read(struct options *options, int arguments_count,
                             const char *const arguments[], bool *help_out, struct error *err);

/* The rows, in the order of --help; the last one has no name. */
extern const struct option serve_options[];

#endif

/* Confinement: what a process of the server gives up before it touches anybody's bytes.
 *
 * Landlock leaves it the folders that it needs; a seccomp filter takes away the system calls that
 * no honest frontend or worker makes; a limit bounds its memory. All of it holds for every thread
 * made afterwards and cannot be taken back. Where the kernel lacks something the process runs
 * without it and says so. */
#ifndef WEIR_COMMON_CONFINE_CONFINE_H
#define WEIR_COMMON_CONFINE_CONFINE_H

#include <stdbool.h>

#include "common/options.h"

enum confine_role {
    CONFINE_WORKER,   /* data and runtime folder, reads batch files; its own socket, no network */
    CONFINE_FRONTEND, /* runtime folder, runs; the network; no tables, no registry */
};

/* Before the first thread: files, and system calls but those for sockets. Logs a WARNING for each
 * part that could not be had; what the machine lacks is told by the frontend alone. */
void confine_begin(enum confine_role role, const struct options *options, const char *runtime_dir);

/* Once the process has the sockets that it listens on, for all its threads: a worker makes no
 * socket any more, a frontend none but those to workers. */
void confine_end(enum confine_role role);

#endif

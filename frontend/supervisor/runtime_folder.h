/* The private folder of a server's sockets, for as long as the server lives.
 *
 * The supervisor holds flock on the folder itself: what is not locked belonged to a server that was
 * killed and is removed by the next one. (systemd-tmpfiles leaves locked folders alone, too.) */
#ifndef WEIR_FRONTEND_SUPERVISOR_RUNTIME_FOLDER_H
#define WEIR_FRONTEND_SUPERVISOR_RUNTIME_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"

enum {
    /* A socket's path has 107 bytes; "/worker-255-18446744073709551615" takes 32 of them. */
    RUNTIME_FOLDER_PATH_MAX = 107 - 32 + 1
};

struct runtime_folder {
    char path[RUNTIME_FOLDER_PATH_MAX];
    int fd; /* locked */
};

/* Makes a folder with mode 0700 under the first of $RUNTIME_DIRECTORY (systemd's), $XDG_RUNTIME_DIR
 * and /tmp where that is possible and the path is short enough, and removes what dead servers left
 * there. */
MUST_CHECK bool runtime_folder_open(struct runtime_folder *folder, struct error *err);

/* Removes the socket of a worker's life. */
void runtime_folder_remove_socket(const struct runtime_folder *folder, uint32_t worker,
                                  uint64_t life);

/* Removes the folder with what is in it. */
void runtime_folder_close(struct runtime_folder *folder);

#endif

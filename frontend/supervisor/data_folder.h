/* The data folder's LOCK: one server per data folder.
 *
 * The lock is flock's, on a descriptor that every child inherits, so it is held until the last
 * process of a server is gone, whichever way that server ended. */
#ifndef WEIR_FRONTEND_SUPERVISOR_DATA_FOLDER_H
#define WEIR_FRONTEND_SUPERVISOR_DATA_FOLDER_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"

/* Makes the data folder (and those above it) where it is missing, opens its file LOCK and locks it;
 * waits up to `wait_ms` for another server's processes. *lock_out is the caller's to close. Fails
 * with ERROR_REQUEST if another server stays, ERROR_STORE or ERROR_FULL if the folder cannot be
 * made or written. */
MUST_CHECK bool data_folder_lock(const char *data_dir, unsigned wait_ms, int *lock_out,
                                 struct error *err);

/* Notes in the lock where the server's sockets are, for data_folder_find_server(). */
void data_folder_note_sockets(int lock, const char *runtime_dir);

/* The runtime folder of the server that has the data folder, for the caller to mem_free(). Fails
 * with ERROR_REQUEST where no server runs. */
MUST_CHECK bool data_folder_find_server(const char *data_dir, char **runtime_dir_out,
                                        struct error *err);

#endif

/* Files and folders of the data folder: made so that they outlive a power failure, and removed.
 *
 * LMDB syncs its files, but never the folder that names them. */
#ifndef WEIR_WORKER_STORE_FOLDER_H
#define WEIR_WORKER_STORE_FOLDER_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"

/* Makes the folder, for this user only, and syncs the one above it. One that is there is fine. */
MUST_CHECK bool folder_make(const char *path, struct error *err);

/* Makes the names in the folder durable. */
MUST_CHECK bool folder_sync(const char *path, struct error *err);

/* Calls `visit` with the name of everything in the folder but "." and "..", in no order; false from
 * it ends the walk and is a failure. A missing folder is empty. */
MUST_CHECK bool folder_each(const char *path,
                            bool (*visit)(void *context, const char *name, struct error *err),
                            void *context, struct error *err);

/* Removes the file, or the folder and what is in it. What is missing is fine; symbolic links are
 * removed, not followed. */
MUST_CHECK bool folder_remove(const char *path, struct error *err);

#endif

/* What the supervisor needs from the system before it starts its first child. */
#ifndef WEIR_FRONTEND_SUPERVISOR_SETUP_H
#define WEIR_FRONTEND_SUPERVISOR_SETUP_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/options.h"

/* Whether the folders of --batch-dir are there: what is named otherwise, or made later, would only
 * show when every batch is refused. Fails with ERROR_REQUEST. */
MUST_CHECK bool setup_check_batch_folders(const struct options *options, struct error *err);

/* Shared memory for a struct role_pages, all zero. */
MUST_CHECK bool setup_pages(int *pages_out, struct error *err);

/* Takes SIGTERM, SIGINT, SIGHUP and SIGCHLD out of the way of the code: from here on they are read
 * from a descriptor, between other events. */
MUST_CHECK bool setup_signals(int *signal_fd_out, struct error *err);

/* Raises the number of descriptors that this process and its children may have. */
void setup_descriptor_limit(void);

#endif

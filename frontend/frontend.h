/* The frontend process: gRPC on one side, workers on the other.
 *
 * The step after cli/command_role. RPCs come in through frontend/gateway, jobs go out through
 * frontend/dispatch; this file wires them and listens to the supervisor. */
#ifndef WEIR_FRONTEND_FRONTEND_H
#define WEIR_FRONTEND_FRONTEND_H

#include "common/options.h"

/* Serves until the supervisor says stop, and returns the exit status. `runtime_dir`: the folder of
 * the workers' sockets. */
int frontend_run(const struct options *options, const char *runtime_dir, size_t sockets_count);

#endif

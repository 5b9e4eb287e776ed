/* The parent of all processes of a server: starts them, reaps them, starts them again.
 *
 * The step after cli/command_serve. It has no threads and calls no library: gRPC, nng and LMDB live
 * in its children only, which are this binary again in the roles of common/role.h. */
#ifndef WEIR_FRONTEND_SUPERVISOR_SUPERVISOR_H
#define WEIR_FRONTEND_SUPERVISOR_SUPERVISOR_H

#include "common/options.h"

/* Serves until a signal or a failure ends it and returns the exit status: 0 after SIGTERM or
 * SIGINT; with a log line and a line on standard error, 1 if it cannot serve and 70 if one of its
 * processes ends again and again. `arguments` are
 * serve's own, for the children to read again. */
int supervisor_run(const struct options *options, int arguments_count,
                   const char *const arguments[]);

#endif

/* A worker process: receives a job, runs it, answers, one at a time.
 *
 * The step after cli/command_role; jobs come from frontend/dispatch/pool by common/ipc and go to
 * worker/job. */
#ifndef WEIR_WORKER_LOOP_LOOP_H
#define WEIR_WORKER_LOOP_LOOP_H

#include <stdint.h>

#include "common/options.h"

/* Works until the supervisor says stop or the worker should be replaced, and returns the exit
 * status. `worker` is its index, `life` its start's number, `runtime_dir` the sockets' folder. */
int worker_loop_run(const struct options *options, uint32_t worker, uint64_t life,
                    const char *runtime_dir);

#endif

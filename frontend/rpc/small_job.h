/* One job on any worker, as most RPCs need. */
#ifndef WEIR_FRONTEND_RPC_SMALL_JOB_H
#define WEIR_FRONTEND_RPC_SMALL_JOB_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"
#include "frontend/rpc/rpc.h"
#include "job.pb-c.h"

/* Runs the job for the RPC and waits. An error that is the workers' own gets `what` in front, as in
 * "could not create the table". *result_out is for the caller to release with
 * small_job_release(). */
MUST_CHECK bool small_job_run(const struct rpc_call *call, const Weir__Job *job, const char *what,
                              Weir__Result **result_out, struct error *err);

/* Frees a result and sets the pointer to NULL. NULL is fine. */
void small_job_release(Weir__Result **result);

#endif

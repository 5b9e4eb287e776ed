/* One job on any worker. */
#include "frontend/rpc/small_job.h"

#include "common/mem.h"

bool small_job_run(const struct rpc_call *call, const Weir__Job *job, const char *what,
                   Weir__Result **result_out, struct error *err)
{
    if (pool_run(call->pool, call->ticket, POOL_SMALL, job, result_out, err)) {
        return true;
    }
    /* What a job itself says names its table already; a lost worker knows of none. */
    return err->kind == ERROR_UNAVAILABLE ? error_wrap(err, "%s", what) : false;
}

void small_job_release(Weir__Result **result)
{
    weir__result__free_unpacked(*result, NULL);
    *result = NULL;
}

/* Ping: the answer itself says that the worker works. */
#include "worker/job/job_worker.h"

bool job_ping(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
              struct error *err)
{
    (void)job;
    (void)result;
    return job_tick(worker, err);
}

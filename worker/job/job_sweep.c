/* Sweep: opens the data folder for writing, making it where it is missing, and removes what a crash
 * left behind. The first job of a server: it runs alone, under the data folder's LOCK. */
#include "worker/job/job_worker.h"

bool job_sweep(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
               struct error *err)
{
    OWNED(store_close) struct store *store = NULL;

    (void)job;
    (void)result;
    return job_open_store(worker, &store, err) && store_sweep(store, err);
}

/* TestStore: whether a batch could be stored now, tried for real. Behind the RPC Test. */
#include "worker/job/job_worker.h"

bool job_test_store(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                    struct error *err)
{
    OWNED(store_close) struct store *store = NULL;

    (void)result;
    return job_open_store(worker, &store, err) && store_check_room(store, err) &&
           store_test(store, job->test_store->read_back, err);
}

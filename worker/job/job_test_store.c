/* TestStore: whether a batch could be stored now, tried for real. Behind the RPC Test. */
#include "common/limits.h"
#include "worker/job/job_worker.h"

static bool check_disk(struct store *store, struct error *err);

bool job_test_store(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                    struct error *err)
{
    OWNED(store_close) struct store *store = NULL;

    (void)result;
    return job_open_store(worker, &store, err) && check_disk(store, err) &&
           store_test(store, job->test_store->read_back, err);
}

static bool check_disk(struct store *store, struct error *err)
{
    uint64_t free_bytes;

    if (!store_disk_free(store, &free_bytes, err)) {
        return false;
    }
    if (free_bytes >= LIMIT_DISK_FREE_BYTES) {
        return true;
    }
    (void)error_set(
        err, ERROR_FULL, "the disk of the data folder has %llu MiB free, %llu are needed",
        (unsigned long long)(free_bytes / MIB), (unsigned long long)(LIMIT_DISK_FREE_BYTES / MIB));
    return error_hint(err, "Make room on that disk, or give another folder with --data-dir.");
}

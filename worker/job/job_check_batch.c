/* CheckBatch: whether the request's table agrees with the registry's, before any file is read. */
#include "common/mem.h"
#include "common/table_entry.h"
#include "worker/job/batch_check.h"
#include "worker/job/job_worker.h"

bool job_check_batch(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err)
{
    const Weir__CheckBatchJob *asked = job->check_batch;
    OWNED(store_close) struct store *store = NULL;
    OWNED(table_free) struct table *table = NULL;
    OWNED(mem_release) uint32_t *ids = NULL;
    size_t ids_count;

    if (asked->table == NULL) {
        return error_set(err, ERROR_INTERNAL, "the job has no table");
    }
    if (!job_open_store(worker, &store, err) ||
        !check_batch_table(store, asked->table, asked->history, &table, &ids, &ids_count, err)) {
        return false;
    }
    result->table = table_entry_new(table);
    result->request_column_ids = MOVE(ids);
    result->n_request_column_ids = ids_count;
    return true;
}

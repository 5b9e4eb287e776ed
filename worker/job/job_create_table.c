/* CreateTable: a new, empty table, durable before it has a name. */
#include "common/table_entry.h"
#include "worker/job/job_worker.h"

bool job_create_table(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                      struct error *err)
{
    OWNED(store_close) struct store *store = NULL;
    OWNED(table_free) struct table *table = NULL;

    (void)result;
    if (job->create_table->table == NULL) {
        return error_set(err, ERROR_INTERNAL, "the job has no table");
    }
    return table_entry_read(job->create_table->table, &table, err) &&
           job_open_store(worker, &store, err) && registry_create(store, table, err);
}

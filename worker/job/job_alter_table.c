/* Alters a table in one job. */
#include "common/table_entry.h"
#include "worker/job/job_collector.h"
#include "worker/job/job_worker.h"
#include "worker/rewrite/alter.h"

bool job_alter_table(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err)
{
    const struct run_watch watch = {job_tick, worker};
    OWNED(run_collector_free) struct run_collector *collector = NULL;
    OWNED(store_close) struct store *store = NULL;
    OWNED(table_free) struct table *wished = NULL;
    struct rewrite_means means;

    (void)result;
    if (!table_entry_read(job->alter_table->table, &wished, err) ||
        !job_open_store(worker, &store, err)) {
        return false;
    }
    collector = job_collector(worker, wished->operation_id, &watch);
    means = (struct rewrite_means){store, collector, &watch};
    return alter_table(&means, wished, job->alter_table->drop_columns, err);
}

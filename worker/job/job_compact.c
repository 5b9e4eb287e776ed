/* Compacts a table in one job. */
#include "common/limits.h"
#include "common/require.h"
#include "worker/job/job_collector.h"
#include "worker/job/job_worker.h"
#include "worker/rewrite/compact.h"

bool job_compact(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                 struct error *err)
{
    const Weir__CompactJob *wanted = job->compact;
    const struct compact_terms terms = {
        .schema_name = wanted->schema_name,
        .table_name = wanted->table_name,
        .operation_id = wanted->operation_id.data,
    };
    const struct run_watch watch = {job_tick, worker};
    OWNED(store_close) struct store *store = NULL;
    OWNED(run_collector_free) struct run_collector *collector = NULL;
    struct compact_sizes sizes = {0};
    struct rewrite_means means;

    REQUIRE(wanted->operation_id.len == LIMIT_OPERATION_ID_BYTES);
    collector = job_collector(worker, wanted->operation_id.data, &watch);
    if (!job_open_store(worker, &store, err)) {
        return false;
    }
    means = (struct rewrite_means){store, collector, &watch};
    if (!compact_table(&means, &terms, &sizes, err)) {
        return false;
    }
    result->file_bytes_before = sizes.before;
    result->file_bytes_after = sizes.after;
    return true;
}

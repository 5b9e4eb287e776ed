/* Truncates a table in one job. */
#include "common/limits.h"
#include "common/require.h"
#include "worker/job/job_collector.h"
#include "worker/job/job_worker.h"
#include "worker/rewrite/truncate.h"

bool job_truncate(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                  struct error *err)
{
    const Weir__TruncateJob *wanted = job->truncate;
    const struct truncate_terms terms = {
        .schema_name = wanted->schema_name,
        .table_name = wanted->table_name,
        .synced_column = wanted->synced_column,
        .deleted_column = wanted->soft ? wanted->deleted_column : NULL,
        .has_before = wanted->has_before,
        .before = {.seconds = wanted->before_seconds, .nanos = wanted->before_nanos},
        .operation_id = wanted->operation_id.data,
    };
    const struct run_watch watch = {job_tick, worker};
    OWNED(store_close) struct store *store = NULL;
    OWNED(run_collector_free) struct run_collector *collector = NULL;
    struct rewrite_means means;
    uint64_t rows = 0;
    bool spilled = false;

    REQUIRE(wanted->operation_id.len == LIMIT_OPERATION_ID_BYTES);
    collector = job_collector(worker, wanted->operation_id.data, &watch);
    if (!job_open_store(worker, &store, err)) {
        return false;
    }
    means = (struct rewrite_means){store, collector, &watch};
    if (!truncate_table(&means, &terms, &rows, &spilled, err)) {
        return false;
    }
    job_count_spill(worker, spilled, result);
    (void)job_count(result, rows, 0);
    return true;
}

/* Carries out one operation of Migrate in one job. */
#include "common/limits.h"
#include "common/require.h"
#include "worker/job/job_collector.h"
#include "worker/job/job_worker.h"
#include "worker/rewrite/migration.h"

bool job_migrate(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                 struct error *err)
{
    const Weir__MigrateJob *wanted = job->migrate;
    const struct migration migration = {
        .kind = wanted->kind,
        .schema_name = wanted->schema_name,
        .table_name = wanted->table_name,
        .to_table = wanted->to_table,
        .column = wanted->column,
        .to_column = wanted->to_column,
        .column_type = (enum column_type)wanted->column_type,
        .value = wanted->value,
        .operation_timestamp = wanted->operation_timestamp,
        .soft_deleted_column = wanted->soft_deleted_column,
        .operation_id = wanted->operation_id.data,
    };
    const struct run_watch watch = {job_tick, worker};
    OWNED(run_collector_free) struct run_collector *collector = NULL;
    OWNED(store_close) struct store *store = NULL;
    struct rewrite_means means;

    (void)result;
    REQUIRE(wanted->operation_id.len == LIMIT_OPERATION_ID_BYTES);
    if (!job_open_store(worker, &store, err)) {
        return false;
    }
    collector = job_collector(worker, wanted->operation_id.data, &watch);
    means = (struct rewrite_means){store, collector, &watch};
    return migration_run(&means, &migration, err);
}

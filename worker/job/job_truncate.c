/* Truncates a table in one job. */
#include "common/buffer.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"
#include "worker/job/job_worker.h"
#include "worker/rewrite/truncate.h"

static struct run_collector *new_collector(struct job_worker *worker,
                                           const Weir__TruncateJob *wanted,
                                           const struct run_watch *watch);

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
    uint64_t rows = 0;

    REQUIRE(wanted->operation_id.len == LIMIT_OPERATION_ID_BYTES);
    collector = new_collector(worker, wanted, &watch);
    if (!job_open_store(worker, &store, err) ||
        !truncate_table(store, &terms, collector, &watch, &rows, err)) {
        return false;
    }
    (void)job_count(result, rows, 0);
    return true;
}

static struct run_collector *new_collector(struct job_worker *worker,
                                           const Weir__TruncateJob *wanted,
                                           const struct run_watch *watch)
{
    OWNED(buffer_clear) struct buffer name = {0};
    OWNED(mem_release) char *folder = NULL;

    text_append_hex(&name, wanted->operation_id.data, wanted->operation_id.len);
    folder =
        mem_format("%s/runs/%.*s", worker->options->data_dir, (int)name.length, (char *)name.bytes);
    return run_collector_new(worker->builder, folder, LIMIT_DISK_FREE_BYTES, watch);
}

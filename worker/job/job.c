/* Running a job: find its row in the table, run it, turn a failure into a part of the result.
 *
 * The step after worker/loop, before the kind's own file. */
#include "worker/job/job.h"

#include <stdatomic.h>

#include "common/ipc/failure.h"
#include "common/mem.h"
#include "common/require.h"
#include "worker/job/job_worker.h"

static const struct job_kind *find_kind(const Weir__Job *job);
static void hint_at_room(struct error *err);

struct job_worker *job_worker_new(const struct options *options, struct role_page *page)
{
    struct job_worker *worker = mem_zero(sizeof *worker);

    worker->options = options;
    worker->page = page;
    worker->builder = run_builder_new((size_t)options->run_budget_bytes);
    return worker;
}

void job_run(struct job_worker *worker, const Weir__Job *job, Weir__Result *result)
{
    const struct job_kind *kind = find_kind(job);
    struct error err = {0};

    worker->job = job->number;
    atomic_store(&worker->page->job, job->number);
    if (kind == NULL) {
        (void)error_set(&err, ERROR_INTERNAL, "this worker does not know the kind of job %d",
                        (int)job->job_case);
        failure_set(result, &err);
    } else if (!kind->run(worker, job, result, &err)) {
        ENSURE(err.kind != ERROR_NONE);
        hint_at_room(&err);
        failure_set(result, &err);
    }
    atomic_store(&worker->page->job, 0);
    worker->job = 0;
    if (job->job_case != WEIR__JOB__JOB_PING) {
        atomic_fetch_add(&worker->page->finished, 1);
    }
}

void job_worker_free(struct job_worker **worker)
{
    struct job_worker *freed = *worker;

    *worker = NULL;
    if (freed == NULL) {
        return;
    }
    job_stage_close(freed);
    run_builder_free(&freed->builder);
    mem_free(freed);
}

bool job_tick(void *context, struct error *err)
{
    struct job_worker *worker = context;

    atomic_fetch_add_explicit(&worker->page->progress, 1, memory_order_relaxed);
    if (atomic_load_explicit(&worker->page->cancelled, memory_order_relaxed) != worker->job) {
        return true;
    }
    return error_set(err, ERROR_CANCELLED, "the operation was cancelled");
}

Weir__Statistics *job_count(Weir__Result *result, uint64_t rows, uint64_t bytes)
{
    if (result->statistics == NULL) {
        result->statistics = mem_alloc(sizeof *result->statistics);
        weir__statistics__init(result->statistics);
    }
    result->statistics->rows += rows;
    result->statistics->bytes_decoded += bytes;
    return result->statistics;
}

bool job_open_store(struct job_worker *worker, struct store **store_out, struct error *err)
{
    const struct store_terms terms = {
        .data_dir = worker->options->data_dir,
        .map_size_bytes = worker->options->map_size_bytes,
        .disk_reserve_bytes = worker->options->disk_reserve_bytes,
    };

    /* LMDB forbids a process to open one file twice, and a stage that is still open when another
     * job comes was never ended. */
    job_stage_close(worker);
    return store_open(&terms, store_out, err);
}

static const struct job_kind *find_kind(const Weir__Job *job)
{
    for (unsigned i = 0; i < job_kinds_count; i++) {
        if (job_kinds[i].which == job->job_case) {
            return &job_kinds[i];
        }
    }
    return NULL;
}

/* Any call may be the one that meets the full disk; what to do about it is always the same. */
static void hint_at_room(struct error *err)
{
    if (err->kind == ERROR_FULL && err->hint[0] == '\0') {
        (void)error_hint(err, "Free space on the disk of the data folder.");
    }
}

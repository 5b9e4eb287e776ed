/* Running a job: find its row in the table, run it, turn a failure into a part of the result.
 *
 * The step after worker/loop, before the kind's own file. */
#include "worker/job/job.h"

#include <stdatomic.h>

#include "common/mem.h"
#include "common/require.h"
#include "worker/job/job_worker.h"

static const struct job_kind *find_kind(const Weir__Job *job);
static void set_failure(Weir__Result *result, const struct error *err);

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
        set_failure(result, &err);
    } else if (!kind->run(worker, job, result, &err)) {
        ENSURE(err.kind != ERROR_NONE);
        set_failure(result, &err);
    }
    atomic_store(&worker->page->job, 0);
    worker->job = 0;
}

void job_worker_free(struct job_worker **worker)
{
    struct job_worker *freed = *worker;

    *worker = NULL;
    if (freed == NULL) {
        return;
    }
    store_txn_abort(&freed->stage_txn);
    store_close(&freed->stage_store);
    if (freed->stage_terms != NULL) {
        weir__batch_terms__free_unpacked(freed->stage_terms, NULL);
    }
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

bool job_open_store(struct job_worker *worker, struct store **store_out, struct error *err)
{
    const struct store_terms terms = {
        .data_dir = worker->options->data_dir,
        .map_size_bytes = worker->options->map_size_bytes,
    };

    /* LMDB forbids a process to open one file twice. */
    REQUIRE(worker->stage_store == NULL);
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

static void set_failure(Weir__Result *result, const struct error *err)
{
    Weir__Failure *failure = mem_alloc(sizeof *failure);

    weir__failure__init(failure);
    failure->kind = err->kind;
    failure->message = mem_text(err->message);
    failure->hint = mem_text(err->hint);
    result->failure = failure;
}

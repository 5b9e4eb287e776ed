/* See batch.h. Read it downwards: a small batch is one job; a large one is checked, decoded in
 * parallel, and applied in the order of its phases on one borrowed worker, whose commit shows all
 * of it. */
#include "frontend/dispatch/batch.h"

#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/table_entry.h"
#include "common/text.h"
#include "frontend/dispatch/plan.h"
#include "frontend/dispatch/runs.h"

/* A batch under way. */
struct batch {
    struct pool *pool;
    struct ticket *ticket;
    const struct batch_request *request;
    Weir__TableEntry *request_table; /* as the request has it */
    struct plan plan;                /* its files, as jobs have them */
    struct runs runs;
    Weir__BatchTerms terms;
    uint8_t operation_id[LIMIT_OPERATION_ID_BYTES];
    uint8_t runs_key[LIMIT_AES_KEY_BYTES];
    Weir__Statistics totals;
    uint64_t started_us;
    bool small;
};

static void batch_init(struct batch *batch, struct pool *pool, struct ticket *ticket,
                       const struct options *options, const struct batch_request *request);
static void batch_clear(struct batch *batch);
static bool run_small(struct batch *batch, bool *too_large_out, struct error *err);
static bool run_large(struct batch *batch, struct error *err);
static bool check(struct batch *batch, struct error *err);
static bool check_limits(const struct batch *batch, const struct options *options,
                         struct error *err);
static bool decode(struct batch *batch, struct error *err);
static bool merge_surplus(struct batch *batch, struct error *err);
static bool apply(struct batch *batch, struct error *err);
static bool apply_stage(struct batch *batch, struct borrowed *worker, bool *lost_out,
                        struct error *err);
static bool apply_begin(struct batch *batch, struct borrowed *worker, bool *already_out,
                        bool *lost_out, struct error *err);
static bool apply_phase(struct batch *batch, struct borrowed *worker, Weir__FileKind kind,
                        bool *lost_out, struct error *err);
static bool apply_commit(struct batch *batch, struct borrowed *worker, bool *lost_out,
                         struct error *err);
static void apply_abort(struct borrowed *worker);
static bool name_lost_file(const struct batch *batch, Weir__BatchFile *const *files, size_t count,
                           struct error *err);
static bool name_table(const struct batch *batch, struct error *err);
static void take_result(struct batch *batch, Weir__Result **result);
static void log_batch(const struct batch *batch);

bool batch_run(struct pool *pool, struct ticket *ticket, const struct options *options,
               const struct batch_request *request, struct error *err)
{
    OWNED(batch_clear) struct batch batch;
    bool too_large = false;

    batch_init(&batch, pool, ticket, options, request);
    if (!check_limits(&batch, options, err)) {
        return false;
    }
    batch.small = plan_is_small(&batch.plan);
    if (batch.small) {
        if (!run_small(&batch, &too_large, err)) {
            return false;
        }
        batch.small = !too_large;
    }
    if (!batch.small && !run_large(&batch, err)) {
        return false;
    }
    log_batch(&batch);
    return true;
}

static void batch_init(struct batch *batch, struct pool *pool, struct ticket *ticket,
                       const struct options *options, const struct batch_request *request)
{
    *batch = (struct batch){
        .pool = pool, .ticket = ticket, .request = request, .started_us = clock_us()};
    REQUIRE(getrandom(batch->operation_id, sizeof batch->operation_id, 0) ==
            sizeof batch->operation_id);
    REQUIRE(getrandom(batch->runs_key, sizeof batch->runs_key, 0) == sizeof batch->runs_key);
    batch->request_table = table_entry_new(request->table);
    plan_init(&batch->plan, request);
    runs_init(&batch->runs, options->data_dir, batch->operation_id);
    weir__statistics__init(&batch->totals);

    weir__batch_terms__init(&batch->terms);
    batch->terms.null_string = (char *)(uintptr_t)request->null_string;
    batch->terms.unmodified_string = (char *)(uintptr_t)request->unmodified_string;
    batch->terms.history = request->history;
    batch->terms.runs_folder = batch->runs.folder;
    batch->terms.runs_key = (ProtobufCBinaryData){sizeof batch->runs_key, batch->runs_key};
    batch->terms.operation_id =
        (ProtobufCBinaryData){sizeof batch->operation_id, batch->operation_id};
}

static bool check_limits(const struct batch *batch, const struct options *options,
                         struct error *err)
{
    size_t files = batch->request->files_count;
    uint64_t bytes = plan_bytes(&batch->plan);

    if (files > options->batch_files_max) {
        (void)error_set(err, ERROR_LIMIT, "the batch has %zu files, the limit is %llu", files,
                        (unsigned long long)options->batch_files_max);
        (void)error_hint(err, "Start weir with a larger --batch-files-max.");
        return name_table(batch, err);
    }
    if (bytes > options->batch_bytes_max) {
        (void)error_set(err, ERROR_LIMIT,
                        "the files of the batch take %llu bytes on disk, the limit is %llu",
                        (unsigned long long)bytes, (unsigned long long)options->batch_bytes_max);
        (void)error_hint(err, "Start weir with a larger --batch-max.");
        return name_table(batch, err);
    }
    return true;
}

/* Every job has answered or was reaped by now: nobody writes runs any more. */
static void batch_clear(struct batch *batch)
{
    runs_clear(&batch->runs);
    plan_clear(&batch->plan);
    weir__table_entry__free_unpacked(batch->request_table, NULL);
    if (batch->terms.table != NULL) {
        weir__table_entry__free_unpacked(batch->terms.table, NULL);
    }
    mem_free(batch->terms.request_column_ids);
    mem_wipe(batch->runs_key, sizeof batch->runs_key);
}

/* ---- a small batch ---- */

static bool run_small(struct batch *batch, bool *too_large_out, struct error *err)
{
    Weir__SmallBatchJob small = WEIR__SMALL_BATCH_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;

    small.terms = &batch->terms;
    small.request_table = batch->request_table;
    small.files = batch->plan.files;
    small.n_files = batch->plan.files_count;
    job.job_case = WEIR__JOB__JOB_SMALL_BATCH;
    job.small_batch = &small;
    if (!pool_run(batch->pool, batch->ticket, POOL_SMALL, &job, &result, err)) {
        return name_lost_file(batch, small.files, small.n_files, err);
    }
    *too_large_out = result->too_large;
    if (result->too_large) {
        weir__result__free_unpacked(result, NULL);
        return true;
    }
    take_result(batch, &result);
    return true;
}

/* ---- a large batch ---- */

static bool run_large(struct batch *batch, struct error *err)
{
    return check(batch, err) && decode(batch, err) && merge_surplus(batch, err) &&
           apply(batch, err);
}

/* Compares the request's table with the registry's, which the other jobs then work with. */
static bool check(struct batch *batch, struct error *err)
{
    Weir__CheckBatchJob wish = WEIR__CHECK_BATCH_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;

    wish.table = batch->request_table;
    wish.history = batch->request->history;
    job.job_case = WEIR__JOB__JOB_CHECK_BATCH;
    job.check_batch = &wish;
    if (!pool_run(batch->pool, batch->ticket, POOL_SMALL, &job, &result, err)) {
        return false;
    }
    batch->terms.table = MOVE(result->table);
    batch->terms.request_column_ids = MOVE(result->request_column_ids);
    batch->terms.n_request_column_ids = result->n_request_column_ids;
    result->n_request_column_ids = 0;
    take_result(batch, &result);
    return true;
}

/* All files of all phases in parallel: decoding has no order. */
static bool decode(struct batch *batch, struct error *err)
{
    OWNED(plan_jobs_free) struct plan_jobs *jobs = plan_decode_jobs(&batch->plan, &batch->terms);
    OWNED(mem_release)
    Weir__Result **results = mem_zero_array(jobs->count + 1, sizeof(Weir__Result *));
    size_t failed = 0;

    if (!pool_run_all(batch->pool, batch->ticket, jobs->jobs, jobs->count, results, &failed, err)) {
        const Weir__DecodeJob *job = jobs->jobs[failed]->decode;

        return name_lost_file(batch, job->files, job->n_files, err);
    }
    for (size_t i = 0; i < jobs->count; i++) {
        runs_take(&batch->runs, results[i]);
        take_result(batch, &results[i]);
    }
    return true;
}

/* A phase with more runs than merge at once: neighbours are merged first, until few enough are
 * left. */
static bool merge_surplus(struct batch *batch, struct error *err)
{
    Weir__MergeRunsJob merge = WEIR__MERGE_RUNS_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    job.job_case = WEIR__JOB__JOB_MERGE_RUNS;
    job.merge_runs = &merge;
    merge.terms = &batch->terms;
    while (runs_surplus(&batch->runs, &merge.runs, &merge.n_runs)) {
        Weir__Result *result = NULL;

        merge.sequence = merge.runs[0]->sequence;
        if (!pool_run(batch->pool, batch->ticket, POOL_LARGE, &job, &result, err)) {
            return error_wrap(err, "could not merge runs");
        }
        runs_replace(&batch->runs, merge.runs, merge.n_runs, result);
        take_result(batch, &result);
    }
    return true;
}

/* What a worker that dies has begun, nobody sees: LMDB drops its transaction, and no name leads to
 * a generation that it was filling. The stage starts again on another worker, from the same runs.
 */
static bool apply(struct batch *batch, struct error *err)
{
    for (unsigned tries = 0; tries < LIMIT_JOB_TRIES; tries++) {
        struct borrowed *worker = NULL;
        bool lost = false;
        bool applied = false;

        if (!pool_borrow(batch->pool, batch->ticket, &worker, err)) {
            return false;
        }
        applied = apply_stage(batch, worker, &lost, err);
        if (!applied && !lost) {
            apply_abort(worker);
        }
        pool_give_back(&worker);
        if (applied || !lost) {
            return applied;
        }
    }
    (void)error_wrap(err, "%d workers were lost", LIMIT_JOB_TRIES);
    return name_table(batch, err);
}

static bool apply_stage(struct batch *batch, struct borrowed *worker, bool *lost_out,
                        struct error *err)
{
    static const Weir__FileKind phases[] = {
        WEIR__FILE_KIND__FILE_EARLIEST_START,
        WEIR__FILE_KIND__FILE_REPLACE,
        WEIR__FILE_KIND__FILE_UPDATE,
        WEIR__FILE_KIND__FILE_DELETE,
    };
    bool already = false;

    if (!apply_begin(batch, worker, &already, lost_out, err)) {
        return false;
    }
    if (already) {
        apply_abort(worker);
        return true; /* the worker before this one died between its commit and its answer */
    }
    /* The barrier: a phase is handed over when the worker has taken the one before it, and takes
     * effect behind it. */
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        if (!apply_phase(batch, worker, phases[i], lost_out, err)) {
            return false;
        }
    }
    return ticket_check(batch->ticket, err) && apply_commit(batch, worker, lost_out, err);
}

static bool apply_begin(struct batch *batch, struct borrowed *worker, bool *already_out,
                        bool *lost_out, struct error *err)
{
    Weir__ApplyBeginJob wish = WEIR__APPLY_BEGIN_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;

    wish.terms = &batch->terms;
    wish.runs = batch->runs.runs;
    wish.n_runs = batch->runs.count;
    job.job_case = WEIR__JOB__JOB_APPLY_BEGIN;
    job.apply_begin = &wish;
    if (!pool_call(worker, &job, &result, lost_out, err)) {
        return false;
    }
    *already_out = result->already_applied;
    take_result(batch, &result);
    return true;
}

static bool apply_phase(struct batch *batch, struct borrowed *worker, Weir__FileKind kind,
                        bool *lost_out, struct error *err)
{
    Weir__ApplyPhaseJob wish = WEIR__APPLY_PHASE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;

    runs_of_kind(&batch->runs, kind, &wish.runs, &wish.n_runs);
    if (wish.n_runs == 0) {
        return true;
    }
    wish.kind = kind;
    wish.last = wish.runs + wish.n_runs == batch->runs.runs + batch->runs.count;
    job.job_case = WEIR__JOB__JOB_APPLY_PHASE;
    job.apply_phase = &wish;
    if (!pool_call(worker, &job, &result, lost_out, err)) {
        return false;
    }
    if (result->statistics != NULL) {
        result->statistics->rows = 0; /* counted when they were decoded */
    }
    take_result(batch, &result);
    return true;
}

static bool apply_commit(struct batch *batch, struct borrowed *worker, bool *lost_out,
                         struct error *err)
{
    Weir__ApplyCommitJob wish = WEIR__APPLY_COMMIT_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;

    job.job_case = WEIR__JOB__JOB_APPLY_COMMIT;
    job.apply_commit = &wish;
    if (!pool_call(worker, &job, &result, lost_out, err)) {
        return false;
    }
    take_result(batch, &result);
    return true;
}

/* Before the worker is given back: an open transaction would lock the table. A worker that does not
 * answer is lost, and its transaction with it. */
static void apply_abort(struct borrowed *worker)
{
    Weir__ApplyAbortJob wish = WEIR__APPLY_ABORT_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;
    struct error ignored = {0};
    bool lost = false;

    job.job_case = WEIR__JOB__JOB_APPLY_ABORT;
    job.apply_abort = &wish;
    if (pool_call(worker, &job, &result, &lost, &ignored)) {
        weir__result__free_unpacked(result, NULL);
    }
}

/* ---- what came of it ---- */

/* A file that kills workers is named: nobody else can. Always returns false. */
static bool name_lost_file(const struct batch *batch, Weir__BatchFile *const *files, size_t count,
                           struct error *err)
{
    unsigned lost = ticket_lost_file(batch->ticket);

    if (err->kind == ERROR_UNAVAILABLE && lost > 0 && lost <= count) {
        (void)error_wrap(err, "batch file \"%s\"", text_path(files[lost - 1]->path).text);
        return name_table(batch, err);
    }
    return false;
}

/* Always returns false. */
static bool name_table(const struct batch *batch, struct error *err)
{
    return error_wrap(err, "could not write to table \"%s.%s\"",
                      text_name(batch->request->table->schema_name).text,
                      text_name(batch->request->table->name).text);
}

/* Adds up what a job did, logs its warnings and frees the result. */
static void take_result(struct batch *batch, Weir__Result **result)
{
    const Weir__Statistics *done = (*result)->statistics;

    if (done != NULL) {
        batch->totals.rows += done->rows;
        batch->totals.bytes_decoded += done->bytes_decoded;
        batch->totals.decode_us += done->decode_us;
        batch->totals.apply_us += done->apply_us;
        batch->totals.commit_us += done->commit_us;
    }
    for (size_t i = 0; i < (*result)->n_warnings; i++) {
        log_message(LOG_WARNING, "%s", (*result)->warnings[i]);
    }
    weir__result__free_unpacked(*result, NULL);
    *result = NULL;
}

static void log_batch(const struct batch *batch)
{
    OWNED(buffer_clear) struct buffer id = {0};
    struct log_line line;

    text_append_hex(&id, batch->operation_id, sizeof batch->operation_id);
    buffer_append_byte(&id, '\0');
    log_begin(&line, LOG_INFO, "applied a batch");
    log_text(&line, "schema", batch->request->table->schema_name);
    log_text(&line, "table", batch->request->table->name);
    log_text(&line, "batch", (const char *)id.bytes);
    log_number(&line, "files", batch->request->files_count);
    log_number(&line, "rows", batch->totals.rows);
    log_number(&line, "bytes", batch->totals.bytes_decoded);
    log_number(&line, "decode_ms", batch->totals.decode_us / 1000);
    log_number(&line, "wait_ms", ticket_waited_us(batch->ticket) / 1000);
    log_number(&line, "apply_ms", batch->totals.apply_us / 1000);
    log_number(&line, "commit_ms", batch->totals.commit_us / 1000);
    log_number(&line, "ms", (clock_us() - batch->started_us) / 1000);
    log_end(&line);
}

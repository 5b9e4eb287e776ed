/* The apply stage of a large batch: begin, its phases, commit.
 *
 * The jobs run on one borrowed worker, which holds the stage between them. Phases take effect in
 * the order of their jobs, but they are gone through together, once the last one is there or as
 * many as memory allows. */
#include <malloc.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/merging.h"
#include "common/require.h"
#include "common/table_entry.h"
#include "worker/job/job_worker.h"

enum {
    /* LMDB 0.9.24 leaks 1 MiB in a transaction that spills. */
    SPILLS_MAX = 32,

    /* Runs of a phase that have more than this part of the machine's memory leave the page cache
     * as they are read. */
    PAGE_CACHE_SHARE = 4,
};

static struct stage_key *describe_batch(const Weir__ApplyBeginJob *begin,
                                        struct stage_batch *batch_out);
static bool need_stage(const struct job_worker *worker, struct error *err);
static bool add_phase(struct job_worker *worker, const Weir__ApplyPhaseJob *phase, uint64_t *rows,
                      struct error *err);
static bool check_order(struct job_worker *worker, const Weir__ApplyPhaseJob *phase,
                        struct error *err);
static uint64_t reading_bytes_of(const Weir__ApplyPhaseJob *phase);
static bool fills_page_cache(const Weir__ApplyPhaseJob *phase);
static bool complete(struct job_worker *worker, uint64_t *rows, struct error *err);
static bool apply_pending(struct job_worker *worker, uint64_t *rows, struct error *err);
static void forget_phases(struct job_worker *worker);
static Weir__BatchTerms *copy_terms(const Weir__BatchTerms *terms);

bool job_apply_begin(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err)
{
    const Weir__BatchTerms *terms = job->apply_begin->terms;
    OWNED(table_free) struct table *table = NULL;
    OWNED(mem_release) struct stage_key *keys = NULL;
    const struct store_watch watch = {job_tick, worker};
    struct stage_batch batch = {0};
    bool already = false;

    job_stage_close(worker); /* of a stage that was never ended */
    REQUIRE(terms->operation_id.len == LIMIT_OPERATION_ID_BYTES);
    keys = describe_batch(job->apply_begin, &batch);
    if (!table_entry_read(terms->table, &table, err) ||
        !job_open_store(worker, &worker->stage_store, err) ||
        !stage_begin(worker->stage_store, table, terms->operation_id.data, &batch, &watch,
                     &worker->stage, &already, err)) {
        job_stage_close(worker);
        return false;
    }
    worker->stage_terms = copy_terms(terms);
    worker->stage_next_kind = 0;
    result->already_applied = already;
    return true;
}

bool job_apply_phase(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err)
{
    uint64_t started = clock_us();
    uint64_t rows = 0;

    if (!need_stage(worker, err)) {
        return false;
    }
    if (!add_phase(worker, job->apply_phase, &rows, err) ||
        (job->apply_phase->last && !complete(worker, &rows, err))) {
        job_stage_close(worker);
        return false;
    }
    job_count(result, rows, 0)->apply_us = clock_us() - started;
    return true;
}

bool job_apply_commit(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                      struct error *err)
{
    uint64_t started = clock_us();
    bool spilled = false;
    bool committed = false;

    (void)job;
    if (!need_stage(worker, err)) {
        return false;
    }
    if (worker->stage_phases_count > 0) {
        job_stage_close(worker);
        return error_set(err, ERROR_INTERNAL, "the last phase of the batch is missing");
    }
    committed = stage_commit(&worker->stage, &spilled, err);
    job_stage_close(worker);
    job_count_spill(worker, spilled, result);
    job_count(result, 0, 0)->commit_us = clock_us() - started;
    (void)malloc_trim(0); /* a large transaction's pages: closing alone returns nothing */
    return committed;
}

bool job_apply_abort(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err)
{
    (void)job;
    (void)result;
    (void)err;
    job_stage_close(worker);
    (void)malloc_trim(0);
    return true;
}

void job_count_spill(struct job_worker *worker, bool spilled, Weir__Result *result)
{
    worker->spills += spilled ? 1 : 0;
    result->replace_worker = worker->spills >= SPILLS_MAX;
}

void job_stage_close(struct job_worker *worker)
{
    forget_phases(worker);
    stage_abort(&worker->stage);
    store_close(&worker->stage_store);
    if (worker->stage_terms != NULL) {
        weir__batch_terms__free_unpacked(worker->stage_terms, NULL);
        worker->stage_terms = NULL;
    }
}

/* The caller releases the array that is returned; its keys are the message's. */
static struct stage_key *describe_batch(const Weir__ApplyBeginJob *begin,
                                        struct stage_batch *batch_out)
{
    struct stage_key *keys = mem_zero_array(2 * begin->n_runs, sizeof *keys);

    *batch_out = (struct stage_batch){.keys = keys, .keys_count = 2 * begin->n_runs};
    for (size_t i = 0; i < begin->n_runs; i++) {
        const Weir__Run *run = begin->runs[i];

        batch_out->entries += run->entries;
        keys[2 * i] = (struct stage_key){run->lower_key.data, run->lower_key.len};
        keys[2 * i + 1] = (struct stage_key){run->upper_key.data, run->upper_key.len};
    }
    return keys;
}

static bool need_stage(const struct job_worker *worker, struct error *err)
{
    return worker->stage != NULL ||
           error_set(err, ERROR_INTERNAL, "the worker has no batch to apply");
}

/* Phases that take too much memory beside those that are there come behind them. */
static bool add_phase(struct job_worker *worker, const Weir__ApplyPhaseJob *phase, uint64_t *rows,
                      struct error *err)
{
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    uint64_t reading_bytes = reading_bytes_of(phase);

    if (!check_order(worker, phase, err)) {
        return false;
    }
    if (!merging_fits(phase->n_runs, reading_bytes)) {
        return error_set(err, ERROR_INTERNAL,
                         "%zu runs that take %llu MiB are too many to merge at once", phase->n_runs,
                         (unsigned long long)(reading_bytes / MIB));
    }
    if (worker->stage_reading_bytes + reading_bytes > LIMIT_MERGING_BYTES &&
        !apply_pending(worker, rows, err)) {
        return false;
    }
    for (size_t i = 0; i < phase->n_runs; i++) {
        struct run_place place;

        job_run_place(worker->stage_terms, phase->runs[i], &place);
        if (!run_merger_add_file(merger, &place, err)) {
            return false;
        }
    }
    if (fills_page_cache(phase)) {
        run_merger_drop_cache(merger);
    }
    if (!run_merger_run_ahead(merger, err)) {
        return false;
    }
    worker->stage_phases[worker->stage_phases_count++] =
        (struct apply_phase){(enum file_kind)phase->kind, MOVE(merger)};
    worker->stage_reading_bytes += reading_bytes;
    return true;
}

static bool check_order(struct job_worker *worker, const Weir__ApplyPhaseJob *phase,
                        struct error *err)
{
    int kind = (int)phase->kind;

    if (kind < worker->stage_next_kind || kind >= FILE_KINDS) {
        return error_set(err, ERROR_INTERNAL, "a phase of the batch is out of order");
    }
    worker->stage_next_kind = phase->last ? FILE_KINDS : kind + 1;
    return true;
}

static uint64_t reading_bytes_of(const Weir__ApplyPhaseJob *phase)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < phase->n_runs; i++) {
        bytes += phase->runs[i]->reading_bytes;
    }
    return bytes;
}

/* So many bytes that most are on disk already (by default the kernel leaves a tenth of the memory
 * unwritten), and that they would drive tables out of the page cache. */
static bool fills_page_cache(const Weir__ApplyPhaseJob *phase)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < phase->n_runs; i++) {
        bytes += phase->runs[i]->size_bytes;
    }
    return bytes > mem_machine_bytes() / PAGE_CACHE_SHARE;
}

static bool complete(struct job_worker *worker, uint64_t *rows, struct error *err)
{
    return apply_pending(worker, rows, err) && stage_complete(worker->stage, err);
}

static bool apply_pending(struct job_worker *worker, uint64_t *rows, struct error *err)
{
    const struct run_watch watch = {job_tick, worker};
    uint64_t applied = 0;

    if (!apply_phases(stage_txn(worker->stage), worker->stage_terms->history, worker->stage_phases,
                      worker->stage_phases_count, &watch, &applied, err)) {
        return false;
    }
    *rows += applied;
    forget_phases(worker);
    return true;
}

static void forget_phases(struct job_worker *worker)
{
    while (worker->stage_phases_count > 0) {
        run_merger_free(&worker->stage_phases[--worker->stage_phases_count].merger);
    }
    worker->stage_reading_bytes = 0;
}

/* The job is gone when the next one comes. */
static Weir__BatchTerms *copy_terms(const Weir__BatchTerms *terms)
{
    OWNED(buffer_clear) struct buffer packed = {0};
    Weir__BatchTerms *copy = NULL;

    packed.length = weir__batch_terms__pack(
        terms, buffer_reserve(&packed, weir__batch_terms__get_packed_size(terms)));
    copy = weir__batch_terms__unpack(NULL, packed.length, packed.bytes);
    ENSURE(copy != NULL);
    mem_wipe(packed.bytes, packed.length);
    return copy;
}

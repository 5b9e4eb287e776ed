/* Checks, decodes and applies a small batch in one job, without a file of its own. */
#include "common/clock.h"
#include "common/limits.h"
#include "common/mem.h"
#include "worker/apply/apply.h"
#include "worker/job/batch_check.h"
#include "worker/job/decoding.h"

/* What the decoded rows may take in memory: a row of small cells takes a multiple of its text. */
#define MEMORY_BYTES (8 * LIMIT_SMALL_BATCH_BYTES)

/* A small batch under way. */
struct small_batch {
    struct job_worker *worker;
    bool history;
    struct run_builder *builders[FILE_KINDS];
    struct run_builder *current;
    size_t bytes;
    bool too_large;
};

static bool decode_all(struct small_batch *batch, const Weir__SmallBatchJob *job,
                       const struct binding_terms *binding, Weir__Result *result,
                       struct error *err);
static bool add_row(void *context, const struct run_entry *entry, struct error *err);
static bool apply_all(struct small_batch *batch, struct store *store, const struct table *table,
                      const Weir__SmallBatchJob *job, Weir__Result *result, struct error *err);
static bool apply_kinds(struct small_batch *batch, struct store_txn *txn, struct error *err);
static void small_batch_clear(struct small_batch *batch);

bool job_small_batch(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err)
{
    const Weir__SmallBatchJob *wanted = job->small_batch;
    OWNED(small_batch_clear)
    struct small_batch batch = {.worker = worker, .history = wanted->terms->history};
    OWNED(store_close) struct store *store = NULL;
    OWNED(table_free) struct table *table = NULL;
    OWNED(mem_release) uint32_t *ids = NULL;
    size_t ids_count = 0;
    struct binding_terms binding;

    if (!job_open_store(worker, &store, err) ||
        !check_batch_table(store, wanted->request_table, wanted->terms->history, &table, &ids,
                           &ids_count, err)) {
        return false;
    }
    decoding_terms(wanted->terms, table, ids, ids_count, &binding);
    if (!decode_all(&batch, wanted, &binding, result, err)) {
        result->too_large = batch.too_large;
        if (batch.too_large) {
            error_clear(err);
        }
        return batch.too_large;
    }
    return apply_all(&batch, store, table, wanted, result, err);
}

static bool decode_all(struct small_batch *batch, const Weir__SmallBatchJob *job,
                       const struct binding_terms *binding, Weir__Result *result, struct error *err)
{
    struct decode_totals totals = {0};
    uint64_t started = clock_us();

    for (size_t i = 0; i < FILE_KINDS; i++) {
        batch->builders[i] = run_builder_new(MEMORY_BYTES);
    }
    for (size_t i = 0; i < job->n_files; i++) {
        batch->current = batch->builders[job->files[i]->kind];
        batch->worker->page->file = i + 1;
        if (!decoding_file(batch->worker, job->files[i], binding, add_row, batch, &totals, result,
                           err)) {
            return false;
        }
    }
    batch->worker->page->file = 0; /* what goes wrong from here on is no file's fault */
    job_count(result, totals.rows, totals.bytes)->decode_us = clock_us() - started;
    return true;
}

/* Stops the decoding of a batch that is not small after all. */
static bool add_row(void *context, const struct run_entry *entry, struct error *err)
{
    struct small_batch *batch = context;

    batch->bytes += entry->key_length + entry->change_length;
    if (batch->bytes > LIMIT_SMALL_BATCH_BYTES || !run_builder_add(batch->current, entry)) {
        batch->too_large = true;
        return error_set(err, ERROR_LIMIT, "the batch is not small");
    }
    return true;
}

static bool apply_all(struct small_batch *batch, struct store *store, const struct table *table,
                      const Weir__SmallBatchJob *job, Weir__Result *result, struct error *err)
{
    OWNED(store_txn_abort) struct store_txn *txn = NULL;
    bool already = false;
    bool spilled = false;
    uint64_t started = clock_us();
    uint64_t applied = 0;

    if (!store_txn_begin(store, table, job->terms->operation_id.data, &txn, &already, err)) {
        return false;
    }
    if (already) {
        result->already_applied = true;
        return true;
    }
    if (!apply_kinds(batch, txn, err) || !job_tick(batch->worker, err)) {
        return false;
    }
    applied = clock_us();
    if (!store_txn_commit(&txn, &spilled, err)) {
        return false;
    }
    job_count_spill(batch->worker, spilled, result); /* few bytes of keys can touch many pages */
    result->statistics->apply_us = applied - started;
    result->statistics->commit_us = clock_us() - applied;
    return true;
}

static bool apply_kinds(struct small_batch *batch, struct store_txn *txn, struct error *err)
{
    const struct run_watch watch = {job_tick, batch->worker};
    struct apply_phase phases[FILE_KINDS];
    uint64_t rows = 0;
    bool applied = false;

    for (int kind = 0; kind < FILE_KINDS; kind++) {
        phases[kind] = (struct apply_phase){(enum file_kind)kind, run_merger_new()};
        run_builder_sort(batch->builders[kind]);
        run_merger_add_memory(phases[kind].merger, batch->builders[kind]);
    }
    applied = apply_phases(txn, batch->history, phases, FILE_KINDS, &watch, &rows, err);
    for (int kind = 0; kind < FILE_KINDS; kind++) {
        run_merger_free(&phases[kind].merger);
    }
    return applied;
}

static void small_batch_clear(struct small_batch *batch)
{
    for (size_t i = 0; i < FILE_KINDS; i++) {
        run_builder_free(&batch->builders[i]);
    }
}

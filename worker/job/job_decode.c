/* Decodes batch files into sorted, encrypted runs on disk. Touches no table; can be repeated. */
#include <errno.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/table_entry.h"
#include "common/text.h"
#include "worker/job/decoding.h"

/* A decode job under way. */
struct decode_job {
    struct job_worker *worker;
    const Weir__BatchTerms *terms;
    Weir__Result *result;
    Weir__FileKind kind;    /* of the files now being decoded */
    uint32_t first_ordinal; /* of the first of them */
    uint32_t sequence;      /* of the next run of that kind */
    struct decode_totals totals;
};

static bool decode_files(struct decode_job *state, const Weir__DecodeJob *job,
                         const struct binding_terms *binding, struct error *err);
static bool add_row(void *context, const struct run_entry *entry, struct error *err);
static bool write_run(struct decode_job *state, struct error *err);
static Weir__Run *new_run(const Weir__BatchTerms *terms, Weir__FileKind kind,
                          uint32_t first_ordinal, uint32_t sequence);
static void tell_size(Weir__Run *run, const struct run_size *size);
static void copy_key(const struct run_builder *builder, size_t index, ProtobufCBinaryData *key_out);
static void take_over_keys(Weir__Run *run, Weir__Run *const *merged, size_t count);
static void add_run(Weir__Result *result, Weir__Run *run);

bool job_decode(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                struct error *err)
{
    const Weir__BatchTerms *terms = job->decode->terms;
    OWNED(table_free) struct table *table = NULL;
    struct decode_job state = {.worker = worker, .terms = terms, .result = result};
    struct binding_terms binding;
    uint64_t started = clock_us();

    if (!table_entry_read(terms->table, &table, err)) {
        return false;
    }
    if (mkdir(terms->runs_folder, 0700) != 0 && errno != EEXIST) {
        return error_set_errno(err, error_kind_of_write(errno), "could not make folder \"%s\"",
                               text_path(terms->runs_folder).text);
    }
    decoding_terms(terms, table, terms->request_column_ids, terms->n_request_column_ids, &binding);
    run_builder_reset(worker->builder);
    if (!decode_files(&state, job->decode, &binding, err)) {
        return false;
    }
    job_count(result, state.totals.rows, state.totals.bytes)->decode_us = clock_us() - started;
    return true;
}

bool job_merge_runs(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                    struct error *err)
{
    const Weir__MergeRunsJob *merge = job->merge_runs;
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    const struct run_watch watch = {job_tick, worker};
    Weir__Run *run = NULL;
    struct run_place place;
    struct run_size size;

    REQUIRE(merge->n_runs > 0);
    for (size_t i = 0; i < merge->n_runs; i++) {
        job_run_place(merge->terms, merge->runs[i], &place);
        if (!run_merger_add_file(merger, &place, err)) {
            return false;
        }
    }
    run =
        new_run(merge->terms, merge->runs[0]->kind, merge->runs[0]->first_ordinal, merge->sequence);
    take_over_keys(run, merge->runs, merge->n_runs);
    add_run(result, run);
    job_run_place(merge->terms, run, &place);
    if (!run_write_merged(merger, &place, worker->options->disk_reserve_bytes, &watch, &size,
                          err)) {
        return false;
    }
    tell_size(run, &size);
    return true;
}

void job_run_place(const Weir__BatchTerms *terms, const Weir__Run *run, struct run_place *place_out)
{
    REQUIRE(terms->runs_key.len == LIMIT_AES_KEY_BYTES);
    *place_out = (struct run_place){
        .path = run->path,
        .key = terms->runs_key.data,
        .nonce = run->nonce,
    };
}

/* Files of one kind share runs: between equal keys the order of adding counts. */
static bool decode_files(struct decode_job *state, const Weir__DecodeJob *job,
                         const struct binding_terms *binding, struct error *err)
{
    for (size_t i = 0; i < job->n_files; i++) {
        const Weir__BatchFile *file = job->files[i];

        if (i == 0 || file->kind != state->kind) {
            if (!write_run(state, err)) {
                return false;
            }
            state->kind = file->kind;
            state->first_ordinal = file->ordinal;
            state->sequence = 0;
        }
        state->worker->page->file = i + 1;
        if (!decoding_file(state->worker, file, binding, add_row, state, &state->totals,
                           state->result, err)) {
            return false;
        }
    }
    return write_run(state, err);
}

static bool add_row(void *context, const struct run_entry *entry, struct error *err)
{
    struct decode_job *state = context;

    if (run_builder_add(state->worker->builder, entry)) {
        return true;
    }
    if (!write_run(state, err)) {
        return false;
    }
    REQUIRE(run_builder_add(state->worker->builder, entry));
    return true;
}

static bool write_run(struct decode_job *state, struct error *err)
{
    struct run_builder *builder = state->worker->builder;
    size_t entries = run_builder_entries(builder);
    Weir__Run *run = NULL;
    struct run_place place;
    struct run_size size;

    if (entries == 0) {
        return true;
    }
    run = new_run(state->terms, state->kind, state->first_ordinal, state->sequence++);
    add_run(state->result, run);
    job_run_place(state->terms, run, &place);
    run_builder_sort(builder);
    copy_key(builder, entries / 4, &run->lower_key);
    copy_key(builder, entries - 1 - entries / 4, &run->upper_key);
    /* The rows will take about what the files have been decoded to. */
    if (!run_write(builder, &place,
                   state->worker->options->disk_reserve_bytes + state->totals.bytes, &size, err)) {
        return false;
    }
    tell_size(run, &size);
    run_builder_reset(builder);
    return job_tick(state->worker, err);
}

/* The nonce names the file, too: a job that is tried again writes beside what its first try left.
 */
static Weir__Run *new_run(const Weir__BatchTerms *terms, Weir__FileKind kind,
                          uint32_t first_ordinal, uint32_t sequence)
{
    Weir__Run *run = mem_zero(sizeof *run);

    weir__run__init(run);
    REQUIRE(getrandom(&run->nonce, sizeof run->nonce, 0) == sizeof run->nonce);
    run->kind = kind;
    run->first_ordinal = first_ordinal;
    run->sequence = sequence;
    run->path = mem_format("%s/%016llx.run", terms->runs_folder, (unsigned long long)run->nonce);
    return run;
}

static void tell_size(Weir__Run *run, const struct run_size *size)
{
    run->entries = size->entries;
    run->size_bytes = size->file_bytes;
    run->reading_bytes = size->reading_bytes;
}

static void copy_key(const struct run_builder *builder, size_t index, ProtobufCBinaryData *key_out)
{
    struct run_entry entry = run_builder_entry(builder, index);

    *key_out = (ProtobufCBinaryData){entry.key_length, mem_copy(entry.key, entry.key_length)};
}

/* What is known of the runs that it is made of. */
static void take_over_keys(Weir__Run *run, Weir__Run *const *merged, size_t count)
{
    const ProtobufCBinaryData *lower = &merged[count / 4]->lower_key;
    const ProtobufCBinaryData *upper = &merged[count - 1 - count / 4]->upper_key;

    run->lower_key = (ProtobufCBinaryData){lower->len, mem_copy(lower->data, lower->len)};
    run->upper_key = (ProtobufCBinaryData){upper->len, mem_copy(upper->data, upper->len)};
}

static void add_run(Weir__Result *result, Weir__Run *run)
{
    result->runs = mem_resize_array(result->runs, result->n_runs + 1, sizeof *result->runs);
    result->runs[result->n_runs++] = run;
}

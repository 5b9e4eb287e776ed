/* What the kinds of jobs share; included by worker/job only. */
#ifndef WEIR_WORKER_JOB_JOB_WORKER_H
#define WEIR_WORKER_JOB_JOB_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/table.h"
#include "worker/apply/apply.h"
#include "worker/apply/stage.h"
#include "worker/job/job.h"
#include "worker/run/run.h"
#include "worker/store/store.h"

struct job_worker {
    const struct options *options;
    struct role_page *page;
    uint64_t job;                                /* number of the running job */
    struct run_builder *builder;                 /* kept: its memory is reused */
    struct store *stage_store;                   /* of the apply stage; NULL outside */
    struct stage *stage;                         /* the apply stage itself; NULL outside */
    Weir__BatchTerms *stage_terms;               /* of the apply stage; NULL outside */
    struct apply_phase stage_phases[FILE_KINDS]; /* not applied yet, in their order */
    size_t stage_phases_count;
    uint64_t stage_reading_bytes; /* what reading their runs takes */
    int stage_next_kind;          /* no phase before this one may come */
    unsigned spills; /* transactions that spilled since start: LMDB leaked memory in each */
};

/* One kind of job. `run` fills in *result or returns false with *err set. */
struct job_kind {
    Weir__Job__JobCase which;
    const char *name;
    bool (*run)(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                struct error *err);
};

extern const struct job_kind job_kinds[];
extern const unsigned job_kinds_count;

bool job_ping(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
              struct error *err);
bool job_sweep(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
               struct error *err);
bool job_test_store(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                    struct error *err);
bool job_describe_table(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                        struct error *err);
bool job_create_table(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                      struct error *err);
bool job_check_batch(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err);
bool job_decode(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                struct error *err);
bool job_small_batch(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err);
bool job_merge_runs(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                    struct error *err);
bool job_apply_begin(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err);
bool job_apply_phase(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err);
bool job_apply_commit(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                      struct error *err);
bool job_apply_abort(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err);

bool job_alter_table(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                     struct error *err);
bool job_migrate(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                 struct error *err);
bool job_compact(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                 struct error *err);
bool job_truncate(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                  struct error *err);

/* Counts progress and fails with ERROR_CANCELLED if the frontend asked to stop this job. Cheap
 * enough for every few hundred rows. `context` is the struct job_worker: suits struct run_watch.
 */
MUST_CHECK bool job_tick(void *context, struct error *err);

/* Adds to the result's statistics, making them, and returns them for the times. */
Weir__Statistics *job_count(Weir__Result *result, uint64_t rows, uint64_t bytes);

/* Where and under which key and nonce a run of the batch is. */
void job_run_place(const Weir__BatchTerms *terms, const Weir__Run *run,
                   struct run_place *place_out);

/* To be called after each commit of rows: asks for a new worker once enough transactions have
 * spilled. */
void job_count_spill(struct job_worker *worker, bool spilled, Weir__Result *result);

/* Aborts the apply stage that is open, if any. */
void job_stage_close(struct job_worker *worker);

/* Opens the data folder for a job; the caller closes it with store_close(). */
MUST_CHECK bool job_open_store(struct job_worker *worker, struct store **store_out,
                               struct error *err);

#endif

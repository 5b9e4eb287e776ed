/* The files of a batch as jobs: which job decodes which files, and whether one job does it all. */
#ifndef WEIR_FRONTEND_DISPATCH_PLAN_H
#define WEIR_FRONTEND_DISPATCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/dispatch/batch.h"
#include "job.pb-c.h"

struct plan {
    Weir__BatchFile **files; /* by phase, then in list order; names and keys are the request's */
    uint64_t *sizes;         /* in bytes as they lie on disk; 0 for what cannot be looked at */
    size_t files_count;
    bool compressed;
};

/* Borrows from the request. */
void plan_init(struct plan *plan, const struct batch_request *request);
void plan_clear(struct plan *plan);

/* What the files take on disk, all together. */
uint64_t plan_bytes(const struct plan *plan);

/* Whether the batch will likely decode to no more than a small batch may. */
bool plan_is_small(const struct plan *plan);

struct plan_jobs {
    Weir__Job **jobs;
    size_t count;
};

/* One decode job for each file; small neighbours of one kind share a job. Borrows plan and terms.
 * The caller releases the jobs with plan_jobs_free(). */
struct plan_jobs *plan_decode_jobs(const struct plan *plan, Weir__BatchTerms *terms);
void plan_jobs_free(struct plan_jobs **jobs);

#endif

/* Jobs: what a worker does for the frontend, one at a time.
 *
 * The step after worker/loop. job_table.c has one row per kind of job, each kind is one file. */
#ifndef WEIR_WORKER_JOB_JOB_H
#define WEIR_WORKER_JOB_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "common/options.h"
#include "common/role.h"
#include "job.pb-c.h"

/* What a worker keeps from one job to the next: its options, its shared page, and the open
 * transaction of an apply stage. */
struct job_worker;

/* `options` and `page` are borrowed and must outlive the worker. */
struct job_worker *job_worker_new(const struct options *options, struct role_page *page);

/* Runs one job and fills in *result, which the caller has initialised and releases with
 * weir__result__free_unpacked() (or by freeing its members when it is on the stack): a failure is
 * part of the result. Sets page->job while it runs, counts page->progress, and ends with
 * ERROR_CANCELLED soon after page->cancelled names the job. */
void job_run(struct job_worker *worker, const Weir__Job *job, Weir__Result *result);

/* Aborts what is open. */
void job_worker_free(struct job_worker **worker);

#endif

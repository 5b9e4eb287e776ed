/* A worker with a data folder of its own for each test, and jobs for it. */
#ifndef WEIR_TESTS_UNIT_WORKER_JOB_FIXTURE_H
#define WEIR_TESTS_UNIT_WORKER_JOB_FIXTURE_H

#include <stdint.h>

#include "worker/job/job_worker.h"

extern struct options job_fixture_options;
extern struct role_page job_fixture_page;
extern struct job_worker *job_fixture_worker;

/* For cmocka: a new folder with a worker, and their removal. */
int job_fixture_setup(void **state);
int job_fixture_teardown(void **state);

/* Runs the job as number 1 and keeps the result until the next one or the teardown. */
const Weir__Result *job_fixture_run(Weir__Job *job);

/* Runs a job that creates "s"."name" with the columns of job_fixture_table(). */
const Weir__Result *job_fixture_create(const char *name, uint8_t operation);

/* The table "s"."name": INT key "id", STRING "text", DECIMAL(38,37) "price". For the caller to
 * release with weir__table_entry__free_unpacked(). */
Weir__TableEntry *job_fixture_table(const char *name, uint8_t operation);

#endif

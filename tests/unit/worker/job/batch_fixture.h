/* A worker with a table "s"."t" (LONG key "id", STRING "a", INT "b"), batch files for it, and jobs
 * as the frontend sends them. */
#ifndef WEIR_TESTS_UNIT_WORKER_JOB_BATCH_FIXTURE_H
#define WEIR_TESTS_UNIT_WORKER_JOB_BATCH_FIXTURE_H

#include "worker/job/job.h"

enum {
    FILES_MAX = 8
};

struct fixture {
    char folder[64];
    char runs[96];
    struct options options;
    struct role_page page;
    struct job_worker *worker;
    struct table *table; /* as a request has it */
    Weir__TableEntry *entry;
    Weir__BatchFile files[FILES_MAX];
    Weir__BatchFile *file_pointers[FILES_MAX];
    size_t files_count;
    uint8_t operation_id[16];
    Weir__BatchTerms terms;
};

/* For cmocka: a new folder with a worker and the table, and their removal. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* Runs a job as number 1. The caller frees the result, for which OWNED(fixture_free_result) will
 * do.
 */
Weir__Result *fixture_run(struct fixture *fixture, Weir__Job *job);
void fixture_free_result(Weir__Result **result);

void fixture_assert_success(const Weir__Result *result);
void fixture_assert_failure(const Weir__Result *result, const char *problem);

/* A file of the next batch, and their removal behind it. */
void fixture_add_file(struct fixture *fixture, Weir__FileKind kind, const char *text);
void fixture_forget_files(struct fixture *fixture);

/* Sends the files as one small batch; the second one expects success and forgets them. */
Weir__Result *fixture_small_batch(struct fixture *fixture);
void fixture_apply_small(struct fixture *fixture);

/* The table as text, "1:x:2;", for the caller to free. */
char *fixture_read_table(struct fixture *fixture);
void fixture_assert_table(struct fixture *fixture, const char *rows);

#endif

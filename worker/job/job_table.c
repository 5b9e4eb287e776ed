/* The kinds of jobs that a worker runs, one row each. */
#include "worker/job/job_worker.h"

const struct job_kind job_kinds[] = {
    {WEIR__JOB__JOB_PING,           "ping",           job_ping          }, /* answers */
    {WEIR__JOB__JOB_SWEEP,          "sweep",          job_sweep         }, /* tidies up at start */
    {WEIR__JOB__JOB_TEST_STORE,     "test store",     job_test_store    }, /* writes, reads back */
    {WEIR__JOB__JOB_DESCRIBE_TABLE, "describe table", job_describe_table}, /* looks a table up */
    {WEIR__JOB__JOB_CREATE_TABLE,   "create table",   job_create_table  }, /* names a new table */
    {WEIR__JOB__JOB_CHECK_BATCH,    "check batch",    job_check_batch   }, /* request vs. registry */
};

const unsigned job_kinds_count = sizeof job_kinds / sizeof job_kinds[0];

/* The kinds of jobs that a worker runs, one row each. */
#include "worker/job/job_worker.h"

const struct job_kind job_kinds[] = {
    {WEIR__JOB__JOB_PING,           "ping",           job_ping          }, /* answers */
    {WEIR__JOB__JOB_SWEEP,          "sweep",          job_sweep         }, /* tidies up at start */
    {WEIR__JOB__JOB_TEST_STORE,     "test store",     job_test_store    }, /* writes, reads back */
    {WEIR__JOB__JOB_DESCRIBE_TABLE, "describe table", job_describe_table}, /* looks a table up */
    {WEIR__JOB__JOB_CREATE_TABLE,   "create table",   job_create_table  }, /* names a new table */
    {WEIR__JOB__JOB_CHECK_BATCH,    "check batch",    job_check_batch   }, /* request vs. registry */
    {WEIR__JOB__JOB_DECODE,         "decode",         job_decode        }, /* files to runs */
    {WEIR__JOB__JOB_SMALL_BATCH,    "small batch",    job_small_batch   }, /* all of it at once */
    {WEIR__JOB__JOB_MERGE_RUNS,     "merge runs",     job_merge_runs    }, /* many runs to one */
    {WEIR__JOB__JOB_APPLY_BEGIN,    "begin to apply", job_apply_begin   }, /* opens the transaction */
    {WEIR__JOB__JOB_APPLY_PHASE,    "apply phase",    job_apply_phase   }, /* runs to rows */
    {WEIR__JOB__JOB_APPLY_COMMIT,   "commit",         job_apply_commit  }, /* makes it durable */
    {WEIR__JOB__JOB_APPLY_ABORT,    "abort",          job_apply_abort   }, /* drops it */
    {WEIR__JOB__JOB_TRUNCATE,       "truncate",       job_truncate      }, /* rows before a moment */
    {WEIR__JOB__JOB_ALTER_TABLE,    "alter table",    job_alter_table   }, /* columns, types, key */
    {WEIR__JOB__JOB_MIGRATE,        "migrate",        job_migrate       }, /* one operation */
    {WEIR__JOB__JOB_COMPACT,        "compact",        job_compact       }, /* a table's file */
};

const unsigned job_kinds_count = sizeof job_kinds / sizeof job_kinds[0];

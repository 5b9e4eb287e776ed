/* A collector for a job that reworks a table: its runs lie in DATA_DIR/runs/OPERATION. */
#ifndef WEIR_WORKER_JOB_JOB_COLLECTOR_H
#define WEIR_WORKER_JOB_JOB_COLLECTOR_H

#include "worker/job/job_worker.h"
#include "worker/run/collector.h"

/* The caller releases it with run_collector_free(). `watch` is borrowed until then. */
struct run_collector *job_collector(struct job_worker *worker, const uint8_t operation_id[16],
                                    const struct run_watch *watch);

#endif

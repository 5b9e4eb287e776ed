/* The pool of workers: gives jobs to free workers, fairly, and tries lost jobs again.
 *
 * Calls block the calling handler thread. A queue orders what waits: apply stages go before decode
 * jobs; decode jobs of different batches take turns; small jobs may use the express worker. */
#ifndef WEIR_FRONTEND_DISPATCH_POOL_H
#define WEIR_FRONTEND_DISPATCH_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/options.h"
#include "common/role.h"
#include "job.pb-c.h"

struct pool;

/* A running RPC as the dispatcher sees it: cancellation from outside, identity for fairness. The
 * gateway makes one per RPC; any thread may cancel it. */
struct ticket;

struct ticket *ticket_new(void);

/* Says which table it is about, for messages. The names are borrowed as long as the ticket. */
void ticket_name_table(struct ticket *ticket, const char *schema_name, const char *table_name);

/* Cancels: waits end, running jobs are told to stop. `kind` is ERROR_CANCELLED, ERROR_DEADLINE or
 * ERROR_UNAVAILABLE (the server stops). The first one counts. Any thread; never blocks for long. */
void ticket_cancel(struct ticket *ticket, enum error_kind kind);

/* Fills *err and returns false if the ticket was cancelled. */
MUST_CHECK bool ticket_check(const struct ticket *ticket, struct error *err);

/* Whether it was cancelled. */
bool ticket_is_cancelled(const struct ticket *ticket);

/* Of the batch files of the job that last lost its worker the one that was being decoded, from 1;
 * 0: none. */
unsigned ticket_lost_file(const struct ticket *ticket);

/* How long an RPC waited, in microseconds, with none of its jobs on a worker: for its table, for a
 * thread, for workers. */
uint64_t ticket_waited_us(const struct ticket *ticket);

void ticket_free(struct ticket **ticket);

/* `options`, `runtime_dir` and `pages`, which the workers share, are borrowed until pool_free(). */
struct pool *pool_new(const struct options *options, const char *runtime_dir,
                      struct role_pages *pages);

/* From the control thread: what the supervisor reported. */
void pool_worker_ready(struct pool *pool, uint32_t worker, uint64_t life);
void pool_worker_reaped(struct pool *pool, uint32_t worker, uint64_t life, int status);

/* Asks the supervisor to kill a worker's life; set once at start. */
void pool_on_kill(struct pool *pool, void (*kill)(void *context, uint32_t worker, uint64_t life),
                  void *context);

/* How many workers there are, without the express worker. */
unsigned pool_workers(const struct pool *pool);

enum pool_class {
    POOL_SMALL, /* any idle worker, express too */
    POOL_LARGE, /* any idle worker but express; takes turns with other tickets */
};

/* Runs one job on some worker; tries again on another (never express) when the worker dies, at most
 * LIMIT_JOB_TRIES times; then ERROR_UNAVAILABLE, and ticket_lost_file() tells more. A Result with a
 * failure is returned as *err. *result_out is the caller's (weir__result__free_unpacked). */
MUST_CHECK bool pool_run(struct pool *pool, struct ticket *ticket, enum pool_class class,
                         const Weir__Job *job, Weir__Result **result_out, struct error *err);

/* Runs `count` jobs in parallel, as many at once as workers are free; results_out[i] is that of
 * jobs[i], all the caller's. The first failure cancels the rest, waits for all of them and frees
 * their results. *failed_out: the index of the job that failed. */
MUST_CHECK bool pool_run_all(struct pool *pool, struct ticket *ticket, Weir__Job *const *jobs,
                             size_t count, Weir__Result **results_out, size_t *failed_out,
                             struct error *err);

/* A worker of one's own for several jobs in a row (an apply stage). Counts against the memory
 * budget for large apply stages. */
struct borrowed;

MUST_CHECK bool pool_borrow(struct pool *pool, struct ticket *ticket,
                            struct borrowed **borrowed_out, struct error *err);

/* Runs a job on the borrowed worker. *lost_out: the worker died (ERROR_UNAVAILABLE, reaped by now);
 * the stage can start again on another. A cancelled ticket stops the job, unless it is a commit. */
MUST_CHECK bool pool_call(struct borrowed *borrowed, const Weir__Job *job,
                          Weir__Result **result_out, bool *lost_out, struct error *err);

void pool_give_back(struct borrowed **borrowed);

/* No new jobs; all waits end with ERROR_UNAVAILABLE. */
void pool_stop(struct pool *pool);

void pool_free(struct pool **pool);

#endif

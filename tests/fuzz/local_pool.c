/* A pool of one worker in this process: pool.h for fuzz targets, which need no second process to
 * crash in. A job goes through its bytes, as it does over the socket. */
#include <stdlib.h>

#include "common/ipc/failure.h"
#include "common/mem.h"
#include "common/require.h"
#include "frontend/dispatch/pool.h"
#include "worker/job/job.h"

struct pool {
    struct job_worker *worker;
    uint64_t jobs_count;
};

struct borrowed {
    struct pool *pool;
};

static Weir__Job *job_as_received(const Weir__Job *job);
static Weir__Result *run(struct pool *pool, Weir__Job *job);

struct pool *pool_new(const struct options *options, const char *runtime_dir,
                      struct role_pages *pages)
{
    struct pool *pool = mem_zero(sizeof *pool);

    (void)runtime_dir;
    pool->worker = job_worker_new(options, &pages->workers[0]);
    return pool;
}

void pool_free(struct pool **pool)
{
    job_worker_free(&(*pool)->worker);
    mem_free(*pool);
    *pool = NULL;
}

unsigned pool_workers(const struct pool *pool)
{
    (void)pool;
    return 1;
}

bool pool_run(struct pool *pool, struct ticket *ticket, enum pool_class class, const Weir__Job *job,
              Weir__Result **result_out, struct error *err)
{
    Weir__Job *received = job_as_received(job);
    Weir__Result *result = run(pool, received);

    (void)ticket;
    (void)class;
    weir__job__free_unpacked(received, NULL);
    if (result->failure != NULL) {
        failure_get(result, err);
        weir__result__free_unpacked(result, NULL);
        return false;
    }
    *result_out = result;
    return true;
}

bool pool_borrow(struct pool *pool, struct ticket *ticket, struct borrowed **borrowed_out,
                 struct error *err)
{
    struct borrowed *borrowed = mem_zero(sizeof *borrowed);

    (void)ticket;
    (void)err;
    borrowed->pool = pool;
    *borrowed_out = borrowed;
    return true;
}

bool pool_call(struct borrowed *borrowed, const Weir__Job *job, Weir__Result **result_out,
               bool *lost_out, struct error *err)
{
    *lost_out = false;
    return pool_run(borrowed->pool, NULL, POOL_LARGE, job, result_out, err);
}

void pool_give_back(struct borrowed **borrowed)
{
    mem_free(*borrowed);
    *borrowed = NULL;
}

static Weir__Job *job_as_received(const Weir__Job *job)
{
    size_t length = weir__job__get_packed_size(job);
    OWNED(mem_release) uint8_t *bytes = mem_alloc(length);

    ENSURE(weir__job__pack(job, bytes) == length);
    Weir__Job *received = weir__job__unpack(NULL, length, bytes);
    ENSURE(received != NULL);
    return received;
}

static Weir__Result *run(struct pool *pool, Weir__Job *job)
{
    Weir__Result *result = mem_alloc(sizeof *result);

    job->number = ++pool->jobs_count;
    weir__result__init(result);
    job_run(pool->worker, job, result);
    return result;
}

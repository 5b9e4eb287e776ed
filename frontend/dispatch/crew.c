/* See crew.h. */
#include "frontend/dispatch/crew.h"

#include "common/mem.h"
#include "common/require.h"

struct life *crew_idle(const struct crew *crew, bool express)
{
    uint32_t first = express ? crew->size - 1 : 0;
    uint32_t end = express ? crew->size : crew->size - 1;

    for (uint32_t i = first; i < end; i++) {
        struct life *life = crew->lives[i];

        if (life != NULL && !life->busy && !life->leaving) {
            return life;
        }
    }
    return NULL;
}

void crew_add(struct crew *crew, uint32_t worker, uint64_t number, struct ipc *ipc,
              struct role_page *page)
{
    struct life *life = mem_zero(sizeof *life);

    REQUIRE(worker < crew->size);
    if (crew->lives[worker] != NULL) {
        /* Its end was reported out of order. */
        crew_reaped(crew, worker, crew->lives[worker]->number, 0);
    }
    life->worker = worker;
    life->number = number;
    life->ipc = ipc;
    life->page = page;
    life->holders = 1;
    crew->lives[worker] = life;
}

void crew_reaped(struct crew *crew, uint32_t worker, uint64_t number, int status)
{
    struct life *life = worker < crew->size ? crew->lives[worker] : NULL;

    if (life == NULL || life->number != number) {
        return;
    }
    life->reaped = true;
    life->status = status;
    life->at_file = life->page->file;
    life->leaving = true;
    ipc_interrupt(life->ipc);
    crew->lives[worker] = NULL;
    life_release(&life);
}

void life_release(struct life **life_in)
{
    struct life *life = *life_in;

    *life_in = NULL;
    if (--life->holders == 0) {
        ipc_close(&life->ipc);
        mem_free(life);
    }
}

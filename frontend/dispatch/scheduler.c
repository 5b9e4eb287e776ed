/* See scheduler.h. */
#include "frontend/dispatch/scheduler.h"

static bool may_run(const struct waiting *waiting, bool is_express, struct waiting_room room);
static bool goes_before(const struct waiting *a, const struct waiting *b);

size_t scheduler_choose(const struct waiting *waiting, size_t count, bool is_express,
                        struct waiting_room room)
{
    size_t best = count;

    for (size_t i = 0; i < count; i++) {
        if (!may_run(&waiting[i], is_express, room)) {
            continue;
        }
        if (best == count || goes_before(&waiting[i], &waiting[best])) {
            best = i;
        }
    }
    return best;
}

static bool may_run(const struct waiting *waiting, bool is_express, struct waiting_room room)
{
    switch (waiting->kind) {
    case WAITING_STAGE:
        return !is_express && room.stages > 0;
    case WAITING_SMALL:
        return true;
    case WAITING_LARGE:
        return !is_express;
    case WAITING_SUSPECT:
        return !is_express && room.suspects > 0;
    }
    return false;
}

/* Between equals the earlier one stays in front. */
static bool goes_before(const struct waiting *a, const struct waiting *b)
{
    if (a->kind == WAITING_STAGE || b->kind == WAITING_STAGE) {
        return b->kind != WAITING_STAGE;
    }
    return a->running < b->running;
}

/* See scheduler.h. */
#include "frontend/dispatch/scheduler.h"

static bool goes_before(const struct waiting *a, const struct waiting *b);

size_t scheduler_choose(const struct waiting *waiting, size_t count, bool is_express,
                        unsigned stages_left)
{
    size_t best = count;

    for (size_t i = 0; i < count; i++) {
        if ((is_express && waiting[i].kind != WAITING_SMALL) ||
            (waiting[i].kind == WAITING_STAGE && stages_left == 0)) {
            continue;
        }
        if (best == count || goes_before(&waiting[i], &waiting[best])) {
            best = i;
        }
    }
    return best;
}

/* Between equals the earlier one stays in front. */
static bool goes_before(const struct waiting *a, const struct waiting *b)
{
    if (a->kind == WAITING_STAGE || b->kind == WAITING_STAGE) {
        return b->kind != WAITING_STAGE;
    }
    return a->running < b->running;
}

/* One child of the supervisor: states and pauses, without system calls. */
#include "frontend/supervisor/child.h"

#include <stdio.h>

#include "common/require.h"

#define TO(state) (1U << (state))

static const struct {
    const char *name;
    unsigned next; /* states that may follow */
} states[CHILD_STATES] = {
    [CHILD_WAITING] = {"waiting",  TO(CHILD_STARTING) | TO(CHILD_WAITING) | TO(CHILD_GONE)                  },
    [CHILD_STARTING] = {"starting", TO(CHILD_READY) | TO(CHILD_STOPPING) | TO(CHILD_KILLED) |
                                        TO(CHILD_WAITING) | TO(CHILD_GONE)},
    [CHILD_READY] = {"ready",
                       TO(CHILD_STOPPING) | TO(CHILD_KILLED) | TO(CHILD_WAITING) | TO(CHILD_GONE)           },
    [CHILD_STOPPING] = {"stopping",
                       TO(CHILD_STOPPING) | TO(CHILD_KILLED) | TO(CHILD_WAITING) | TO(CHILD_GONE)           },
    [CHILD_KILLED] = {"killed",   TO(CHILD_KILLED) | TO(CHILD_WAITING) | TO(CHILD_GONE)                    },
    [CHILD_GONE] = {"gone",     TO(CHILD_GONE)                                                           },
};

static void move(struct child *child, enum child_state state);
static void plan_next_life(struct child *child, uint64_t now_us);
static uint64_t pause_us(unsigned failures, uint64_t first_ms, uint64_t max_ms);

void child_init(struct child *child, const char *name, uint64_t now_us)
{
    *child = (struct child){.state = CHILD_WAITING, .control_fd = -1, .due_us = now_us};
    snprintf(child->name, sizeof child->name, "%s", name);
}

void child_started(struct child *child, uint64_t life, pid_t pid, int control_fd, uint64_t due_us)
{
    move(child, CHILD_STARTING);
    child->life = life;
    child->pid = pid;
    child->control_fd = control_fd;
    child->due_us = due_us;
    child->ready_us = 0;
    child->has_worked = false;
}

void child_not_started(struct child *child, uint64_t now_us)
{
    move(child, CHILD_WAITING);
    child->ready_us = 0;
    plan_next_life(child, now_us);
}

void child_is_ready(struct child *child, uint64_t now_us)
{
    move(child, CHILD_READY);
    child->ready_us = now_us;
    child->due_us = UINT64_MAX;
    child->starts_failed = 0;
}

void child_stops(struct child *child, uint64_t due_us)
{
    move(child, CHILD_STOPPING);
    child->due_us = due_us;
}

void child_is_killed(struct child *child)
{
    move(child, CHILD_KILLED);
    child->due_us = UINT64_MAX;
}

void child_has_worked(struct child *child)
{
    child->has_worked = true;
}

void child_ended(struct child *child, uint64_t now_us, enum child_end end)
{
    REQUIRE(child_runs(child));
    child->pid = 0;
    switch (end) {
    case CHILD_END_FINAL:
        move(child, CHILD_GONE);
        break;
    case CHILD_END_OTHERS:
        move(child, CHILD_WAITING);
        child->due_us = now_us;
        break;
    case CHILD_END_OWN:
        move(child, CHILD_WAITING);
        plan_next_life(child, now_us);
        break;
    }
}

void child_is_unwanted(struct child *child)
{
    REQUIRE(!child_runs(child));
    move(child, CHILD_GONE);
}

bool child_runs(const struct child *child)
{
    switch (child->state) {
    case CHILD_STARTING:
    case CHILD_READY:
    case CHILD_STOPPING:
    case CHILD_KILLED:
        return true;
    case CHILD_WAITING:
    case CHILD_GONE:
    case CHILD_STATES:
        break;
    }
    return false;
}

bool child_is_hopeless(const struct child *child)
{
    return child->starts_failed >= CHILD_STARTS_FAILED_MAX ||
           (child->is_vital && child_is_useless(child));
}

bool child_is_useless(const struct child *child)
{
    return child->useless_lives >= CHILD_USELESS_LIVES_MAX;
}

const char *child_state_name(enum child_state state)
{
    return states[state].name;
}

static void move(struct child *child, enum child_state state)
{
    REQUIRE((states[child->state].next & TO(state)) != 0);
    child->state = state;
}

static void plan_next_life(struct child *child, uint64_t now_us)
{
    if (child->ready_us == 0) {
        child->starts_failed++;
        child->due_us =
            now_us + pause_us(child->starts_failed, CHILD_START_PAUSE_MS, CHILD_START_PAUSE_MAX_MS);
        return;
    }
    bool is_short = now_us - child->ready_us < (uint64_t)CHILD_SHORT_LIFE_MS * 1000;

    child->useless_lives = is_short && !child->has_worked ? child->useless_lives + 1 : 0;
    /* The first death is followed by no pause at all. */
    child->due_us = now_us;
    if (child->useless_lives > 1) {
        child->due_us +=
            pause_us(child->useless_lives - 1, CHILD_SHORT_PAUSE_MS, CHILD_SHORT_PAUSE_MAX_MS);
    }
}

/* After the first failure `first_ms`, then twice as long each time, at most `max_ms`. */
static uint64_t pause_us(unsigned failures, uint64_t first_ms, uint64_t max_ms)
{
    uint64_t pause_ms = first_ms;

    for (unsigned i = 1; i < failures && pause_ms < max_ms; i++) {
        pause_ms *= 2;
    }
    return (pause_ms < max_ms ? pause_ms : max_ms) * 1000;
}

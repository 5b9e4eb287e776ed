/* One child of the supervisor: its states and when it is started again.
 *
 *                .--------------------------------------------.
 *                v                                            |
 *   WAITING -> STARTING -> READY -> STOPPING -> KILLED -> (reaped: WAITING or GONE)
 *
 * Every running state may also go straight to KILLED and, when the process ends by itself, to
 * WAITING or GONE. No system calls in here: the supervisor makes them and tells the child. */
#ifndef WEIR_FRONTEND_SUPERVISOR_CHILD_H
#define WEIR_FRONTEND_SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum child_state {
    CHILD_WAITING,  /* no process; to be started when it is due */
    CHILD_STARTING, /* started, has not said that it is ready */
    CHILD_READY,    /* serves */
    CHILD_STOPPING, /* was asked to end */
    CHILD_KILLED,   /* was sent SIGKILL, is not reaped yet */
    CHILD_GONE,     /* no process, and none is wanted any more */
    CHILD_STATES
};

enum {
    /* Lives in a row that end before they were ready; then another try would not help. */
    CHILD_STARTS_FAILED_MAX = 8,

    /* Pauses between those, doubling: 13 s in all. */
    CHILD_START_PAUSE_MS = 100,
    CHILD_START_PAUSE_MAX_MS = 5000,

    /* A life that was ready for less, and has finished no job, is useless; pauses after useless
     * lives double, too, but stay so small that a killed frontend is back within two seconds. A
     * worker that dies of one bad file among good ones is back at once. */
    CHILD_SHORT_LIFE_MS = 10000,
    CHILD_SHORT_PAUSE_MS = 50,
    CHILD_SHORT_PAUSE_MAX_MS = 400,

    /* After so many in a row a vital child is given up; workers are when this is so of all of them,
     * since a file that kills workers must not end the server while any other job succeeds. */
    CHILD_USELESS_LIVES_MAX = 50,
};

struct child {
    enum child_state state;
    char name[24]; /* "frontend", "worker 3", "worker express" */
    bool is_vital;
    uint64_t life; /* of the process that runs or ran last; 0: none yet */
    pid_t pid;
    int control_fd;    /* our end of its control socket, -1: none */
    uint64_t due_us;   /* WAITING: when to start; STARTING, STOPPING: when to kill */
    uint64_t ready_us; /* when this life became ready, 0: it did not */
    unsigned starts_failed;
    unsigned useless_lives; /* in a row */
    bool has_worked;        /* this life has finished a job */
};

/* Why a life ended, as far as the next one is concerned. */
enum child_end {
    CHILD_END_OWN,    /* by itself or for its own fault: may be followed by a pause */
    CHILD_END_OTHERS, /* with all others, because the frontend died */
    CHILD_END_FINAL,  /* no other is wanted */
};

/* A child that is due now. */
void child_init(struct child *child, const char *name, uint64_t now_us);

/* A process runs. It is to be ready before `due_us` (UINT64_MAX: takes as long as it takes). */
void child_started(struct child *child, uint64_t life, pid_t pid, int control_fd, uint64_t due_us);

/* No process could be made: counts as a failed start. */
void child_not_started(struct child *child, uint64_t now_us);

/* It said that it serves. */
void child_is_ready(struct child *child, uint64_t now_us);

/* It was asked to end, and is killed at `due_us`. Fine if it was asked before. */
void child_stops(struct child *child, uint64_t due_us);

/* It was sent SIGKILL. Fine if it was before. */
void child_is_killed(struct child *child);

/* This life has finished a job; to be told before its end is. */
void child_has_worked(struct child *child);

/* The process was reaped. Says in due_us when the next one starts. */
void child_ended(struct child *child, uint64_t now_us, enum child_end end);

/* Nothing runs, and nothing shall. */
void child_is_unwanted(struct child *child);

/* Whether a process is there that was not reaped yet. */
bool child_runs(const struct child *child);

/* Whether too many starts failed in a row, or too many lives of a vital child were useless. */
bool child_is_hopeless(const struct child *child);

/* Whether too many lives in a row were useless. */
bool child_is_useless(const struct child *child);

/* The state's name for a log line. */
const char *child_state_name(enum child_state state);

#endif

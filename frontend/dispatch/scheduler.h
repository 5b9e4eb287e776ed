/* Who gets the next free worker: the pool's rules, without threads or clocks. */
#ifndef WEIR_FRONTEND_DISPATCH_SCHEDULER_H
#define WEIR_FRONTEND_DISPATCH_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>

/* What somebody waits for. */
enum waiting_kind {
    WAITING_STAGE,   /* a worker of one's own, for the apply stage of a large batch */
    WAITING_SMALL,   /* a small job that is tried for the first time: the express worker will do */
    WAITING_LARGE,   /* any other job */
    WAITING_SUSPECT, /* a job that has lost its worker, and may kill or hold up the next one */
};

/* How many more may run at once. */
struct waiting_room {
    unsigned stages;   /* as memory allows */
    unsigned suspects; /* so that the other workers go on */
};

/* One who waits, in order of arrival. */
struct waiting {
    enum waiting_kind kind;
    unsigned running; /* jobs of the same RPC that are on workers now */
};

/* The index of the one who gets a worker, or `count` if it stays idle.
 *
 * Apply stages go first: they finish a batch and free its runs; but no more at once than memory
 * allows. Then the RPC that has the fewest jobs running, so that all take turns:
 * none gets a second worker before everybody has one, and no stream of small jobs keeps a large
 * batch waiting for ever. The express worker takes small jobs only. */
size_t scheduler_choose(const struct waiting *waiting, size_t count, bool is_express,
                        struct waiting_room room);

#endif

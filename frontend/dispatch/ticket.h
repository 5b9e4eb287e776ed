/* The inside of a ticket, for the files of this folder. */
#ifndef WEIR_FRONTEND_DISPATCH_TICKET_H
#define WEIR_FRONTEND_DISPATCH_TICKET_H

#include <stdatomic.h>
#include <stdint.h>

#include "frontend/dispatch/pool.h"

struct ticket {
    struct ticket
        *parent; /* cancelled with it: the jobs of an RPC that run side by side; or NULL */
    _Atomic int cancelled;   /* an enum error_kind; ERROR_NONE: not */
    unsigned lost_file;      /* set by the thread that runs a job under the ticket */
    const char *schema_name; /* of a root: the table that it is about; NULL: none */
    const char *table_name;

    /* Of a root, under the pool's mutex. */
    unsigned running;   /* its jobs on workers */
    uint64_t idle_us;   /* since when none runs */
    uint64_t waited_us; /* how long none ran before */
};

/* The RPC's own ticket. */
struct ticket *ticket_root(struct ticket *ticket);

/* A job begins on a worker, and ends. Under the pool's mutex. */
void ticket_begin(struct ticket *ticket);
void ticket_end(struct ticket *ticket);

#endif

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
    unsigned running; /* of a root: its jobs on workers; under the pool's mutex */
};

/* The RPC's own ticket. */
struct ticket *ticket_root(struct ticket *ticket);

#endif

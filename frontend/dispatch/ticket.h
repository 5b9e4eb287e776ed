/* The inside of a ticket, for the files of this folder. */
#ifndef WEIR_FRONTEND_DISPATCH_TICKET_H
#define WEIR_FRONTEND_DISPATCH_TICKET_H

#include <stdatomic.h>
#include <stdint.h>

#include "frontend/dispatch/pool.h"

struct ticket {
    _Atomic int cancelled; /* an enum error_kind; ERROR_NONE: not */
    _Atomic unsigned lost_file;
    unsigned running; /* its jobs on workers; under the pool's mutex */
};

#endif

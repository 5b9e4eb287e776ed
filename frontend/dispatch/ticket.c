/* A running RPC as the dispatcher sees it: see pool.h. */
#include "frontend/dispatch/ticket.h"

#include "common/mem.h"

struct ticket *ticket_new(void)
{
    return mem_zero(sizeof(struct ticket));
}

void ticket_cancel(struct ticket *ticket, enum error_kind kind)
{
    int none = ERROR_NONE;

    (void)atomic_compare_exchange_strong(&ticket->cancelled, &none, (int)kind);
}

bool ticket_check(const struct ticket *ticket, struct error *err)
{
    switch (atomic_load(&ticket->cancelled)) {
    case ERROR_NONE:
        return true;
    case ERROR_CANCELLED:
        return error_set(err, ERROR_CANCELLED, "the client cancelled the request");
    case ERROR_DEADLINE:
        return error_set(err, ERROR_DEADLINE, "the request's deadline has passed");
    default:
        return error_set(err, ERROR_UNAVAILABLE, "the server is stopping");
    }
}

bool ticket_is_cancelled(const struct ticket *ticket)
{
    return atomic_load(&ticket->cancelled) != ERROR_NONE;
}

unsigned ticket_lost_file(const struct ticket *ticket)
{
    return ticket->lost_file;
}

void ticket_free(struct ticket **ticket)
{
    mem_free(*ticket);
    *ticket = NULL;
}

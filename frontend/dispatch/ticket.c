/* A running RPC as the dispatcher sees it: see pool.h. */
#include "frontend/dispatch/ticket.h"

#include "common/clock.h"
#include "common/mem.h"

static int why_cancelled(const struct ticket *ticket);

struct ticket *ticket_new(void)
{
    struct ticket *ticket = mem_zero(sizeof *ticket);

    ticket->idle_us = clock_us();
    return ticket;
}

void ticket_name_table(struct ticket *ticket, const char *schema_name, const char *table_name)
{
    ticket->schema_name = schema_name;
    ticket->table_name = table_name;
}

void ticket_cancel(struct ticket *ticket, enum error_kind kind)
{
    int none = ERROR_NONE;

    (void)atomic_compare_exchange_strong(&ticket->cancelled, &none, (int)kind);
}

bool ticket_check(const struct ticket *ticket, struct error *err)
{
    switch (why_cancelled(ticket)) {
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
    return why_cancelled(ticket) != ERROR_NONE;
}

unsigned ticket_lost_file(const struct ticket *ticket)
{
    return ticket->lost_file;
}

uint64_t ticket_waited_us(const struct ticket *ticket)
{
    return ticket->waited_us;
}

void ticket_begin(struct ticket *ticket)
{
    struct ticket *root = ticket_root(ticket);

    if (root->running++ == 0) {
        root->waited_us += clock_us() - root->idle_us;
    }
}

void ticket_end(struct ticket *ticket)
{
    struct ticket *root = ticket_root(ticket);

    if (--root->running == 0) {
        root->idle_us = clock_us();
    }
}

void ticket_free(struct ticket **ticket)
{
    mem_free(*ticket);
    *ticket = NULL;
}

struct ticket *ticket_root(struct ticket *ticket)
{
    while (ticket->parent != NULL) {
        ticket = ticket->parent;
    }
    return ticket;
}

static int why_cancelled(const struct ticket *ticket)
{
    int kind = ERROR_NONE;

    for (; ticket != NULL && kind == ERROR_NONE; ticket = ticket->parent) {
        kind = atomic_load(&ticket->cancelled);
    }
    return kind;
}

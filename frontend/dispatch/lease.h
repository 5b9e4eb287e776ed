/* Leases: one writer per table, in arrival order.
 *
 * An RPC asks for the lease of its table (or of two, in byte order) and goes on only when it holds
 * it; waiting takes no thread: `granted` is called, on any thread, when the lease is there. */
#ifndef WEIR_FRONTEND_DISPATCH_LEASE_H
#define WEIR_FRONTEND_DISPATCH_LEASE_H

#include <stdbool.h>
#include <stddef.h>

struct lease_book;
struct lease;

struct lease_book *lease_book_new(void);
void lease_book_free(struct lease_book **book);

/* Asks for the tables `schema_name`.`table_names[0..count)` (1 or 2). `granted(context)` is called
 * exactly once unless lease_release() comes first; it may be called before this function returns.
 * Read-only RPCs ask for nothing. */
struct lease *lease_ask(struct lease_book *book, const char *schema_name,
                        const char *const *table_names, size_t count,
                        void (*granted)(void *context), void *context);

/* Gives the lease back, or stops waiting for it. After it returns `granted` is not called any more.
 * Sets the pointer to NULL. NULL is fine. */
void lease_release(struct lease **lease);

#endif

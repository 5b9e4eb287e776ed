/* See lease.h.
 *
 * One queue for all tables: a lease is granted when no earlier one names a table of its own. Few
 * RPCs wait at once (options->waiting_max), and a walk over them costs less than a table of queues
 * that must agree about leases on two tables. */
#include "frontend/dispatch/lease.h"

#include <stdint.h>
#include <string.h>

#include <pthread.h>

#include "common/mem.h"
#include "common/require.h"

enum {
    TABLES_MAX = 2
};

struct lease {
    struct lease_book *book;
    struct lease *next;
    struct lease *previous;
    char *schema_name;
    char *table_names[TABLES_MAX];
    size_t count;
    uint64_t number; /* counts the leases: an address can come again */
    bool granted;
    bool calling; /* `granted` is being called, on some thread */
    pthread_t caller;
    void (*call)(void *context);
    void *context;
};

struct lease_book {
    pthread_mutex_t mutex;
    pthread_cond_t called; /* a call has returned */
    struct lease *first;   /* in order of arrival */
    struct lease *last;
    uint64_t count;
};

static void append(struct lease_book *book, struct lease *lease);
static void unlink_lease(struct lease_book *book, struct lease *lease);
static void grant(struct lease_book *book);
static struct lease *next_free(const struct lease_book *book);
static bool is_blocked(const struct lease *lease);
static bool share_table(const struct lease *a, const struct lease *b);

struct lease_book *lease_book_new(void)
{
    struct lease_book *book = mem_zero(sizeof *book);

    REQUIRE(pthread_mutex_init(&book->mutex, NULL) == 0);
    REQUIRE(pthread_cond_init(&book->called, NULL) == 0);
    return book;
}

void lease_book_free(struct lease_book **book)
{
    if (*book != NULL) {
        REQUIRE((*book)->first == NULL);
        (void)pthread_mutex_destroy(&(*book)->mutex);
        (void)pthread_cond_destroy(&(*book)->called);
        mem_free(*book);
        *book = NULL;
    }
}

struct lease *lease_ask(struct lease_book *book, const char *schema_name,
                        const char *const *table_names, size_t count,
                        void (*granted)(void *context), void *context)
{
    struct lease *lease = mem_zero(sizeof *lease);

    REQUIRE(count >= 1 && count <= TABLES_MAX);
    lease->book = book;
    lease->schema_name = mem_text(schema_name);
    lease->count = count;
    for (size_t i = 0; i < count; i++) {
        lease->table_names[i] = mem_text(table_names[i]);
    }
    lease->call = granted;
    lease->context = context;

    pthread_mutex_lock(&book->mutex);
    lease->number = ++book->count;
    append(book, lease);
    grant(book);
    pthread_mutex_unlock(&book->mutex);
    return lease;
}

void lease_release(struct lease **lease_in)
{
    struct lease *lease = MOVE(*lease_in);
    struct lease_book *book = NULL;

    if (lease == NULL) {
        return;
    }
    book = lease->book;
    pthread_mutex_lock(&book->mutex);
    /* Whoever releases from inside the call itself must not wait for it. */
    while (lease->calling && !pthread_equal(lease->caller, pthread_self())) {
        pthread_cond_wait(&book->called, &book->mutex);
    }
    unlink_lease(book, lease);
    grant(book);
    pthread_mutex_unlock(&book->mutex);

    mem_free(lease->schema_name);
    for (size_t i = 0; i < lease->count; i++) {
        mem_free(lease->table_names[i]);
    }
    mem_free(lease);
}

static void append(struct lease_book *book, struct lease *lease)
{
    lease->previous = book->last;
    if (book->last != NULL) {
        book->last->next = lease;
    } else {
        book->first = lease;
    }
    book->last = lease;
}

static void unlink_lease(struct lease_book *book, struct lease *lease)
{
    if (lease->previous != NULL) {
        lease->previous->next = lease->next;
    } else {
        book->first = lease->next;
    }
    if (lease->next != NULL) {
        lease->next->previous = lease->previous;
    } else {
        book->last = lease->previous;
    }
}

/* Calls whoever can go on now. The mutex is open during a call: it may ask and release itself. */
static void grant(struct lease_book *book)
{
    struct lease *lease = NULL;

    while ((lease = next_free(book)) != NULL) {
        void (*call)(void *context) = lease->call;
        void *context = lease->context;
        uint64_t number = lease->number;

        lease->granted = true;
        lease->calling = true;
        lease->caller = pthread_self();
        pthread_mutex_unlock(&book->mutex);
        call(context);
        pthread_mutex_lock(&book->mutex);
        for (struct lease *at = book->first; at != NULL; at = at->next) {
            if (at->number == number) {
                lease->calling = false;
            }
        }
        pthread_cond_broadcast(&book->called);
    }
}

static struct lease *next_free(const struct lease_book *book)
{
    for (struct lease *lease = book->first; lease != NULL; lease = lease->next) {
        if (!lease->granted && !is_blocked(lease)) {
            return lease;
        }
    }
    return NULL;
}

static bool is_blocked(const struct lease *lease)
{
    for (const struct lease *earlier = lease->previous; earlier != NULL;
         earlier = earlier->previous) {
        if (share_table(earlier, lease)) {
            return true;
        }
    }
    return false;
}

static bool share_table(const struct lease *a, const struct lease *b)
{
    if (strcmp(a->schema_name, b->schema_name) != 0) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; j < b->count; j++) {
            if (strcmp(a->table_names[i], b->table_names[j]) == 0) {
                return true;
            }
        }
    }
    return false;
}

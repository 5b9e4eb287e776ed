/* Stands in for frontend/dispatch. */
#include "tests/unit/frontend/gateway/scripted_pool.h"

#include <string.h>

#include <pthread.h>

#include "common/mem.h"
#include "frontend/dispatch/batch.h"
#include "frontend/dispatch/lease.h"
#include "frontend/dispatch/pool.h"

struct ticket {
    enum error_kind kind; /* ERROR_NONE: not cancelled */
};

struct lease {
    struct lease_book *book;
    char *name;
    bool held;
    void (*granted)(void *context);
    void *context;
    struct lease *next;
};

struct lease_book {
    struct lease *first;
};

/* One for all books: tests are small. Granting calls out with it held. */
static pthread_mutex_t lease_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Of all tickets, and of what follows. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static size_t running;
static size_t running_max;

static bool play(const struct ticket *ticket, const char *name, struct error *err);
static bool is_first(const struct lease_book *book, const struct lease *lease);

size_t scripted_running(void)
{
    pthread_mutex_lock(&mutex);
    size_t now = running;
    pthread_mutex_unlock(&mutex);
    return now;
}

size_t scripted_running_max(void)
{
    pthread_mutex_lock(&mutex);
    size_t max = running_max;
    pthread_mutex_unlock(&mutex);
    return max;
}

struct ticket *ticket_new(void)
{
    return mem_zero(sizeof(struct ticket));
}

void ticket_name_table(struct ticket *ticket, const char *schema_name, const char *table_name)
{
    (void)ticket;
    (void)schema_name;
    (void)table_name;
}

void ticket_cancel(struct ticket *ticket, enum error_kind kind)
{
    pthread_mutex_lock(&mutex);
    if (ticket->kind == ERROR_NONE) {
        ticket->kind = kind;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

bool ticket_check(const struct ticket *ticket, struct error *err)
{
    pthread_mutex_lock(&mutex);
    enum error_kind kind = ticket->kind;
    pthread_mutex_unlock(&mutex);
    return kind == ERROR_NONE || error_set(err, kind, "the RPC was cancelled");
}

void ticket_free(struct ticket **ticket)
{
    mem_free(*ticket);
    *ticket = NULL;
}

bool pool_run(struct pool *pool, struct ticket *ticket, enum pool_class class, const Weir__Job *job,
              Weir__Result **result_out, struct error *err)
{
    const char *name = "";
    Weir__Result *result = mem_alloc(sizeof *result);

    (void)pool;
    (void)class;
    weir__result__init(result);
    if (job->job_case == WEIR__JOB__JOB_DESCRIBE_TABLE) {
        name = job->describe_table->table_name;
    } else if (job->job_case == WEIR__JOB__JOB_CREATE_TABLE) {
        name = job->create_table->table->table_name;
    }
    if (!play(ticket, name, err)) {
        weir__result__free_unpacked(result, NULL);
        return false;
    }
    *result_out = result;
    return true;
}

bool batch_run(struct pool *pool, struct ticket *ticket, const struct options *options,
               const struct batch_request *request, struct error *err)
{
    (void)pool;
    (void)options;
    return play(ticket, request->table->name, err);
}

struct lease_book *lease_book_new(void)
{
    return mem_zero(sizeof(struct lease_book));
}

void lease_book_free(struct lease_book **book)
{
    mem_free(*book);
    *book = NULL;
}

struct lease *lease_ask(struct lease_book *book, const char *schema_name,
                        const char *const *table_names, size_t count,
                        void (*granted)(void *context), void *context)
{
    struct lease *lease = mem_zero(sizeof *lease);
    struct lease **end = &book->first;

    (void)schema_name;
    (void)count;
    lease->book = book;
    lease->name = mem_text(table_names[0]);
    lease->granted = granted;
    lease->context = context;
    pthread_mutex_lock(&lease_mutex);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = lease;
    lease->held = is_first(book, lease);
    bool held = lease->held;
    pthread_mutex_unlock(&lease_mutex);
    if (held) {
        granted(context);
    }
    return lease;
}

/* Grants with the lock held, so that nothing is granted once this has returned. */
void lease_release(struct lease **lease)
{
    struct lease *released = *lease;

    *lease = NULL;
    if (released == NULL) {
        return;
    }
    pthread_mutex_lock(&lease_mutex);
    struct lease **link = &released->book->first;

    while (*link != released) {
        link = &(*link)->next;
    }
    *link = released->next;
    for (struct lease *next = released->book->first; next != NULL; next = next->next) {
        if (!next->held && is_first(released->book, next)) {
            next->held = true;
            next->granted(next->context);
        }
    }
    pthread_mutex_unlock(&lease_mutex);
    mem_free(released->name);
    mem_free(released);
}

static bool play(const struct ticket *ticket, const char *name, struct error *err)
{
    pthread_mutex_lock(&mutex);
    running++;
    if (running > running_max) {
        running_max = running;
    }
    while (strncmp(name, "hang", 4) == 0 && ticket->kind == ERROR_NONE) {
        pthread_cond_wait(&changed, &mutex);
    }
    running--;
    enum error_kind kind = ticket->kind;
    pthread_mutex_unlock(&mutex);
    if (kind != ERROR_NONE) {
        return error_set(err, kind, "the RPC was cancelled");
    }
    if (strncmp(name, "lost", 4) == 0) {
        return error_set(err, ERROR_UNAVAILABLE, "three workers were lost");
    }
    if (strncmp(name, "full", 4) == 0) {
        return error_set(err, ERROR_FULL, "no space is left in the data folder");
    }
    return true;
}

static bool is_first(const struct lease_book *book, const struct lease *lease)
{
    const struct lease *at = book->first;

    while (strcmp(at->name, lease->name) != 0) {
        at = at->next;
    }
    return at == lease;
}

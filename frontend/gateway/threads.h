/* The handler threads: bounded, made when they are needed, kept until the end.
 *
 * Work beyond the bound waits in order of arrival and takes no thread. */
#ifndef WEIR_FRONTEND_GATEWAY_THREADS_H
#define WEIR_FRONTEND_GATEWAY_THREADS_H

#include <stdbool.h>
#include <stddef.h>

struct threads;

/* Something to do; a member of what it is about, which must outlive it. */
struct work {
    void (*run)(struct work *work);
    struct work *next; /* the queue's */
};

/* Threads for at most `threads_max` pieces of work at once. */
struct threads *threads_new(size_t threads_max);

/* Runs work->run(work) on a thread as soon as one is free. */
void threads_submit(struct threads *threads, struct work *work);

/* Takes waiting work back; false if a thread has it already. */
bool threads_withdraw(struct threads *threads, struct work *work);

/* Waits for all work to end, then frees the threads and sets the pointer to NULL. */
void threads_free(struct threads **threads);

#endif

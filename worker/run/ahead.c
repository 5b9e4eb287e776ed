/* See ahead.h.
 *
 * Blocks go round: the thread fills one, the reader reads one, and those in between let either side
 * be slow for a moment. Large entries make large blocks: then only two are in use. */
#include "worker/run/ahead.h"

#include <pthread.h>

#include "common/buffer.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "worker/run/entry.h"

enum {
    BLOCKS = 8
};

/* Enough entries that handing a block over costs nothing beside merging it. */
#define BLOCK_BYTES MIB

/* A block that holds more than this was made large by one entry, and gives its memory back. */
#define BLOCK_CAPACITY_MAX (4 * BLOCK_BYTES)

/* What may wait to be read. */
#define UNREAD_BYTES_MAX (BLOCKS * BLOCK_BYTES)

struct block {
    struct buffer bytes; /* entries */
    enum run_next next;  /* what follows them: RUN_ENTRY: another block */
    struct error err;    /* RUN_FAILED: why */
};

struct ahead {
    ahead_source *source;
    void *context;
    pthread_t thread;
    struct block blocks[BLOCKS];

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t moved;
    uint64_t filled;     /* blocks, by the thread */
    uint64_t taken;      /* blocks, by the reader; it reads the last of them */
    size_t unread_bytes; /* in blocks that were filled and not taken */
    bool stopped;

    struct block *reading; /* the reader's */
    size_t at;
};

static void drop_if_large(struct block *block);
static void *run(void *context);
static void fill(struct ahead *ahead, struct block *block);
static struct block *wait_for_room(struct ahead *ahead);
static bool has_room(const struct ahead *ahead);
static void hand_over(struct ahead *ahead, const struct block *block);
static void take_block(struct ahead *ahead);

bool ahead_start(ahead_source *source, void *context, struct ahead **ahead_out, struct error *err)
{
    struct ahead *ahead = mem_zero(sizeof *ahead);

    ahead->source = source;
    ahead->context = context;
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->moved, NULL);
    if (pthread_create(&ahead->thread, NULL, run, ahead) != 0) {
        mem_free(ahead);
        return error_set(err, ERROR_UNAVAILABLE, "could not start a thread");
    }
    *ahead_out = ahead;
    return true;
}

enum run_next ahead_next(struct ahead *ahead, struct run_entry *entry_out, struct error *err)
{
    const struct buffer *bytes = NULL;

    while (ahead->reading == NULL || ahead->at == ahead->reading->bytes.length) {
        if (ahead->reading != NULL && ahead->reading->next != RUN_ENTRY) {
            if (ahead->reading->next == RUN_FAILED) {
                (void)error_copy(err, &ahead->reading->err);
            }
            return ahead->reading->next;
        }
        take_block(ahead);
    }
    bytes = &ahead->reading->bytes;
    *entry_out = entry_read(bytes->bytes + ahead->at);
    ahead->at += entry_size(entry_out);
    entry_prefetch(bytes->bytes + ahead->at, bytes->bytes + bytes->length);
    return RUN_ENTRY;
}

void ahead_stop(struct ahead **ahead_in)
{
    struct ahead *ahead = MOVE(*ahead_in);

    if (ahead == NULL) {
        return;
    }
    pthread_mutex_lock(&ahead->mutex);
    ahead->stopped = true;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
    ENSURE(pthread_join(ahead->thread, NULL) == 0);
    pthread_cond_destroy(&ahead->moved);
    pthread_mutex_destroy(&ahead->mutex);
    for (size_t i = 0; i < BLOCKS; i++) {
        buffer_clear(&ahead->blocks[i].bytes);
    }
    mem_free(ahead);
}

/* Its turn comes again only when all others have had theirs. */
static void drop_if_large(struct block *block)
{
    if (block->bytes.capacity > BLOCK_CAPACITY_MAX) {
        buffer_clear(&block->bytes);
    }
}

static void *run(void *context)
{
    struct ahead *ahead = context;
    struct block *block = NULL;
    enum run_next next = RUN_END;

    do {
        block = wait_for_room(ahead);
        if (block == NULL) {
            return NULL;
        }
        fill(ahead, block);
        next = block->next;
        hand_over(ahead, block);
    } while (next == RUN_ENTRY);
    return NULL;
}

static void fill(struct ahead *ahead, struct block *block)
{
    struct run_entry entry = {0};

    buffer_reset(&block->bytes);
    do {
        block->next = ahead->source(ahead->context, &entry, &block->err);
        if (block->next == RUN_ENTRY) {
            size_t size = entry_size(&entry);

            entry_write(&entry, buffer_reserve(&block->bytes, size));
            block->bytes.length += size;
        }
    } while (block->next == RUN_ENTRY && block->bytes.length < BLOCK_BYTES);
}

/* The block that comes next, once the reader has left it; NULL: nobody reads any more. */
static struct block *wait_for_room(struct ahead *ahead)
{
    struct block *block = NULL;

    pthread_mutex_lock(&ahead->mutex);
    while (!ahead->stopped && !has_room(ahead)) {
        pthread_cond_wait(&ahead->moved, &ahead->mutex);
    }
    if (!ahead->stopped) {
        block = &ahead->blocks[ahead->filled % BLOCKS];
    }
    pthread_mutex_unlock(&ahead->mutex);
    return block;
}

/* Beside the unread blocks there is the one that is being read, and the one to be filled. */
static bool has_room(const struct ahead *ahead)
{
    uint64_t unread = ahead->filled - ahead->taken;

    return unread == 0 || (unread + 2 <= BLOCKS && ahead->unread_bytes < UNREAD_BYTES_MAX);
}

static void hand_over(struct ahead *ahead, const struct block *block)
{
    pthread_mutex_lock(&ahead->mutex);
    ahead->filled++;
    ahead->unread_bytes += block->bytes.length;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
}

static void take_block(struct ahead *ahead)
{
    if (ahead->reading != NULL) {
        drop_if_large(ahead->reading);
    }
    pthread_mutex_lock(&ahead->mutex);
    while (ahead->filled == ahead->taken) {
        pthread_cond_wait(&ahead->moved, &ahead->mutex);
    }
    ahead->reading = &ahead->blocks[ahead->taken++ % BLOCKS];
    ahead->at = 0;
    ahead->unread_bytes -= ahead->reading->bytes.length;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
}

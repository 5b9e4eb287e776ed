/* Memory for things that die together: rows and cells of a file or a batch.
 *
 * Allocating is moving a pointer; nothing is freed one by one. Blocks are kept over a reset, so
 * that a loop over many files allocates once. */
#ifndef WEIR_COMMON_ARENA_H
#define WEIR_COMMON_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first;   /* all blocks, oldest first */
    struct arena_block *current; /* the one being filled */
    size_t block_size;           /* bytes of a normal block */
    size_t used;                 /* bytes handed out since the last reset */
};

/* Starts empty; `block_size` bytes are taken from the heap at a time. */
void arena_init(struct arena *arena, size_t block_size);

/* `size` bytes aligned for any type, valid until arena_reset() or arena_clear(). Never NULL. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));

/* The same without alignment: for keys, cells and rows. */
void *arena_bytes(struct arena *arena, size_t size) __attribute__((returns_nonnull));

/* Forgets all allocations and keeps the normal blocks for reuse; larger ones are freed. */
void arena_reset(struct arena *arena);

/* Frees everything. The arena can be used again. */
void arena_clear(struct arena *arena);

#endif

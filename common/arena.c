/* Memory for things that die together. */
#include "common/arena.h"

#include <stdalign.h>
#include <stdint.h>

#include "common/mem.h"
#include "common/require.h"

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t bytes[];
};

static void *take(struct arena *arena, size_t size, size_t alignment);
static struct arena_block *next_block(struct arena *arena, size_t size);

void arena_init(struct arena *arena, size_t block_size)
{
    REQUIRE(block_size > 0);
    *arena = (struct arena){.block_size = block_size};
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return take(arena, size, alignof(max_align_t));
}

void *arena_bytes(struct arena *arena, size_t size)
{
    return take(arena, size, 1);
}

void arena_reset(struct arena *arena)
{
    struct arena_block **link = &arena->first;

    while (*link != NULL) {
        struct arena_block *block = *link;

        if (block->size > arena->block_size) {
            *link = block->next;
            mem_free(block);
        } else {
            block->used = 0;
            link = &block->next;
        }
    }
    arena->current = arena->first;
    arena->used = 0;
}

void arena_clear(struct arena *arena)
{
    while (arena->first != NULL) {
        struct arena_block *block = arena->first;

        arena->first = block->next;
        mem_free(block);
    }
    arena->current = NULL;
    arena->used = 0;
}

static void *take(struct arena *arena, size_t size, size_t alignment)
{
    struct arena_block *block = arena->current;
    size_t start = 0;

    if (block != NULL) {
        start = (block->used + alignment - 1) & ~(alignment - 1);
    }
    if (block == NULL || start > block->size || size > block->size - start) {
        block = next_block(arena, size);
        start = 0;
    }
    block->used = start + size;
    arena->used += size;
    return block->bytes + start;
}

/* The next kept block if `size` fits, else a new one, put in after the current block. */
static struct arena_block *next_block(struct arena *arena, size_t size)
{
    struct arena_block **link = arena->current != NULL ? &arena->current->next : &arena->first;

    if (*link == NULL || (*link)->used > 0 || size > (*link)->size) {
        size_t block_size = size > arena->block_size ? size : arena->block_size;
        struct arena_block *block = mem_alloc(sizeof *block + block_size);

        *block = (struct arena_block){.next = *link, .size = block_size};
        *link = block;
    }
    arena->current = *link;
    return arena->current;
}

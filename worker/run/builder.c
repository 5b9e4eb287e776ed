/* See run.h: collects entries in an arena and sorts an index of them.
 *
 * Sorting moves 16 bytes an entry: 8 bytes of its key and where it is. A radix sort on those 8
 * bytes costs a tenth of qsort with a comparison. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/require.h"
#include "worker/run/entry.h"
#include "worker/run/run.h"

enum {
    PREFIX_BYTES = ENTRY_PREFIX_BYTES,
    RADIX = 256,

    /* Fewer entries than that are compared at once: a pass counts all values of a byte. Keys that
     * agree in DEPTH_MAX bytes are compared, too, which bounds the recursion. */
    RADIX_MIN = 512,
    DEPTH_MAX = 64,

    ARENA_MIN = 16 * 1024,
    SLOTS_MIN = 1024,

    /* Sorted entries lie all over the arena: they are brought into the cache before their turn. */
    PREFETCH_AHEAD = 12,
};

struct slot {
    uint64_t prefix; /* 8 bytes of the key, at first its first, as a number that sorts as they do */
    size_t offset;   /* of the entry in the arena, which moves while it grows */
};

/* Of slots, `end` not included. */
struct range {
    size_t first;
    size_t end;
};

struct run_builder {
    size_t budget_bytes;
    uint8_t *arena;
    size_t arena_length;
    size_t arena_capacity;
    struct slot *slots; /* one an entry: in the order in which they came, then sorted */
    struct slot *spare; /* the other half of each radix pass */
    size_t count;
    size_t slots_capacity;
    size_t spare_capacity;
    bool ascending; /* the keys came in order so far: nothing to sort */
    bool sorted;    /* nothing may be added any more: prefixes have changed */
};

static size_t memory_needed(const struct run_builder *builder, size_t entry_size);
static void reserve(struct run_builder *builder, size_t entry_size);
static struct run_entry entry_of(const struct run_builder *builder, const struct slot *slot);
static bool in_order(const struct run_builder *builder, const struct slot *last,
                     const struct slot *next);
static uint64_t prefix_of_slot(const struct run_builder *builder, const struct slot *slot,
                               size_t depth);
static int compare_slots(const void *a, const void *b, void *builder);
static void sort_slots(struct run_builder *builder, struct range range, size_t depth);
static void sort_by_prefix(struct run_builder *builder, struct range range);
static unsigned digit(const struct slot *slot, unsigned byte);

struct run_builder *run_builder_new(size_t budget_bytes)
{
    struct run_builder *builder = mem_zero(sizeof *builder);

    builder->budget_bytes = budget_bytes;
    builder->ascending = true;
    return builder;
}

bool run_builder_add(struct run_builder *builder, const struct run_entry *entry)
{
    size_t size = entry_size(entry);
    struct slot *slot = NULL;

    REQUIRE(!builder->sorted);
    if (builder->count > 0 && memory_needed(builder, size) > builder->budget_bytes) {
        return false;
    }
    reserve(builder, size);
    entry_write(entry, builder->arena + builder->arena_length);
    slot = &builder->slots[builder->count];
    *slot = (struct slot){entry_prefix(entry), builder->arena_length};
    builder->ascending =
        builder->ascending && (builder->count == 0 || in_order(builder, slot - 1, slot));
    builder->count++;
    builder->arena_length += size;
    return true;
}

size_t run_builder_entries(const struct run_builder *builder)
{
    return builder->count;
}

size_t run_builder_bytes(const struct run_builder *builder)
{
    return builder->arena_length;
}

void run_builder_sort(struct run_builder *builder)
{
    if (builder->sorted || builder->ascending) {
        return;
    }
    builder->sorted = true;
    if (builder->spare_capacity < builder->count) {
        builder->spare =
            mem_resize_pages(builder->spare, builder->spare_capacity * sizeof *builder->spare,
                             builder->slots_capacity * sizeof *builder->spare);
        builder->spare_capacity = builder->slots_capacity;
    }
    sort_slots(builder, (struct range){0, builder->count}, 0);
}

struct run_entry run_builder_entry(const struct run_builder *builder, size_t index)
{
    REQUIRE(index < builder->count);
    if (index + PREFETCH_AHEAD < builder->count) {
        entry_prefetch(builder->arena + builder->slots[index + PREFETCH_AHEAD].offset,
                       builder->arena + builder->arena_length);
    }
    return entry_of(builder, &builder->slots[index]);
}

void run_builder_reset(struct run_builder *builder)
{
    /* One entry of 100 MB must not hold its memory for the life of the worker. */
    if (builder->arena_capacity > builder->budget_bytes) {
        builder->arena = mem_resize_pages(builder->arena, builder->arena_capacity, 0);
        builder->arena_capacity = 0;
    }
    builder->arena_length = 0;
    builder->count = 0;
    builder->ascending = true;
    builder->sorted = false;
}

void run_builder_free(struct run_builder **builder)
{
    struct run_builder *freed = *builder;

    *builder = NULL;
    if (freed == NULL) {
        return;
    }
    (void)mem_resize_pages(freed->arena, freed->arena_capacity, 0);
    (void)mem_resize_pages(freed->slots, freed->slots_capacity * sizeof *freed->slots, 0);
    (void)mem_resize_pages(freed->spare, freed->spare_capacity * sizeof *freed->spare, 0);
    mem_free(freed);
}

/* The arena with one more entry, and what the index takes while it is sorted. */
static size_t memory_needed(const struct run_builder *builder, size_t entry_size)
{
    size_t index_bytes = sizeof *builder->slots + sizeof *builder->spare;

    return builder->arena_length + entry_size + (builder->count + 1) * index_bytes;
}

/* Grows by half, the arena up to the budget where that is enough. */
static void reserve(struct run_builder *builder, size_t entry_size)
{
    size_t needed = builder->arena_length + entry_size;

    if (needed > builder->arena_capacity) {
        size_t wanted = builder->arena_capacity + builder->arena_capacity / 2 + ARENA_MIN;

        wanted = wanted > builder->budget_bytes ? builder->budget_bytes : wanted;
        wanted = wanted > needed ? wanted : needed;
        builder->arena = mem_resize_pages(builder->arena, builder->arena_capacity, wanted);
        builder->arena_capacity = wanted;
    }
    if (builder->count == builder->slots_capacity) {
        size_t wanted = builder->slots_capacity + builder->slots_capacity / 2 + SLOTS_MIN;

        builder->slots =
            mem_resize_pages(builder->slots, builder->slots_capacity * sizeof *builder->slots,
                             wanted * sizeof *builder->slots);
        builder->slots_capacity = wanted;
    }
}

static struct run_entry entry_of(const struct run_builder *builder, const struct slot *slot)
{
    return entry_read(builder->arena + slot->offset);
}

static bool in_order(const struct run_builder *builder, const struct slot *last,
                     const struct slot *next)
{
    struct run_entry last_entry;
    struct run_entry next_entry;

    if (last->prefix != next->prefix) {
        return last->prefix < next->prefix;
    }
    last_entry = entry_of(builder, last);
    next_entry = entry_of(builder, next);
    return entry_compare_keys(&last_entry, &next_entry) <= 0;
}

static uint64_t prefix_of_slot(const struct run_builder *builder, const struct slot *slot,
                               size_t depth)
{
    struct run_entry entry = entry_of(builder, slot);

    if (depth >= entry.key_length) {
        return 0;
    }
    entry.key += depth;
    entry.key_length -= depth;
    return entry_prefix(&entry);
}

/* Entries came in the order of their offsets, and equal keys keep that order. */
static int compare_slots(const void *a, const void *b, void *builder)
{
    const struct slot *left = a;
    const struct slot *right = b;
    struct run_entry left_entry = entry_of(builder, left);
    struct run_entry right_entry = entry_of(builder, right);
    int order = entry_compare_keys(&left_entry, &right_entry);

    return order != 0 ? order : (left->offset > right->offset) - (left->offset < right->offset);
}

/* Sorts slots that agree in their keys' first `depth` bytes and hold the 8 bytes behind those. Many
 * that agree in these, too, are sorted by the next 8; few are compared. */
static void sort_slots(struct run_builder *builder, struct range range, size_t depth)
{
    struct slot *slots = builder->slots;
    struct range same = {range.first, range.first};

    sort_by_prefix(builder, range);
    while (same.end < range.end) {
        same.first = same.end;
        while (same.end < range.end && slots[same.end].prefix == slots[same.first].prefix) {
            same.end++;
        }
        if (same.end - same.first >= RADIX_MIN && depth + PREFIX_BYTES < DEPTH_MAX) {
            for (size_t i = same.first; i < same.end; i++) {
                slots[i].prefix = prefix_of_slot(builder, &slots[i], depth + PREFIX_BYTES);
            }
            sort_slots(builder, same, depth + PREFIX_BYTES);
        } else if (same.end - same.first > 1) {
            qsort_r(slots + same.first, same.end - same.first, sizeof *slots, compare_slots,
                    builder);
        }
    }
}

/* From the last byte to the first; each pass keeps the order of the one before. Bytes that are the
 * same in all keys cost no pass. */
static void sort_by_prefix(struct run_builder *builder, struct range range)
{
    size_t count = range.end - range.first;
    struct slot *from = builder->slots + range.first;
    struct slot *to = builder->spare + range.first;
    uint32_t counts[PREFIX_BYTES][RADIX] = {{0}};

    for (size_t i = 0; i < count; i++) {
        for (unsigned byte = 0; byte < PREFIX_BYTES; byte++) {
            counts[byte][digit(&from[i], byte)]++;
        }
    }
    for (unsigned byte = 0; byte < PREFIX_BYTES; byte++) {
        size_t starts[RADIX];
        size_t start = 0;
        struct slot *sorted = to;

        if (counts[byte][digit(&from[0], byte)] == count) {
            continue;
        }
        for (unsigned value = 0; value < RADIX; value++) {
            starts[value] = start;
            start += counts[byte][value];
        }
        for (size_t i = 0; i < count; i++) {
            to[starts[digit(&from[i], byte)]++] = from[i];
        }
        to = from;
        from = sorted;
    }
    if (from != builder->slots + range.first) {
        memcpy(to, from, count * sizeof *to);
    }
}

static unsigned digit(const struct slot *slot, unsigned byte)
{
    return slot->prefix >> (8 * byte) & (RADIX - 1);
}

/* See run.h: collects entries in an arena and sorts an index of them.
 *
 * Sorting moves 16 bytes an entry: the key's first 8 bytes and where the entry is. A radix sort on
 * those 8 bytes costs a tenth of qsort with a comparison; entries that agree in them are few as a
 * rule, and are compared. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/require.h"
#include "worker/run/run.h"
#include "worker/value/number.h"

enum {
    PREFIX_BYTES = 8,
    RADIX = 256,

    /* An entry in the arena: key length (2 bytes), change length (4 bytes), key, change. */
    ENTRY_HEADER_BYTES = 6,
    SLOTS_MIN = 1024,
};

struct slot {
    uint64_t prefix; /* first bytes of the key, as a number that sorts as they do */
    const uint8_t *entry;
};

struct run_builder {
    size_t budget_bytes;
    uint8_t *arena;
    size_t arena_length;
    size_t arena_capacity;
    uint64_t *offsets; /* of entries in the arena, in the order in which they came */
    struct slot *slots;
    struct slot *spare; /* the other half of each radix pass */
    size_t count;
    size_t capacity; /* of offsets; of slots and spare after sorting */
    size_t slots_capacity;
    bool ascending; /* the keys came in order so far: nothing to sort */
};

static size_t memory_needed(const struct run_builder *builder, size_t entry_size);
static void reserve(struct run_builder *builder, size_t entry_size);
static struct run_entry read_entry(const uint8_t *bytes);
static uint64_t prefix_of(const uint8_t *key, size_t length);
static int compare_keys(const struct run_entry *a, const struct run_entry *b);
static int compare_slots(const void *a, const void *b);
static void sort_by_prefix(struct run_builder *builder);
static void sort_equal_prefixes(struct run_builder *builder);

struct run_builder *run_builder_new(size_t budget_bytes)
{
    struct run_builder *builder = mem_zero(sizeof *builder);

    builder->budget_bytes = budget_bytes;
    builder->ascending = true;
    return builder;
}

bool run_builder_add(struct run_builder *builder, const struct run_entry *entry)
{
    size_t size = ENTRY_HEADER_BYTES + entry->key_length + entry->change_length;
    uint8_t *at = NULL;

    REQUIRE(entry->key_length <= UINT16_MAX);
    REQUIRE(entry->change_length <= UINT32_MAX);
    if (builder->count > 0 && memory_needed(builder, size) > builder->budget_bytes) {
        return false;
    }
    reserve(builder, size);
    if (builder->ascending && builder->count > 0) {
        struct run_entry last = read_entry(builder->arena + builder->offsets[builder->count - 1]);

        builder->ascending = compare_keys(&last, entry) <= 0;
    }
    at = builder->arena + builder->arena_length;
    number_write_le(at, entry->key_length, 2);
    number_write_le(at + 2, entry->change_length, 4);
    memcpy(at + ENTRY_HEADER_BYTES, entry->key, entry->key_length);
    if (entry->change_length > 0) {
        memcpy(at + ENTRY_HEADER_BYTES + entry->key_length, entry->change, entry->change_length);
    }
    builder->offsets[builder->count++] = builder->arena_length;
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
    if (builder->slots_capacity < builder->count) {
        builder->slots_capacity = builder->capacity;
        builder->slots =
            mem_resize_array(builder->slots, builder->slots_capacity, sizeof *builder->slots);
        builder->spare =
            mem_resize_array(builder->spare, builder->slots_capacity, sizeof *builder->spare);
    }
    for (size_t i = 0; i < builder->count; i++) {
        const uint8_t *bytes = builder->arena + builder->offsets[i];
        struct run_entry entry = read_entry(bytes);

        builder->slots[i].prefix = prefix_of(entry.key, entry.key_length);
        builder->slots[i].entry = bytes;
    }
    if (!builder->ascending) {
        sort_by_prefix(builder);
        sort_equal_prefixes(builder);
    }
}

struct run_entry run_builder_entry(const struct run_builder *builder, size_t index)
{
    REQUIRE(index < builder->count);
    return read_entry(builder->slots[index].entry);
}

void run_builder_reset(struct run_builder *builder)
{
    /* One entry of 100 MB must not hold its memory for the life of the worker. */
    if (builder->arena_capacity > builder->budget_bytes) {
        mem_free(builder->arena);
        builder->arena = NULL;
        builder->arena_capacity = 0;
    }
    builder->arena_length = 0;
    builder->count = 0;
    builder->ascending = true;
}

void run_builder_free(struct run_builder **builder)
{
    if (*builder != NULL) {
        mem_free((*builder)->arena);
        mem_free((*builder)->offsets);
        mem_free((*builder)->slots);
        mem_free((*builder)->spare);
        mem_free(*builder);
        *builder = NULL;
    }
}

/* The arena with one more entry, and what the index takes now and while it is sorted. */
static size_t memory_needed(const struct run_builder *builder, size_t entry_size)
{
    size_t index_bytes = sizeof *builder->offsets + 2 * sizeof *builder->slots;

    return builder->arena_length + entry_size + (builder->count + 1) * index_bytes;
}

/* Grows by half, up to the budget where that is enough: resizing moves pages, not bytes. */
static void reserve(struct run_builder *builder, size_t entry_size)
{
    size_t needed = builder->arena_length + entry_size;

    if (needed > builder->arena_capacity) {
        size_t wanted = builder->arena_capacity + builder->arena_capacity / 2;

        wanted = wanted > builder->budget_bytes ? builder->budget_bytes : wanted;
        builder->arena_capacity = wanted > needed ? wanted : needed;
        builder->arena = mem_resize_array(builder->arena, builder->arena_capacity, 1);
    }
    if (builder->count == builder->capacity) {
        builder->capacity =
            builder->capacity == 0 ? SLOTS_MIN : builder->capacity + builder->capacity / 2;
        builder->offsets =
            mem_resize_array(builder->offsets, builder->capacity, sizeof *builder->offsets);
    }
}

static struct run_entry read_entry(const uint8_t *bytes)
{
    struct run_entry entry = {
        .key_length = (size_t)number_read_le(bytes, 2),
        .change_length = (size_t)number_read_le(bytes + 2, 4),
    };

    entry.key = bytes + ENTRY_HEADER_BYTES;
    entry.change = entry.key + entry.key_length;
    return entry;
}

static uint64_t prefix_of(const uint8_t *key, size_t length)
{
    uint8_t bytes[PREFIX_BYTES] = {0};

    if (length >= PREFIX_BYTES) {
        return number_read_be(key, PREFIX_BYTES);
    }
    memcpy(bytes, key, length);
    return number_read_be(bytes, PREFIX_BYTES);
}

static int compare_keys(const struct run_entry *a, const struct run_entry *b)
{
    size_t common = a->key_length < b->key_length ? a->key_length : b->key_length;
    int order = memcmp(a->key, b->key, common);

    return order != 0 ? order : (a->key_length > b->key_length) - (a->key_length < b->key_length);
}

/* Entries came in the order of their addresses, and equal keys keep that order. */
static int compare_slots(const void *a, const void *b)
{
    const struct slot *left = a;
    const struct slot *right = b;
    struct run_entry left_entry = read_entry(left->entry);
    struct run_entry right_entry = read_entry(right->entry);
    int order = compare_keys(&left_entry, &right_entry);

    return order != 0 ? order : (left->entry > right->entry) - (left->entry < right->entry);
}

/* From the last byte to the first; each pass keeps the order of the one before. Bytes that are the
 * same in all keys cost no pass. */
static void sort_by_prefix(struct run_builder *builder)
{
    size_t counts[PREFIX_BYTES][RADIX] = {{0}};

    for (size_t i = 0; i < builder->count; i++) {
        for (unsigned byte = 0; byte < PREFIX_BYTES; byte++) {
            counts[byte][builder->slots[i].prefix >> (8 * byte) & (RADIX - 1)]++;
        }
    }
    for (unsigned byte = 0; byte < PREFIX_BYTES; byte++) {
        size_t starts[RADIX];
        size_t start = 0;
        struct slot *sorted = builder->spare;

        if (counts[byte][builder->slots[0].prefix >> (8 * byte) & (RADIX - 1)] == builder->count) {
            continue;
        }
        for (unsigned value = 0; value < RADIX; value++) {
            starts[value] = start;
            start += counts[byte][value];
        }
        for (size_t i = 0; i < builder->count; i++) {
            uint64_t value = builder->slots[i].prefix >> (8 * byte) & (RADIX - 1);

            sorted[starts[value]++] = builder->slots[i];
        }
        builder->spare = builder->slots;
        builder->slots = sorted;
    }
}

static void sort_equal_prefixes(struct run_builder *builder)
{
    size_t first = 0;

    for (size_t i = 1; i <= builder->count; i++) {
        if (i < builder->count && builder->slots[i].prefix == builder->slots[first].prefix) {
            continue;
        }
        if (i - first > 1) {
            qsort(builder->slots + first, i - first, sizeof *builder->slots, compare_slots);
        }
        first = i;
    }
}

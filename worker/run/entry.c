/* See entry.h. */
#include "worker/run/entry.h"

#include <string.h>

#include "common/require.h"
#include "worker/value/number.h"

#define ROW_BIT ((uint32_t)1 << 31)

enum {
    PREFETCH_BYTES = 192,
    CACHE_LINE_BYTES = 64,
};

size_t entry_size(const struct run_entry *entry)
{
    return ENTRY_HEADER_BYTES + entry->key_length + entry->change_length;
}

void entry_write_header(const struct run_entry *entry, uint8_t header[ENTRY_HEADER_BYTES])
{
    REQUIRE(entry->key_length <= UINT16_MAX);
    REQUIRE(entry->change_length < ROW_BIT);
    number_write_le(header, entry->key_length, 2);
    number_write_le(header + 2, entry->change_length | (entry->is_row ? ROW_BIT : 0), 4);
}

void entry_write(const struct run_entry *entry, uint8_t *at)
{
    entry_write_header(entry, at);
    memcpy(at + ENTRY_HEADER_BYTES, entry->key, entry->key_length);
    if (entry->change_length > 0) {
        memcpy(at + ENTRY_HEADER_BYTES + entry->key_length, entry->change, entry->change_length);
    }
}

struct run_entry entry_read(const uint8_t *at)
{
    uint32_t change = (uint32_t)number_read_le(at + 2, 4);
    struct run_entry entry = {
        .key = at + ENTRY_HEADER_BYTES,
        .key_length = (size_t)number_read_le(at, 2),
        .change_length = change & ~ROW_BIT,
        .is_row = (change & ROW_BIT) != 0,
    };

    entry.change = entry.key + entry.key_length;
    return entry;
}

void entry_prefetch(const uint8_t *at, const uint8_t *end)
{
    size_t left = (size_t)(end - at);

    for (size_t i = 0; i < left && i < PREFETCH_BYTES; i += CACHE_LINE_BYTES) {
        __builtin_prefetch(at + i);
    }
}

uint64_t entry_prefix(const struct run_entry *entry)
{
    uint8_t bytes[ENTRY_PREFIX_BYTES] = {0};

    if (entry->key_length >= ENTRY_PREFIX_BYTES) {
        return number_read_be(entry->key, ENTRY_PREFIX_BYTES);
    }
    memcpy(bytes, entry->key, entry->key_length);
    return number_read_be(bytes, ENTRY_PREFIX_BYTES);
}

int entry_compare_keys(const struct run_entry *a, const struct run_entry *b)
{
    size_t common = a->key_length < b->key_length ? a->key_length : b->key_length;
    int order = memcmp(a->key, b->key, common);

    return order != 0 ? order : (a->key_length > b->key_length) - (a->key_length < b->key_length);
}

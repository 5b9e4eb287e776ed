/* An entry as bytes, in a builder's arena, in a run file and in a block: header, key, change.
 *
 *   header = key length (2 bytes) change length and, as its highest bit, is_row (4 bytes),
 *            little endian
 *
 * For the files of this folder. */
#ifndef WEIR_WORKER_RUN_ENTRY_H
#define WEIR_WORKER_RUN_ENTRY_H

#include "worker/run/run.h"

enum {
    ENTRY_HEADER_BYTES = 6,
    ENTRY_PREFIX_BYTES = 8,
};

/* Bytes of the whole. */
size_t entry_size(const struct run_entry *entry);

void entry_write_header(const struct run_entry *entry, uint8_t header[ENTRY_HEADER_BYTES]);

/* Writes the whole. */
void entry_write(const struct run_entry *entry, uint8_t *at);

/* The entry whose header stands there; key and change are what follows, borrowed. */
struct run_entry entry_read(const uint8_t *at);

/* Brings an entry that is read soon into the cache, as many bytes of it as most have; `end` is
 * where the bytes end among which it stands. */
void entry_prefetch(const uint8_t *at, const uint8_t *end);

/* The first 8 bytes of the key, zeros behind a shorter one, as a number that sorts as they do. */
uint64_t entry_prefix(const struct run_entry *entry);

/* As memcmp() does, a key that is the beginning of another first. */
int entry_compare_keys(const struct run_entry *a, const struct run_entry *b);

#endif

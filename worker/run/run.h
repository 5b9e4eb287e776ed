/* Runs: sorted entries on their way from a file to the table, in memory or on disk.
 *
 * A builder collects (key, change) pairs in an arena, sorts them by key, entries with equal keys in
 * the order in which they were added, and gives them out as a run in memory or writes them as an
 * encrypted run file. A merger reads several runs as one, in key order; between equal keys the
 * earlier run goes first, so that the result equals applying the rows in file order. */
#ifndef WEIR_WORKER_RUN_RUN_H
#define WEIR_WORKER_RUN_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"

struct run_entry {
    const uint8_t *key;
    size_t key_length;
    const uint8_t *change;
    size_t change_length;
    bool is_row; /* the change is the whole row as it is stored: no NULL in it, nothing to keep */
};

/* Collects entries up to a budget. */
struct run_builder;

/* `budget_bytes`: private memory that entries, index and sorting together may take; a single entry
 * may exceed it and then makes a run of its own. */
struct run_builder *run_builder_new(size_t budget_bytes);

/* Adds a copy of an entry. False: it does not fit beside those already there; write or take the run
 * first, reset, and add it again (an empty builder takes any entry). */
MUST_CHECK bool run_builder_add(struct run_builder *builder, const struct run_entry *entry);

size_t run_builder_entries(const struct run_builder *builder);

/* Bytes of keys and changes collected. */
size_t run_builder_bytes(const struct run_builder *builder);

/* Sorts the entries; afterwards run_builder_entry() gives them in order, and none may be added
 * until the next reset. */
void run_builder_sort(struct run_builder *builder);

/* The entry at that place after sorting, borrowed until reset. */
struct run_entry run_builder_entry(const struct run_builder *builder, size_t index);

/* Forgets the entries, keeps the memory. */
void run_builder_reset(struct run_builder *builder);

void run_builder_free(struct run_builder **builder);

/* How run files are encrypted, and where they are. */
struct run_place {
    const char *path;   /* a new file, mode 0600, created exclusively */
    const uint8_t *key; /* 32 bytes; a path is used once under a key */
    uint64_t nonce;     /* differs for each run under one key */
};

struct run_size {
    uint64_t entries;
    uint64_t file_bytes;
    uint64_t reading_bytes; /* of memory, while it is merged with others */
};

/* Writes a sorted builder as a run file. `disk_free_min`: bytes of disk that must stay free; less
 * is ERROR_FULL. On failure the file is removed. */
MUST_CHECK bool run_write(const struct run_builder *builder, const struct run_place *place,
                          uint64_t disk_free_min, struct run_size *size_out, struct error *err);

/* Reads one or many runs as one. */
struct run_merger;

struct run_merger *run_merger_new(void);

/* Adds a sorted builder as a run behind those added before; it must outlive the merger. */
void run_merger_add_memory(struct run_merger *merger, const struct run_builder *builder);

/* Adds a run file behind those added before. A missing, damaged or foreign file is ERROR_STORE. */
MUST_CHECK bool run_merger_add_file(struct run_merger *merger, const struct run_place *place,
                                    struct error *err);

/* Lets what was read of files leave the page cache: after all runs have been added, and before
 * run_merger_run_ahead(). The kernel begins to write then what it has not written yet: only for
 * more bytes than it keeps unwritten. */
void run_merger_drop_cache(struct run_merger *merger);

enum run_next {
    RUN_ENTRY,
    RUN_END,
    RUN_FAILED,
};

/* Lets a thread merge ahead of run_merger_next(), where a second core may be free. All runs have
 * been added. ERROR_UNAVAILABLE: no thread could be made. */
MUST_CHECK bool run_merger_run_ahead(struct run_merger *merger, struct error *err);

/* The next entry in order, borrowed until the next call; not to be called after RUN_FAILED. */
enum run_next run_merger_next(struct run_merger *merger, struct run_entry *entry_out,
                              struct error *err);

void run_merger_free(struct run_merger **merger);

/* Called every RUN_TICK_ENTRIES entries; false with *err set (ERROR_CANCELLED) ends the work. */
struct run_watch {
    bool (*tick)(void *context, struct error *err);
    void *context;
};

enum {
    RUN_TICK_ENTRIES = 1024
};

/* Writes everything that a merger yields as one run file (for more runs than merge at once). */
MUST_CHECK bool run_write_merged(struct run_merger *merger, const struct run_place *place,
                                 uint64_t disk_free_min, const struct run_watch *watch,
                                 struct run_size *size_out, struct error *err);

#endif

/* See runs.h. */
#include "frontend/dispatch/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dirent.h>

#include "common/buffer.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/removal.h"
#include "common/require.h"
#include "common/text.h"

static size_t smallest_neighbours(Weir__Run *const *runs, size_t count, size_t wanted);
static void remove_folder(const char *path);
static int compare_runs(const void *a, const void *b);

void runs_init(struct runs *runs, const char *data_dir, const uint8_t batch_id[16])
{
    OWNED(buffer_clear) struct buffer name = {0};

    text_append_hex(&name, batch_id, 16);
    *runs = (struct runs){0};
    runs->folder = mem_format("%s/runs/%.*s", data_dir, (int)name.length, (char *)name.bytes);
}

void runs_clear(struct runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        /* By name, since the folder may not open where descriptors have run out. */
        (void)removal_unlink(runs->runs[i]->path);
        weir__run__free_unpacked(runs->runs[i], NULL);
    }
    remove_folder(runs->folder);
    mem_free(runs->runs);
    mem_free(runs->folder);
}

void runs_take(struct runs *runs, Weir__Result *result)
{
    runs->runs = mem_resize_array(runs->runs, runs->count + result->n_runs + 1, sizeof *runs->runs);
    for (size_t i = 0; i < result->n_runs; i++) {
        runs->runs[runs->count++] = result->runs[i];
    }
    result->n_runs = 0;
    qsort(runs->runs, runs->count, sizeof *runs->runs, compare_runs);
}

void runs_of_kind(const struct runs *runs, Weir__FileKind kind, Weir__Run ***runs_out,
                  size_t *count_out)
{
    size_t first = 0;
    size_t end = 0;

    while (first < runs->count && runs->runs[first]->kind < kind) {
        first++;
    }
    for (end = first; end < runs->count && runs->runs[end]->kind == kind; end++) {
    }
    *runs_out = runs->runs + first;
    *count_out = end - first;
}

bool runs_surplus(const struct runs *runs, Weir__Run ***merged_out, size_t *count_out)
{
    for (int kind = WEIR__FILE_KIND__FILE_EARLIEST_START; kind <= WEIR__FILE_KIND__FILE_DELETE;
         kind++) {
        Weir__Run **of_kind = NULL;
        size_t count = 0;
        size_t surplus = 0;

        runs_of_kind(runs, (Weir__FileKind)kind, &of_kind, &count);
        if (count <= LIMIT_RUNS_MERGED) {
            continue;
        }
        /* No more than needed: what becomes one run here is read and written once more. */
        surplus = count - LIMIT_RUNS_MERGED + 1;
        *count_out = surplus < LIMIT_RUNS_MERGED ? surplus : LIMIT_RUNS_MERGED;
        *merged_out = of_kind + smallest_neighbours(of_kind, count, *count_out);
        return true;
    }
    return false;
}

/* Where those `wanted` runs begin that follow each other and have the fewest bytes: those that were
 * merged already are large. */
static size_t smallest_neighbours(Weir__Run *const *runs, size_t count, size_t wanted)
{
    size_t best = 0;
    uint64_t size = 0;
    uint64_t best_size = 0;

    for (size_t i = 0; i < wanted; i++) {
        size += runs[i]->size_bytes;
    }
    best_size = size;
    for (size_t i = wanted; i < count; i++) {
        size = size + runs[i]->size_bytes - runs[i - wanted]->size_bytes;
        if (size < best_size) {
            best_size = size;
            best = i + 1 - wanted;
        }
    }
    return best;
}

void runs_replace(struct runs *runs, Weir__Run **merged, size_t count, Weir__Result *result)
{
    size_t first = (size_t)(merged - runs->runs);

    REQUIRE(result->n_runs == 1);
    for (size_t i = 0; i < count; i++) {
        (void)removal_unlink(merged[i]->path);
        weir__run__free_unpacked(merged[i], NULL);
    }
    runs->runs[first] = result->runs[0];
    result->n_runs = 0;
    memmove(runs->runs + first + 1, runs->runs + first + count,
            (runs->count - first - count) * sizeof *runs->runs);
    runs->count -= count - 1;
}

/* The names of files are those that jobs without an answer have left. What cannot be removed now is
 * swept at the next start. */
static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry = NULL;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    if (rmdir(path) != 0 && errno != ENOENT) {
        log_message(LOG_WARNING, "could not remove \"%s\", the next start will: %s",
                    text_path(path).text, strerror(errno));
    }
}

static int compare_runs(const void *a, const void *b)
{
    const Weir__Run *left = *(Weir__Run *const *)a;
    const Weir__Run *right = *(Weir__Run *const *)b;

    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    if (left->first_ordinal != right->first_ordinal) {
        return left->first_ordinal < right->first_ordinal ? -1 : 1;
    }
    return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

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
#include "common/merging.h"
#include "common/removal.h"
#include "common/require.h"
#include "common/text.h"

/* Runs of one kind that follow each other. */
struct span {
    size_t first;
    size_t count;
    uint64_t file_bytes;
    uint64_t reading_bytes;
    uint64_t reading_bytes_max; /* of one of them, and of the run that they become */
};

static struct span span_from(Weir__Run *const *runs, size_t first, const struct span *all);
static void span_add(struct span *span, const Weir__Run *run);
static bool leaves_few(const struct span *span, const struct span *all);
static bool is_better(const struct span *span, const struct span *other, const struct span *all);
static uint64_t gain_of(const struct span *span, const struct span *all);
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
        struct span all = {0};
        struct span best = {0};

        runs_of_kind(runs, (Weir__FileKind)kind, &of_kind, &count);
        for (size_t i = 0; i < count; i++) {
            span_add(&all, of_kind[i]);
        }
        if (merging_fits(count, all.reading_bytes)) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            struct span span = span_from(of_kind, i, &all);

            /* One run alone would become itself, for ever. */
            if (span.count > 1 && (best.count == 0 || is_better(&span, &best, &all))) {
                best = span;
            }
        }
        *merged_out = of_kind + best.first;
        *count_out = best.count;
        return true;
    }
    return false;
}

/* The runs to merge that begin with that one: no more than are merged at once, and no more than
 * needed, since what becomes one run here is read and written once more. */
static struct span span_from(Weir__Run *const *runs, size_t first, const struct span *all)
{
    struct span span = {.first = first};

    while (first + span.count < all->count && !leaves_few(&span, all)) {
        const Weir__Run *next = runs[first + span.count];

        if (!merging_fits(span.count + 1, span.reading_bytes + next->reading_bytes)) {
            break;
        }
        span_add(&span, next);
    }
    return span;
}

static void span_add(struct span *span, const Weir__Run *run)
{
    span->count++;
    span->file_bytes += run->size_bytes;
    span->reading_bytes += run->reading_bytes;
    if (run->reading_bytes > span->reading_bytes_max) {
        span->reading_bytes_max = run->reading_bytes;
    }
}

/* Whether all are merged at once when these have become one. */
static bool leaves_few(const struct span *span, const struct span *all)
{
    return span->count > 0 &&
           merging_fits(all->count - span->count + 1,
                        all->reading_bytes - span->reading_bytes + span->reading_bytes_max);
}

/* Best are those that are enough, and of them the ones with the fewest bytes; else those that leave
 * least of what there is too much of. */
static bool is_better(const struct span *span, const struct span *other, const struct span *all)
{
    bool enough = leaves_few(span, all);
    uint64_t gain = gain_of(span, all);
    uint64_t other_gain = gain_of(other, all);

    if (enough != leaves_few(other, all)) {
        return enough;
    }
    return enough || gain == other_gain ? span->file_bytes < other->file_bytes : gain > other_gain;
}

/* Runs, or bytes of memory where there are not too many runs. */
static uint64_t gain_of(const struct span *span, const struct span *all)
{
    return all->count > LIMIT_RUNS_MERGED ? span->count
                                          : span->reading_bytes - span->reading_bytes_max;
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

/* See collector.h. */
#include "worker/run/collector.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/merging.h"
#include "common/require.h"
#include "common/text.h"

struct stored_run {
    char *path; /* its name is its nonce, too */
    struct run_size size;
};

struct run_collector {
    struct run_builder *builder;
    char *folder;
    uint64_t disk_free_min;
    const struct run_watch *watch;
    uint8_t key[LIMIT_AES_KEY_BYTES];
    struct stored_run *runs;
    size_t runs_count;
    uint64_t next_run;
};

static bool write_run(struct run_collector *collector, struct error *err);
static char *make_path(struct run_collector *collector);
static bool has_few_runs(const struct run_collector *collector);
static bool merge_runs(struct run_collector *collector, size_t first, struct error *err);
static size_t count_surplus(const struct run_collector *collector);
static size_t count_mergeable(const struct run_collector *collector, size_t first);
static bool open_runs(const struct run_collector *collector, size_t first, size_t count,
                      struct run_merger *merger, struct error *err);
static void remove_run(struct stored_run *run);
static struct run_place place_of(const struct run_collector *collector, const char *path);

struct run_collector *run_collector_new(struct run_builder *builder, const char *folder,
                                        uint64_t disk_free_min, const struct run_watch *watch)
{
    struct run_collector *collector = mem_zero(sizeof *collector);

    collector->builder = builder;
    collector->folder = mem_text(folder);
    collector->disk_free_min = disk_free_min;
    collector->watch = watch;
    REQUIRE(getrandom(collector->key, sizeof collector->key, 0) == sizeof collector->key);
    run_builder_reset(builder);
    return collector;
}

bool run_collector_add(struct run_collector *collector, const struct run_entry *entry,
                       struct error *err)
{
    if (run_builder_add(collector->builder, entry)) {
        return true;
    }
    if (!write_run(collector, err)) {
        return false;
    }
    REQUIRE(run_builder_add(collector->builder, entry));
    return true;
}

bool run_collector_finish(struct run_collector *collector, struct run_merger **merger_out,
                          struct error *err)
{
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();

    while (!has_few_runs(collector)) {
        for (size_t i = 0; i < collector->runs_count && !has_few_runs(collector); i++) {
            if (!merge_runs(collector, i, err)) {
                return false;
            }
        }
    }
    if (!open_runs(collector, 0, collector->runs_count, merger, err)) {
        return false;
    }
    run_builder_sort(collector->builder);
    run_merger_add_memory(merger, collector->builder);
    *merger_out = MOVE(merger);
    return true;
}

void run_collector_free(struct run_collector **collector)
{
    if (*collector != NULL) {
        for (size_t i = 0; i < (*collector)->runs_count; i++) {
            remove_run(&(*collector)->runs[i]);
        }
        (void)rmdir((*collector)->folder);
        run_builder_reset((*collector)->builder);
        mem_wipe((*collector)->key, sizeof(*collector)->key);
        mem_free((*collector)->runs);
        mem_free((*collector)->folder);
        mem_free(*collector);
        *collector = NULL;
    }
}

static bool write_run(struct run_collector *collector, struct error *err)
{
    struct run_place place;
    struct stored_run *run = NULL;

    if (mkdir(collector->folder, 0700) != 0 && errno != EEXIST) {
        return error_set_errno(err, error_kind_of_write(errno), "could not make folder \"%s\"",
                               text_path(collector->folder).text);
    }
    collector->runs =
        mem_resize_array(collector->runs, collector->runs_count + 1, sizeof *collector->runs);
    run = &collector->runs[collector->runs_count++];
    *run = (struct stored_run){.path = make_path(collector)};
    place = place_of(collector, run->path);
    run_builder_sort(collector->builder);
    if (!run_write(collector->builder, &place, collector->disk_free_min, &run->size, err)) {
        return false;
    }
    run_builder_reset(collector->builder);
    return true;
}

static char *make_path(struct run_collector *collector)
{
    char *path =
        mem_format("%s/%llu", collector->folder, (unsigned long long)collector->next_run++);

    /* A try of the same job whose worker died left its runs under the same names. */
    (void)unlink(path);
    return path;
}

/* So few that they can be merged with what is in the builder. */
static bool has_few_runs(const struct run_collector *collector)
{
    return count_mergeable(collector, 0) == collector->runs_count && count_surplus(collector) == 0;
}

/* Puts one run in the place of that one and those behind it, as many as are merged at once: the
 * runs stay in the order in which their entries came. */
static bool merge_runs(struct run_collector *collector, size_t first, struct error *err)
{
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    struct stored_run *runs = collector->runs + first;
    size_t mergeable = count_mergeable(collector, first);
    size_t surplus = count_surplus(collector);
    size_t count = surplus > 0 && surplus < mergeable ? surplus : mergeable;
    struct stored_run merged = {0};
    struct run_place place;

    if (count < 2) {
        return true;
    }
    if (!open_runs(collector, first, count, merger, err)) {
        return false;
    }
    merged.path = make_path(collector);
    place = place_of(collector, merged.path);
    if (!run_write_merged(merger, &place, collector->disk_free_min, collector->watch, &merged.size,
                          err)) {
        mem_free(merged.path);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        remove_run(&runs[i]);
    }
    runs[0] = merged;
    memmove(runs + 1, runs + count, (collector->runs_count - first - count) * sizeof *runs);
    collector->runs_count -= count - 1;
    return true;
}

/* How many runs must become one so that LIMIT_RUNS_MERGED are left with the builder; 0: there are
 * no more. */
static size_t count_surplus(const struct run_collector *collector)
{
    return collector->runs_count < LIMIT_RUNS_MERGED
               ? 0
               : collector->runs_count - LIMIT_RUNS_MERGED + 2;
}

/* How many runs from that one on are merged at once. */
static size_t count_mergeable(const struct run_collector *collector, size_t first)
{
    uint64_t reading_bytes = 0;
    size_t count = 0;

    while (first + count < collector->runs_count) {
        reading_bytes += collector->runs[first + count].size.reading_bytes;
        if (!merging_fits(count + 1, reading_bytes)) {
            break;
        }
        count++;
    }
    return count;
}

static bool open_runs(const struct run_collector *collector, size_t first, size_t count,
                      struct run_merger *merger, struct error *err)
{
    for (size_t i = first; i < first + count; i++) {
        struct run_place place = place_of(collector, collector->runs[i].path);

        if (!run_merger_add_file(merger, &place, err)) {
            return false;
        }
    }
    return true;
}

static void remove_run(struct stored_run *run)
{
    (void)unlink(run->path);
    mem_free(run->path);
}

/* The number that names a run is used once under the collector's key: it is the nonce, too. */
static struct run_place place_of(const struct run_collector *collector, const char *path)
{
    uint64_t nonce = 0;
    const char *number = path + strlen(collector->folder) + 1;

    REQUIRE(text_parse_u64(number, &nonce));
    return (struct run_place){.path = path, .key = collector->key, .nonce = nonce};
}

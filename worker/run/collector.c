/* See collector.h. */
#include "worker/run/collector.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"

struct run_collector {
    struct run_builder *builder;
    char *folder;
    uint64_t disk_free_min;
    const struct run_watch *watch;
    uint8_t key[LIMIT_AES_KEY_BYTES];
    char **paths; /* of the runs; a run's place is its nonce, too */
    size_t paths_count;
    uint64_t next_run;
};

static bool write_run(struct run_collector *collector, struct error *err);
static char *add_path(struct run_collector *collector);
static bool merge_first_runs(struct run_collector *collector, struct error *err);
static bool open_runs(const struct run_collector *collector, size_t count,
                      struct run_merger *merger, struct error *err);
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

    while (collector->paths_count >= LIMIT_RUNS_MERGED) {
        if (!merge_first_runs(collector, err)) {
            return false;
        }
    }
    if (!open_runs(collector, collector->paths_count, merger, err)) {
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
        for (size_t i = 0; i < (*collector)->paths_count; i++) {
            (void)unlink((*collector)->paths[i]);
            mem_free((*collector)->paths[i]);
        }
        (void)rmdir((*collector)->folder);
        run_builder_reset((*collector)->builder);
        mem_wipe((*collector)->key, sizeof(*collector)->key);
        mem_free((*collector)->paths);
        mem_free((*collector)->folder);
        mem_free(*collector);
        *collector = NULL;
    }
}

static bool write_run(struct run_collector *collector, struct error *err)
{
    struct run_place place;
    uint64_t size = 0;

    if (mkdir(collector->folder, 0700) != 0 && errno != EEXIST) {
        return error_set_errno(err, error_kind_of_write(errno), "could not make folder \"%s\"",
                               text_path(collector->folder).text);
    }
    place = place_of(collector, add_path(collector));
    run_builder_sort(collector->builder);
    if (!run_write(collector->builder, &place, collector->disk_free_min, &size, err)) {
        return false;
    }
    run_builder_reset(collector->builder);
    return true;
}

static char *add_path(struct run_collector *collector)
{
    char *path =
        mem_format("%s/%llu", collector->folder, (unsigned long long)collector->next_run++);

    collector->paths =
        mem_resize_array(collector->paths, collector->paths_count + 1, sizeof *collector->paths);
    collector->paths[collector->paths_count++] = path;
    /* A try of the same job whose worker died left its runs under the same names. */
    (void)unlink(path);
    return path;
}

/* Puts one run in the place of the first ones, which hold the earliest entries. */
static bool merge_first_runs(struct run_collector *collector, struct error *err)
{
    OWNED(run_merger_free) struct run_merger *merger = run_merger_new();
    size_t count = LIMIT_RUNS_MERGED;
    char *merged = NULL;
    struct run_place place;
    uint64_t entries = 0;
    uint64_t size = 0;

    if (!open_runs(collector, count, merger, err)) {
        return false;
    }
    merged = add_path(collector);
    place = place_of(collector, merged);
    if (!run_write_merged(merger, &place, collector->disk_free_min, collector->watch, &entries,
                          &size, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        (void)unlink(collector->paths[i]);
        mem_free(collector->paths[i]);
    }
    collector->paths[0] = merged;
    collector->paths_count--;
    for (size_t i = count; i < collector->paths_count; i++) {
        collector->paths[i - count + 1] = collector->paths[i];
    }
    collector->paths_count -= count - 1;
    return true;
}

static bool open_runs(const struct run_collector *collector, size_t count,
                      struct run_merger *merger, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct run_place place = place_of(collector, collector->paths[i]);

        if (!run_merger_add_file(merger, &place, err)) {
            return false;
        }
    }
    return true;
}

/* The number that names a run is used once under the collector's key: it is the nonce, too. */
static struct run_place place_of(const struct run_collector *collector, const char *path)
{
    uint64_t nonce = 0;
    const char *number = path + strlen(collector->folder) + 1;

    REQUIRE(text_parse_u64(number, &nonce));
    return (struct run_place){.path = path, .key = collector->key, .nonce = nonce};
}

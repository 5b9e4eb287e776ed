/* See run.h: reads several sorted runs as one, through a heap of their next entries. */
#include <string.h>

#include "common/mem.h"
#include "common/require.h"
#include "worker/run/ahead.h"
#include "worker/run/entry.h"
#include "worker/run/run.h"
#include "worker/run/run_file.h"

struct input {
    const struct run_builder *memory; /* borrowed; NULL: a file */
    size_t memory_at;
    struct run_reader *file;
    struct run_entry entry; /* the next one */
    uint64_t prefix;        /* its key's first 8 bytes, which nearly always decide */
    size_t order;           /* of the runs: between equal keys the earlier run goes first */
};

struct run_merger {
    struct input *inputs;
    size_t inputs_count;
    struct input **heap; /* the least entry is at 0 */
    size_t heap_count;
    struct ahead *ahead; /* the thread that merges; NULL: the caller's does */
    bool started;        /* the entry at the top, if there is one, was given out */
};

static ahead_source merge_next;
static struct input *add_input(struct run_merger *merger);
static bool start(struct run_merger *merger, struct error *err);
static bool leave_top(struct run_merger *merger, struct error *err);
static enum run_next advance(struct input *input, struct error *err);
static bool goes_before(const struct input *a, const struct input *b);
static void sift_down(struct run_merger *merger, size_t index);

struct run_merger *run_merger_new(void)
{
    return mem_zero(sizeof(struct run_merger));
}

void run_merger_add_memory(struct run_merger *merger, const struct run_builder *builder)
{
    add_input(merger)->memory = builder;
}

bool run_merger_add_file(struct run_merger *merger, const struct run_place *place,
                         struct error *err)
{
    struct run_reader *reader = NULL;

    if (!run_reader_open(place, &reader, err)) {
        return false;
    }
    add_input(merger)->file = reader;
    return true;
}

void run_merger_drop_cache(struct run_merger *merger)
{
    REQUIRE(merger->ahead == NULL);
    for (size_t i = 0; i < merger->inputs_count; i++) {
        if (merger->inputs[i].file != NULL) {
            run_reader_drop_cache(merger->inputs[i].file);
        }
    }
}

bool run_merger_run_ahead(struct run_merger *merger, struct error *err)
{
    return ahead_start(merge_next, merger, &merger->ahead, err);
}

enum run_next run_merger_next(struct run_merger *merger, struct run_entry *entry_out,
                              struct error *err)
{
    return merger->ahead != NULL ? ahead_next(merger->ahead, entry_out, err)
                                 : merge_next(merger, entry_out, err);
}

void run_merger_free(struct run_merger **merger)
{
    if (*merger != NULL) {
        ahead_stop(&(*merger)->ahead);
        for (size_t i = 0; i < (*merger)->inputs_count; i++) {
            run_reader_close(&(*merger)->inputs[i].file);
        }
        mem_free((*merger)->inputs);
        mem_free((*merger)->heap);
        mem_free(*merger);
        *merger = NULL;
    }
}

/* Nothing of the merger itself is written for an entry: its reader looks at the merger for each,
 * and would wait for the cache line where a thread merges. */
static enum run_next merge_next(void *context, struct run_entry *entry_out, struct error *err)
{
    struct run_merger *merger = context;

    if (!(merger->started ? leave_top(merger, err) : start(merger, err))) {
        return RUN_FAILED;
    }
    if (merger->heap_count == 0) {
        return RUN_END;
    }
    *entry_out = merger->heap[0]->entry;
    return RUN_ENTRY;
}

static struct input *add_input(struct run_merger *merger)
{
    struct input *input = NULL;

    REQUIRE(!merger->started);
    merger->inputs =
        mem_resize_array(merger->inputs, merger->inputs_count + 1, sizeof *merger->inputs);
    input = &merger->inputs[merger->inputs_count];
    *input = (struct input){.order = merger->inputs_count};
    merger->inputs_count++;
    return input;
}

/* Reads each run's first entry and makes a heap of them. */
static bool start(struct run_merger *merger, struct error *err)
{
    merger->started = true;
    merger->heap = mem_zero_array(merger->inputs_count + 1, sizeof(struct input *));
    for (size_t i = 0; i < merger->inputs_count; i++) {
        enum run_next next = advance(&merger->inputs[i], err);

        if (next == RUN_FAILED) {
            return false;
        }
        if (next == RUN_ENTRY) {
            merger->heap[merger->heap_count++] = &merger->inputs[i];
        }
    }
    for (size_t i = merger->heap_count / 2; i > 0; i--) {
        sift_down(merger, i - 1);
    }
    return true;
}

/* The entry at the top was given out: the one that follows it in its run takes its place. */
static bool leave_top(struct run_merger *merger, struct error *err)
{
    enum run_next next = RUN_END;

    if (merger->heap_count == 0) {
        return true;
    }
    next = advance(merger->heap[0], err);
    if (next == RUN_FAILED) {
        return false;
    }
    if (next == RUN_END) {
        merger->heap[0] = merger->heap[--merger->heap_count];
    }
    sift_down(merger, 0);
    return true;
}

static enum run_next advance(struct input *input, struct error *err)
{
    enum run_next next = RUN_ENTRY;

    if (input->memory == NULL) {
        next = run_reader_next(input->file, &input->entry, err);
    } else if (input->memory_at == run_builder_entries(input->memory)) {
        next = RUN_END;
    } else {
        input->entry = run_builder_entry(input->memory, input->memory_at++);
    }
    if (next == RUN_ENTRY) {
        input->prefix = entry_prefix(&input->entry);
    }
    return next;
}

static bool goes_before(const struct input *a, const struct input *b)
{
    int order = 0;

    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix;
    }
    order = entry_compare_keys(&a->entry, &b->entry);
    return order != 0 ? order < 0 : a->order < b->order;
}

static void sift_down(struct run_merger *merger, size_t index)
{
    struct input *moving = NULL;

    if (merger->heap_count == 0) {
        return;
    }
    moving = merger->heap[index];
    for (;;) {
        size_t child = 2 * index + 1;

        if (child + 1 < merger->heap_count &&
            goes_before(merger->heap[child + 1], merger->heap[child])) {
            child++;
        }
        if (child >= merger->heap_count || !goes_before(merger->heap[child], moving)) {
            break;
        }
        merger->heap[index] = merger->heap[child];
        index = child;
    }
    merger->heap[index] = moving;
}

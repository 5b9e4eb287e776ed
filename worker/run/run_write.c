/* See run.h: whole runs to disk, from a builder or from a merger. */
#include "worker/run/run.h"
#include "worker/run/run_file.h"

bool run_write(const struct run_builder *builder, const struct run_place *place,
               uint64_t disk_free_min, struct run_size *size_out, struct error *err)
{
    OWNED(run_writer_close) struct run_writer *writer = NULL;
    size_t entries = run_builder_entries(builder);

    if (!run_writer_open(place, disk_free_min, &writer, err)) {
        return false;
    }
    for (size_t i = 0; i < entries; i++) {
        struct run_entry entry = run_builder_entry(builder, i);

        if (!run_writer_add(writer, &entry, err)) {
            return false;
        }
    }
    return run_writer_finish(writer, size_out, err);
}

bool run_write_merged(struct run_merger *merger, const struct run_place *place,
                      uint64_t disk_free_min, const struct run_watch *watch,
                      struct run_size *size_out, struct error *err)
{
    OWNED(run_writer_close) struct run_writer *writer = NULL;
    struct run_entry entry = {0};
    enum run_next next = RUN_END;
    uint64_t entries = 0;

    if (!run_writer_open(place, disk_free_min, &writer, err)) {
        return false;
    }
    while ((next = run_merger_next(merger, &entry, err)) == RUN_ENTRY) {
        if (!run_writer_add(writer, &entry, err)) {
            return false;
        }
        if (++entries % RUN_TICK_ENTRIES == 0 && !watch->tick(watch->context, err)) {
            return false;
        }
    }
    return next == RUN_END && run_writer_finish(writer, size_out, err);
}

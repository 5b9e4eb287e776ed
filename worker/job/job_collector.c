/* See job_collector.h. */
#include "worker/job/job_collector.h"

#include "common/buffer.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/text.h"

struct run_collector *job_collector(struct job_worker *worker, const uint8_t operation_id[16],
                                    const struct run_watch *watch)
{
    OWNED(buffer_clear) struct buffer name = {0};
    OWNED(mem_release) char *folder = NULL;

    text_append_hex(&name, operation_id, LIMIT_OPERATION_ID_BYTES);
    folder =
        mem_format("%s/runs/%.*s", worker->options->data_dir, (int)name.length, (char *)name.bytes);
    return run_collector_new(worker->builder, folder, worker->options->disk_reserve_bytes, watch);
}

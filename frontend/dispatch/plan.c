/* See plan.h. */
#include "frontend/dispatch/plan.h"

#include <sys/stat.h>

#include "common/limits.h"
#include "common/mem.h"

enum {
    /* How much larger a compressed file becomes, as a rule; a wrong guess costs the decoding of
     * LIMIT_SMALL_BATCH_BYTES. */
    COMPRESSION_GUESS = 6,

    /* A job costs two messages; files share one until it is worth as much as that. */
    SHARED_FILES_MAX = 64,
};

/* On disk. */
#define SHARED_BYTES_MAX (1 * MIB)

static Weir__BatchFile *new_file(const struct batch_request *request, size_t index,
                                 uint32_t ordinal);
static uint64_t size_of(const char *path);
static size_t shared_end(const struct plan *plan, size_t first);
static Weir__Job *new_job(const struct plan *plan, Weir__BatchTerms *terms, size_t first,
                          size_t end);

void plan_init(struct plan *plan, const struct batch_request *request)
{
    uint32_t ordinal = 0;

    *plan = (struct plan){
        .files = mem_zero_array(request->files_count + 1, sizeof(Weir__BatchFile *)),
        .sizes = mem_zero_array(request->files_count + 1, sizeof(uint64_t)),
        .files_count = request->files_count,
        .compressed = request->compression != 0,
    };
    for (size_t i = 0; i < request->files_count; i++) {
        ordinal = i > 0 && request->files[i].kind == request->files[i - 1].kind ? ordinal + 1 : 0;
        plan->files[i] = new_file(request, i, ordinal);
        plan->sizes[i] = size_of(request->files[i].path);
    }
}

void plan_clear(struct plan *plan)
{
    for (size_t i = 0; i < plan->files_count; i++) {
        mem_free(plan->files[i]);
    }
    mem_free(plan->files);
    mem_free(plan->sizes);
}

bool plan_is_small(const struct plan *plan)
{
    uint64_t total = 0;

    for (size_t i = 0; i < plan->files_count; i++) {
        total += plan->sizes[i];
        if (total > LIMIT_SMALL_BATCH_BYTES / (plan->compressed ? COMPRESSION_GUESS : 1)) {
            return false;
        }
    }
    return true;
}

uint64_t plan_bytes(const struct plan *plan)
{
    uint64_t total = 0;

    for (size_t i = 0; i < plan->files_count; i++) {
        total += plan->sizes[i];
    }
    return total;
}

struct plan_jobs *plan_decode_jobs(const struct plan *plan, Weir__BatchTerms *terms)
{
    struct plan_jobs *jobs = mem_zero(sizeof *jobs);
    size_t first = 0;

    jobs->jobs = mem_zero_array(plan->files_count + 1, sizeof(Weir__Job *));
    while (first < plan->files_count) {
        size_t end = shared_end(plan, first);

        jobs->jobs[jobs->count++] = new_job(plan, terms, first, end);
        first = end;
    }
    return jobs;
}

void plan_jobs_free(struct plan_jobs **jobs)
{
    if (*jobs != NULL) {
        for (size_t i = 0; i < (*jobs)->count; i++) {
            mem_free((*jobs)->jobs[i]->decode);
            mem_free((*jobs)->jobs[i]);
        }
        mem_free((*jobs)->jobs);
        mem_free(*jobs);
        *jobs = NULL;
    }
}

/* Names and keys stay the request's: the file is freed without them. */
static Weir__BatchFile *new_file(const struct batch_request *request, size_t index,
                                 uint32_t ordinal)
{
    const struct batch_file *from = &request->files[index];
    Weir__BatchFile *file = mem_alloc(sizeof *file);

    weir__batch_file__init(file);
    file->path = (char *)(uintptr_t)from->path;
    file->kind = from->kind;
    if (from->key != NULL) {
        file->key = (ProtobufCBinaryData){LIMIT_AES_KEY_BYTES, (uint8_t *)(uintptr_t)from->key};
    }
    file->compression = request->compression;
    file->format = request->format;
    file->ordinal = ordinal;
    return file;
}

/* A missing file is the decode job's to report. */
static uint64_t size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
}

static size_t shared_end(const struct plan *plan, size_t first)
{
    uint64_t total = plan->sizes[first];
    size_t end = first + 1;

    while (end < plan->files_count && end - first < SHARED_FILES_MAX &&
           plan->files[end]->kind == plan->files[first]->kind &&
           total + plan->sizes[end] <= SHARED_BYTES_MAX) {
        total += plan->sizes[end];
        end++;
    }
    return end;
}

static Weir__Job *new_job(const struct plan *plan, Weir__BatchTerms *terms, size_t first,
                          size_t end)
{
    Weir__Job *job = mem_alloc(sizeof *job);
    Weir__DecodeJob *decode = mem_alloc(sizeof *decode);

    weir__decode_job__init(decode);
    decode->terms = terms;
    decode->files = plan->files + first;
    decode->n_files = end - first;
    weir__job__init(job);
    job->job_case = WEIR__JOB__JOB_DECODE;
    job->decode = decode;
    return job;
}

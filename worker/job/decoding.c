/* See decoding.h. */
#include "worker/job/decoding.h"

#include "common/mem.h"
#include "common/text.h"

/* Where a file's rows and remarks go. */
struct destination {
    struct job_worker *worker;
    Weir__Result *result;
    bool (*row)(void *context, const struct run_entry *entry, struct error *err);
    void *context;
};

static bool pass_row(void *context, const struct run_entry *entry, struct error *err)
{
    struct destination *destination = context;

    return destination->row(destination->context, entry, err);
}

static bool pass_tick(void *context, struct error *err)
{
    struct destination *destination = context;

    return job_tick(destination->worker, err);
}

static void add_warning(void *context, const char *path, const char *column_name)
{
    struct destination *destination = context;
    Weir__Result *result = destination->result;

    result->warnings =
        mem_resize_array(result->warnings, result->n_warnings + 1, sizeof *result->warnings);
    result->warnings[result->n_warnings++] = mem_format(
        "batch file \"%s\": column \"%s\" has values that are not base64; they were stored as "
        "they are",
        text_path(path).text, text_name(column_name).text);
}

void decoding_terms(const Weir__BatchTerms *terms, const struct table *table, const uint32_t *ids,
                    size_t ids_count, struct binding_terms *binding_out)
{
    *binding_out = (struct binding_terms){
        .table = table,
        .request_column_ids = ids,
        .request_columns_count = ids_count,
        .null_string = terms->null_string,
        .unmodified_string = terms->unmodified_string,
        .history = terms->history,
    };
}

bool decoding_file(struct job_worker *worker, const Weir__BatchFile *file,
                   const struct binding_terms *binding,
                   bool (*row)(void *context, const struct run_entry *entry, struct error *err),
                   void *context, struct decode_totals *totals, Weir__Result *result,
                   struct error *err)
{
    const struct options *options = worker->options;
    struct destination destination = {worker, result, row, context};
    const struct decode_sink sink = {pass_row, add_warning, pass_tick, &destination};
    const struct decode_terms terms = {
        .source = {.path = file->path,
                   .key = file->key.len > 0 ? file->key.data : NULL,
                   .compression = file->compression,
                   .decoded_bytes_max = options->file_bytes_max,
                   .batch_dirs_count = (int)options->batch_dirs_count,
                   .batch_dirs = options->batch_dirs},
        .format = file->format,
        .cell_bytes_max = options->cell_bytes_max,
        .kind = (enum file_kind)file->kind,
        .binding = binding,
    };

    return decode_file(&terms, &sink, totals, err);
}

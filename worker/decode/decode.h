/* Decodes one batch file: source -> format -> binding, row by row, in constant memory.
 *
 * Called by the jobs that decode (worker/job). Nothing may be applied before the whole file was
 * decoded: damage may show at its very end only. */
#ifndef WEIR_WORKER_DECODE_DECODE_H
#define WEIR_WORKER_DECODE_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/file_kind.h"
#include "worker/decode/binding.h"
#include "worker/decode/source.h"
#include "worker/run/run.h"

struct decode_terms {
    struct source_terms source;
    uint32_t format; /* fivetran_sdk.v2.BatchFileFormat */
    uint64_t cell_bytes_max;
    enum file_kind kind;
    const struct binding_terms *binding;
};

/* Where rows go. Both functions return false with *err set to stop. */
struct decode_sink {
    /* A row as key and change, borrowed for the call. */
    bool (*row)(void *context, const struct run_entry *entry, struct error *err);

    /* A column whose cells were stored as their own bytes because they are no base64. */
    void (*not_base64)(void *context, const char *path, const char *column_name);

    /* Called every few hundred rows or so: counts progress, notices cancellation. */
    bool (*tick)(void *context, struct error *err);

    void *context;
};

struct decode_totals {
    uint64_t rows;
    uint64_t bytes; /* of decrypted and decompressed contents */
};

/* Decodes the file and adds to *totals. Errors are ERROR_DATA, ERROR_LIMIT or ERROR_REQUEST and
 * name the file and, where there is one, line and column; errors of the sink pass through. */
MUST_CHECK bool decode_file(const struct decode_terms *terms, const struct decode_sink *sink,
                            struct decode_totals *totals, struct error *err);

#endif

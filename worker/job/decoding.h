/* Decodes a job's batch files, as both the decode job and the small batch job do. */
#ifndef WEIR_WORKER_JOB_DECODING_H
#define WEIR_WORKER_JOB_DECODING_H

#include "worker/decode/decode.h"
#include "worker/job/job_worker.h"

/* The terms that a batch's files share. `table` and `ids` are borrowed by *binding_out. */
void decoding_terms(const Weir__BatchTerms *terms, const struct table *table, const uint32_t *ids,
                    size_t ids_count, struct binding_terms *binding_out);

/* Decodes one file; each row goes to `row(context, ...)`. Columns that are not base64 become
 * warnings of the result. */
MUST_CHECK bool decoding_file(
    struct job_worker *worker, const Weir__BatchFile *file, const struct binding_terms *binding,
    bool (*row)(void *context, const struct run_entry *entry, struct error *err), void *context,
    struct decode_totals *totals, Weir__Result *result, struct error *err);

#endif

/* Binds a file's header to a table and turns rows of cells into run entries: a key and a change.
 *
 * The step between format (cells as text) and run (sorted entries). The rules of null_string,
 * unmodified_string and of each file kind live here. */
#ifndef WEIR_WORKER_DECODE_BINDING_H
#define WEIR_WORKER_DECODE_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/file_kind.h"
#include "common/table.h"
#include "worker/decode/format.h"

/* What is common to all files of a batch. Borrowed, not copied. */
struct binding_terms {
    const struct table *table;          /* the registry's */
    const uint32_t *request_column_ids; /* columns of the request's table */
    size_t request_columns_count;
    const char *null_string;
    const char *unmodified_string; /* empty: nothing is unmodified */
    bool history;
};

struct binding;

/* Binds `header` for a file of that kind. Unknown, duplicate or missing columns are ERROR_DATA. */
MUST_CHECK bool binding_open(const struct binding_terms *terms, enum file_kind kind,
                             const struct cell *header, size_t columns_count,
                             struct binding **binding_out, struct error *err);

/* Converts one row. Appends the row's key to `key` and its change (worker/value/row.h: cells
 * without a sequence) to `change`.
 *
 * A replace writes NULL cells for what it must clear and leaves out what an existing row keeps,
 * unless binding_makes_rows(); an update leaves out unmodified cells; a delete has no cells. Errors
 * are ERROR_DATA and name the column, not the value and not the file or line. */
MUST_CHECK bool binding_convert(struct binding *binding, const struct cell *cells,
                                struct buffer *key, struct buffer *change, struct error *err);

/* Whether the file says something of every column, so that a change is the whole row as it is
 * stored, NULL left out. */
bool binding_makes_rows(const struct binding *binding);

/* Names of columns whose BINARY cells were not base64 so far, each once: *names_out is an array of
 * *count_out borrowed strings. */
void binding_not_base64(const struct binding *binding, const char *const **names_out,
                        size_t *count_out);

void binding_close(struct binding **binding);

#endif

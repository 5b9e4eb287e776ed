/* Converts a stored value from one column type to another, as an altered column needs it.
 *
 * Widening always works; narrowing works if the value fits. Values go through their text, as `weir
 * dump` prints it, so that a type needs no code for each other type; convert.c holds the few pairs
 * whose texts differ. */
#ifndef WEIR_WORKER_REWRITE_CONVERT_H
#define WEIR_WORKER_REWRITE_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/buffer.h"
#include "common/column.h"

/* Whether a value of one type is one of the other as it stands, in a row and in a key: the texts
 * among each other. */
bool convert_is_free(enum column_type from, enum column_type to);

/* Appends the value, `length` stored bytes of type `from`, as stored bytes of type `to` to `out`.
 * `scratch` is reused memory. False: the value does not fit the new type; nothing was appended. */
MUST_CHECK bool convert_value(enum column_type from, enum column_type to, const uint8_t *stored,
                              size_t length, struct buffer *scratch, struct buffer *out);

#endif

/* Keys of rows: the primary key columns as bytes that sort as the values do.
 *
 * A key never exceeds KEY_BYTES_MAX whatever the values' lengths: a longer one keeps its first
 * KEY_PLAIN_MAX bytes and ends in the SHA-256 digest of the whole. No key is the beginning of
 * another key of its table. In history mode `_fivetran_start` is the last key column and stays
 * outside the digest, so that the versions of a record stand next to each other in order of time.
 */
#ifndef WEIR_WORKER_VALUE_KEY_H
#define WEIR_WORKER_VALUE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/table.h"

enum {
    KEY_START_BYTES = 12,  /* the sortable form of `_fivetran_start` */
    KEY_DIGEST_BYTES = 32, /* SHA-256 */
    KEY_PLAIN_MAX = 463, /* of a record key without digest; leaves room for digest, start, piece */
    KEY_BYTES_MAX = KEY_PLAIN_MAX + KEY_DIGEST_BYTES + KEY_START_BYTES, /* 507 */
};

/* One value of the key, stored bytes. */
struct key_part {
    enum column_type type;
    const uint8_t *stored;
    size_t length;
};

/* Appends the key made of `parts` (in key order) to `out`. `start_is_last`: the last part is
 * `_fivetran_start` of a history table and stays outside the digest. `scratch` is reused memory.
 *
 * Fails with ERROR_DATA if a value cannot be in a key; *bad_part_out then is its index. */
MUST_CHECK bool key_append(const struct key_part *parts, size_t parts_count, bool start_is_last,
                           struct buffer *scratch, struct buffer *out, size_t *bad_part_out);

/* Whether the table is a history table: `_fivetran_start` (UTC_DATETIME) is the last of several key
 * columns, and `_fivetran_end` (UTC_DATETIME) and `_fivetran_active` (BOOLEAN) exist outside the
 * key: history changes them in rows that stay where they are. */
bool key_is_history(const struct table *table);

#endif

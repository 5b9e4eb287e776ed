/* See key.h. */
#include "worker/value/key.h"

#include <string.h>

#include <openssl/sha.h>

#include "common/require.h"
#include "worker/value/type.h"

static void append_shortened(const struct buffer *whole, struct buffer *out);
static bool has_plain_column(const struct table *table, const char *name, enum column_type type);

bool key_append(const struct key_part *parts, size_t parts_count, bool start_is_last,
                struct buffer *scratch, struct buffer *out, size_t *bad_part_out)
{
    size_t record_count = start_is_last ? parts_count - 1 : parts_count;

    REQUIRE(parts_count > 0);
    buffer_reset(scratch);
    for (size_t i = 0; i < record_count; i++) {
        if (!type_of(parts[i].type)->append_key(parts[i].stored, parts[i].length, scratch)) {
            *bad_part_out = i;
            return false;
        }
    }
    append_shortened(scratch, out);
    if (start_is_last) {
        const struct key_part *start = &parts[record_count];

        REQUIRE(start->type == COLUMN_UTC_DATETIME);
        if (!type_of(start->type)->append_key(start->stored, start->length, out)) {
            *bad_part_out = record_count;
            return false;
        }
    }
    return true;
}

bool key_is_history(const struct table *table)
{
    size_t count = table_key_count(table);
    const struct column *last = count > 1 ? table_key_column(table, (uint32_t)count) : NULL;

    return last != NULL && strcmp(last->name, "_fivetran_start") == 0 &&
           last->type == COLUMN_UTC_DATETIME &&
           has_plain_column(table, "_fivetran_end", COLUMN_UTC_DATETIME) &&
           has_plain_column(table, "_fivetran_active", COLUMN_BOOLEAN);
}

/* A digest stands behind exactly KEY_PLAIN_MAX bytes, where a shorter key has ended already: no
 * plain key begins like a digested one and ends before its digest. */
static void append_shortened(const struct buffer *whole, struct buffer *out)
{
    if (whole->length <= KEY_PLAIN_MAX) {
        buffer_append(out, whole->bytes, whole->length);
        return;
    }
    buffer_append(out, whole->bytes, KEY_PLAIN_MAX);
    SHA256(whole->bytes, whole->length, buffer_reserve(out, KEY_DIGEST_BYTES));
    out->length += KEY_DIGEST_BYTES;
}

static bool has_plain_column(const struct table *table, const char *name, enum column_type type)
{
    const struct column *column = table_find_column(table, name, strlen(name));

    return column != NULL && column->type == type && column->key_position == 0;
}

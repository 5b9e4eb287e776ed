/* Dates and times of day as text and as numbers: what the four types of time share.
 *
 * The calendar is the proleptic Gregorian one, years 0000 to 9999, without leap seconds. */
#ifndef WEIR_WORKER_VALUE_MOMENT_H
#define WEIR_WORKER_VALUE_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/buffer.h"

enum {
    MOMENT_DAY_SECONDS = 86400,
    MOMENT_SECOND_NANOS = 1000000000,
    MOMENT_DAYS_MIN = -719528, /* 0000-01-01, days since 1970-01-01 */
    MOMENT_DAYS_MAX = 2932896, /* 9999-12-31 */
};

/* Text that is read from the left. */
struct moment_text {
    const char *at;
    const char *end;
};

/* Reads [sign]YYYY-MM-DD. */
MUST_CHECK bool moment_read_date(struct moment_text *text, int32_t *days_out);

/* Reads HH:MM[:SS[.fraction of 0 to 9 digits]]. */
MUST_CHECK bool moment_read_time(struct moment_text *text, uint32_t *seconds_out,
                                 uint32_t *nanos_out);

/* Reads Z, +HH, +HHMM, +HH:MM (or with -), or nothing, as seconds east of UTC. */
MUST_CHECK bool moment_read_offset(struct moment_text *text, int32_t *seconds_out);

/* Appends YYYY-MM-DD. */
void moment_append_date(int32_t days, struct buffer *out);

/* Appends HH:MM:SS[.f], the fraction without trailing zeros. */
void moment_append_time(uint32_t seconds, uint32_t nanos, struct buffer *out);

/* A moment at rest, as NAIVE_DATETIME and UTC_DATETIME store it. */
struct moment {
    int64_t seconds; /* since 1970 */
    uint32_t nanos;
};

enum {
    MOMENT_STORED_BYTES = 12
};

struct moment moment_read_stored(const uint8_t *stored);
void moment_write_stored(struct moment moment, uint8_t stored[MOMENT_STORED_BYTES]);

/* Less than 0, 0, more than 0: a is earlier, the same, later. */
int moment_compare(struct moment a, struct moment b);

/* Exactly one millisecond earlier, but not before the year 0000. */
struct moment moment_millisecond_before(struct moment moment);

#endif

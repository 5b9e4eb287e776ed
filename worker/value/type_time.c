/* The four types of time: NAIVE_DATE, NAIVE_TIME, NAIVE_DATETIME and UTC_DATETIME.
 *
 * Stored, little endian: a date as days since 1970-01-01 (4 bytes), a time as nanoseconds since
 * midnight (8 bytes), a moment as seconds since 1970 (8 bytes) and nanoseconds (4 bytes): 64-bit
 * nanoseconds would end in 2262. */
#include "worker/value/moment.h"
#include "worker/value/number.h"
#include "worker/value/type_table.h"

enum {
    DATE_BYTES = 4,
    TIME_BYTES = 8,
    MOMENT_BYTES = MOMENT_STORED_BYTES,
};

static bool read_moment(struct moment_text *text, int64_t *seconds_out, uint32_t *nanos_out);
static enum parse_result finish_moment(int64_t seconds, uint32_t nanos, struct buffer *out,
                                       const char **problem_out);
static int64_t moment_seconds(const uint8_t *stored);
static uint32_t moment_nanos(const uint8_t *stored);
static void append_quoted(void (*append)(const uint8_t *stored, size_t length, struct buffer *out),
                          const uint8_t *stored, size_t length, struct buffer *out);

static enum parse_result parse_date(const char *text, size_t length, struct buffer *out,
                                    const char **problem_out)
{
    struct moment_text rest = {text, text + length};
    int32_t days = 0;

    if (!moment_read_date(&rest, &days) || rest.at != rest.end) {
        *problem_out = "is not a date such as 2007-12-03";
        return PARSE_FAILED;
    }
    number_write_le(buffer_reserve(out, DATE_BYTES), (uint32_t)days, DATE_BYTES);
    out->length += DATE_BYTES;
    return PARSE_OK;
}

static enum parse_result parse_time(const char *text, size_t length, struct buffer *out,
                                    const char **problem_out)
{
    struct moment_text rest = {text, text + length};
    uint32_t seconds = 0;
    uint32_t nanos = 0;

    if (!moment_read_time(&rest, &seconds, &nanos) || rest.at != rest.end) {
        *problem_out = "is not a time such as 10:15:30";
        return PARSE_FAILED;
    }
    number_write_le(buffer_reserve(out, TIME_BYTES),
                    (uint64_t)seconds * MOMENT_SECOND_NANOS + nanos, TIME_BYTES);
    out->length += TIME_BYTES;
    return PARSE_OK;
}

static enum parse_result parse_naive(const char *text, size_t length, struct buffer *out,
                                     const char **problem_out)
{
    struct moment_text rest = {text, text + length};
    int64_t seconds = 0;
    uint32_t nanos = 0;

    if (!read_moment(&rest, &seconds, &nanos) || rest.at != rest.end) {
        *problem_out = "is not a date and time such as 2007-12-03T10:15:30";
        return PARSE_FAILED;
    }
    return finish_moment(seconds, nanos, out, problem_out);
}

static enum parse_result parse_utc(const char *text, size_t length, struct buffer *out,
                                   const char **problem_out)
{
    struct moment_text rest = {text, text + length};
    int64_t seconds = 0;
    uint32_t nanos = 0;
    int32_t offset = 0;

    if (!read_moment(&rest, &seconds, &nanos) || !moment_read_offset(&rest, &offset) ||
        rest.at != rest.end) {
        *problem_out = "is not a date and time such as 2007-12-03T10:15:30Z";
        return PARSE_FAILED;
    }
    return finish_moment(seconds - offset, nanos, out, problem_out);
}

static bool append_key_date(const uint8_t *stored, size_t length, struct buffer *out)
{
    uint32_t days = (uint32_t)number_read_le(stored, DATE_BYTES);

    (void)length;
    number_write_be(buffer_reserve(out, DATE_BYTES), days ^ UINT32_C(0x80000000), DATE_BYTES);
    out->length += DATE_BYTES;
    return true;
}

static bool append_key_time(const uint8_t *stored, size_t length, struct buffer *out)
{
    (void)length;
    number_write_be(buffer_reserve(out, TIME_BYTES), number_read_le(stored, TIME_BYTES),
                    TIME_BYTES);
    out->length += TIME_BYTES;
    return true;
}

static bool append_key_moment(const uint8_t *stored, size_t length, struct buffer *out)
{
    uint8_t *at = buffer_reserve(out, MOMENT_BYTES);

    (void)length;
    number_write_be(at, number_sortable(moment_seconds(stored)), 8);
    number_write_be(at + 8, moment_nanos(stored), 4);
    out->length += MOMENT_BYTES;
    return true;
}

static void append_text_date(const uint8_t *stored, size_t length, struct buffer *out)
{
    (void)length;
    moment_append_date((int32_t)(uint32_t)number_read_le(stored, DATE_BYTES), out);
}

static void append_text_time(const uint8_t *stored, size_t length, struct buffer *out)
{
    uint64_t nanos = number_read_le(stored, TIME_BYTES);

    (void)length;
    moment_append_time((uint32_t)(nanos / MOMENT_SECOND_NANOS),
                       (uint32_t)(nanos % MOMENT_SECOND_NANOS), out);
}

static void append_text_naive(const uint8_t *stored, size_t length, struct buffer *out)
{
    int64_t seconds = moment_seconds(stored);
    int64_t second_of_day = seconds % MOMENT_DAY_SECONDS;

    (void)length;
    second_of_day += second_of_day < 0 ? MOMENT_DAY_SECONDS : 0;
    moment_append_date((int32_t)((seconds - second_of_day) / MOMENT_DAY_SECONDS), out);
    buffer_append_byte(out, 'T');
    moment_append_time((uint32_t)second_of_day, moment_nanos(stored), out);
}

static void append_text_utc(const uint8_t *stored, size_t length, struct buffer *out)
{
    append_text_naive(stored, length, out);
    buffer_append_byte(out, 'Z');
}

static void append_json_date(const uint8_t *stored, size_t length, struct buffer *out)
{
    append_quoted(append_text_date, stored, length, out);
}

static void append_json_time(const uint8_t *stored, size_t length, struct buffer *out)
{
    append_quoted(append_text_time, stored, length, out);
}

static void append_json_naive(const uint8_t *stored, size_t length, struct buffer *out)
{
    append_quoted(append_text_naive, stored, length, out);
}

static void append_json_utc(const uint8_t *stored, size_t length, struct buffer *out)
{
    append_quoted(append_text_utc, stored, length, out);
}

static bool is_valid_date(const uint8_t *stored, size_t length)
{
    int32_t days = 0;

    if (length != DATE_BYTES) {
        return false;
    }
    days = (int32_t)(uint32_t)number_read_le(stored, DATE_BYTES);
    return days >= MOMENT_DAYS_MIN && days <= MOMENT_DAYS_MAX;
}

static bool is_valid_time(const uint8_t *stored, size_t length)
{
    return length == TIME_BYTES &&
           number_read_le(stored, TIME_BYTES) < (uint64_t)MOMENT_DAY_SECONDS * MOMENT_SECOND_NANOS;
}

static bool is_in_range(int64_t seconds)
{
    return seconds >= (int64_t)MOMENT_DAYS_MIN * MOMENT_DAY_SECONDS &&
           seconds < ((int64_t)MOMENT_DAYS_MAX + 1) * MOMENT_DAY_SECONDS;
}

static bool is_valid_moment(const uint8_t *stored, size_t length)
{
    return length == MOMENT_BYTES && is_in_range(moment_seconds(stored)) &&
           moment_nanos(stored) < MOMENT_SECOND_NANOS;
}

const struct type type_naive_date = {
    .type = COLUMN_NAIVE_DATE,
    .parse = parse_date,
    .append_key = append_key_date,
    .append_text = append_text_date,
    .append_json = append_json_date,
    .is_valid = is_valid_date,
};

const struct type type_naive_time = {
    .type = COLUMN_NAIVE_TIME,
    .parse = parse_time,
    .append_key = append_key_time,
    .append_text = append_text_time,
    .append_json = append_json_time,
    .is_valid = is_valid_time,
};

const struct type type_naive_datetime = {
    .type = COLUMN_NAIVE_DATETIME,
    .parse = parse_naive,
    .append_key = append_key_moment,
    .append_text = append_text_naive,
    .append_json = append_json_naive,
    .is_valid = is_valid_moment,
};

const struct type type_utc_datetime = {
    .type = COLUMN_UTC_DATETIME,
    .parse = parse_utc,
    .append_key = append_key_moment,
    .append_text = append_text_utc,
    .append_json = append_json_utc,
    .is_valid = is_valid_moment,
};

static bool read_moment(struct moment_text *text, int64_t *seconds_out, uint32_t *nanos_out)
{
    int32_t days = 0;
    uint32_t second_of_day = 0;

    if (!moment_read_date(text, &days) || text->at == text->end ||
        (*text->at != 'T' && *text->at != 't' && *text->at != ' ')) {
        return false;
    }
    text->at++;
    if (!moment_read_time(text, &second_of_day, nanos_out)) {
        return false;
    }
    *seconds_out = (int64_t)days * MOMENT_DAY_SECONDS + second_of_day;
    return true;
}

static enum parse_result finish_moment(int64_t seconds, uint32_t nanos, struct buffer *out,
                                       const char **problem_out)
{
    if (!is_in_range(seconds)) {
        *problem_out = "is not between the years 0000 and 9999 in UTC";
        return PARSE_FAILED;
    }
    moment_write_stored((struct moment){seconds, nanos}, buffer_reserve(out, MOMENT_BYTES));
    out->length += MOMENT_BYTES;
    return PARSE_OK;
}

static int64_t moment_seconds(const uint8_t *stored)
{
    return moment_read_stored(stored).seconds;
}

static uint32_t moment_nanos(const uint8_t *stored)
{
    return moment_read_stored(stored).nanos;
}

static void append_quoted(void (*append)(const uint8_t *stored, size_t length, struct buffer *out),
                          const uint8_t *stored, size_t length, struct buffer *out)
{
    buffer_append_byte(out, '"');
    append(stored, length, out);
    buffer_append_byte(out, '"');
}

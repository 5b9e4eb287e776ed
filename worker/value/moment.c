/* See moment.h. */
#include "worker/value/moment.h"

#include "common/word.h"
#include "worker/value/number.h"

enum {
    FRACTION_DIGITS_MAX = 9,
    MILLISECOND_NANOS = 1000000,
    OFFSET_HOURS_MAX = 18, /* what java.time, the usual sender, allows */
    ERA_YEARS = 400,
    ERA_DAYS = 146097,
    EPOCH_SHIFT_DAYS = 719468, /* from 0000-03-01 to 1970-01-01 */
    PATTERN_BYTES = 8,
};

/* Eight characters, of which a 0 stands for any digit. */
struct pattern {
    char text[PATTERN_BYTES];
    uint8_t over[PATTERN_BYTES]; /* added to a byte's distance from its character: 128 or more if it
                                    is too far */
};

enum {
    DIGIT = 128 - 10,
    EXACT = 128 - 1,
};

static const struct pattern year_and_month = {
    {'0',   '0',   '0',   '0',   '-',   '0',   '0',   '-'  },
    {DIGIT, DIGIT, DIGIT, DIGIT, EXACT, DIGIT, DIGIT, EXACT},
};

static const struct pattern clock_time = {
    {'0',   '0',   ':',   '0',   '0',   ':',   '0',   '0'  },
    {DIGIT, DIGIT, EXACT, DIGIT, DIGIT, EXACT, DIGIT, DIGIT},
};

static bool read_pairs(struct moment_text *text, const struct pattern *pattern,
                       uint8_t pairs_out[PATTERN_BYTES]);
static uint32_t read_fraction(struct moment_text *text);
static bool read_digits(struct moment_text *text, unsigned count, uint32_t *number_out);
static bool read_char(struct moment_text *text, char wanted);
static int32_t days_from_civil(int32_t year, int32_t month, int32_t day);
static bool is_leap(uint32_t year);
static uint32_t month_days(uint32_t year, uint32_t month);

bool moment_read_date(struct moment_text *text, int32_t *days_out)
{
    bool negative = text->at < text->end && *text->at == '-';
    uint8_t pairs[PATTERN_BYTES];
    uint32_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;

    if (text->at < text->end && (*text->at == '-' || *text->at == '+')) {
        text->at++;
    }
    if (!read_pairs(text, &year_and_month, pairs) || !read_digits(text, 2, &day)) {
        return false;
    }
    year = (uint32_t)pairs[0] * 100 + pairs[2];
    month = pairs[5];
    if ((negative && year != 0) || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month)) {
        return false;
    }
    *days_out = days_from_civil((int32_t)year, (int32_t)month, (int32_t)day);
    return true;
}

bool moment_read_time(struct moment_text *text, uint32_t *seconds_out, uint32_t *nanos_out)
{
    uint8_t pairs[PATTERN_BYTES];
    uint32_t hours = 0;
    uint32_t minutes = 0;
    uint32_t seconds = 0;

    *nanos_out = 0;
    if (read_pairs(text, &clock_time, pairs)) {
        hours = pairs[0];
        minutes = pairs[3];
        seconds = pairs[6];
        *nanos_out = read_fraction(text);
    } else if (!read_digits(text, 2, &hours) || !read_char(text, ':') ||
               !read_digits(text, 2, &minutes)) {
        return false;
    }
    *seconds_out = (hours * 60 + minutes) * 60 + seconds;
    return hours < 24 && minutes < 60 && seconds < 60;
}

bool moment_read_offset(struct moment_text *text, int32_t *seconds_out)
{
    bool negative = text->at < text->end && *text->at == '-';
    uint32_t hours = 0;
    uint32_t minutes = 0;

    *seconds_out = 0;
    if (text->at == text->end || read_char(text, 'Z') || read_char(text, 'z')) {
        return true;
    }
    if ((!read_char(text, '+') && !read_char(text, '-')) || !read_digits(text, 2, &hours)) {
        return false;
    }
    if (text->at < text->end) {
        (void)read_char(text, ':');
        if (!read_digits(text, 2, &minutes)) {
            return false;
        }
    }
    *seconds_out = (int32_t)(hours * 3600 + minutes * 60) * (negative ? -1 : 1);
    return hours <= OFFSET_HOURS_MAX && minutes < 60;
}

/* Years begin in March here, so that the leap day is the last of its year. */
void moment_append_date(int32_t days, struct buffer *out)
{
    int32_t shifted = days + EPOCH_SHIFT_DAYS;
    int32_t era = (shifted >= 0 ? shifted : shifted - (ERA_DAYS - 1)) / ERA_DAYS;
    int32_t day_of_era = shifted - era * ERA_DAYS;
    int32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int32_t month_from_march = (5 * day_of_year + 2) / 153;
    int32_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    int32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    int32_t year = year_of_era + era * ERA_YEARS + (month <= 2 ? 1 : 0);

    buffer_append_number(out, (uint64_t)year, 4);
    buffer_append_byte(out, '-');
    buffer_append_number(out, (uint64_t)month, 2);
    buffer_append_byte(out, '-');
    buffer_append_number(out, (uint64_t)day, 2);
}

void moment_append_time(uint32_t seconds, uint32_t nanos, struct buffer *out)
{
    buffer_append_number(out, seconds / 3600, 2);
    buffer_append_byte(out, ':');
    buffer_append_number(out, seconds / 60 % 60, 2);
    buffer_append_byte(out, ':');
    buffer_append_number(out, seconds % 60, 2);
    if (nanos > 0) {
        buffer_append_byte(out, '.');
        buffer_append_number(out, nanos, 9);
        while (out->bytes[out->length - 1] == '0') {
            out->length--;
        }
    }
}

struct moment moment_read_stored(const uint8_t *stored)
{
    return (struct moment){
        .seconds = (int64_t)number_read_le(stored, 8),
        .nanos = (uint32_t)number_read_le(stored + 8, 4),
    };
}

void moment_write_stored(struct moment moment, uint8_t stored[MOMENT_STORED_BYTES])
{
    number_write_le(stored, (uint64_t)moment.seconds, 8);
    number_write_le(stored + 8, moment.nanos, 4);
}

int moment_compare(struct moment a, struct moment b)
{
    if (a.seconds != b.seconds) {
        return a.seconds < b.seconds ? -1 : 1;
    }
    return (a.nanos > b.nanos) - (a.nanos < b.nanos);
}

struct moment moment_millisecond_before(struct moment moment)
{
    const int64_t first_second = (int64_t)MOMENT_DAYS_MIN * MOMENT_DAY_SECONDS;

    if (moment.nanos >= MILLISECOND_NANOS) {
        moment.nanos -= MILLISECOND_NANOS;
    } else if (moment.seconds > first_second) {
        moment.seconds--;
        moment.nanos += MOMENT_SECOND_NANOS - MILLISECOND_NANOS;
    } else {
        moment.nanos = 0;
    }
    return moment;
}

/* Reads what looks like the pattern, all eight at once. pairs_out[i]: the number that the digits i
 * and i + 1 make. */
static bool read_pairs(struct moment_text *text, const struct pattern *pattern,
                       uint8_t pairs_out[PATTERN_BYTES])
{
    uint64_t over = number_read_le(pattern->over, PATTERN_BYTES);
    uint64_t digits = 0;

    if (text->end - text->at < PATTERN_BYTES) {
        return false;
    }
    /* The digits of ASCII are 0 to 9 apart from its '0' in an exclusive or, too. */
    digits = number_read_le((const uint8_t *)text->at, PATTERN_BYTES) ^
             number_read_le((const uint8_t *)pattern->text, PATTERN_BYTES);
    if (word_has_high((digits + over) | digits)) {
        return false;
    }
    number_write_le(pairs_out, digits * 10 + (digits >> 8), PATTERN_BYTES);
    text->at += PATTERN_BYTES;
    return true;
}

/* Nanoseconds of [.digits], up to 9 of them. */
static uint32_t read_fraction(struct moment_text *text)
{
    uint32_t nanos = 0;
    uint32_t digit = 0;
    unsigned digits = 0;

    if (!read_char(text, '.')) {
        return 0;
    }
    for (; digits < FRACTION_DIGITS_MAX && read_digits(text, 1, &digit); digits++) {
        nanos = nanos * 10 + digit;
    }
    for (; digits < FRACTION_DIGITS_MAX; digits++) {
        nanos *= 10;
    }
    return nanos;
}

static bool read_digits(struct moment_text *text, unsigned count, uint32_t *number_out)
{
    uint32_t number = 0;

    if ((size_t)(text->end - text->at) < count) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned digit = (unsigned)(unsigned char)text->at[i] - '0';

        if (digit > 9) {
            return false;
        }
        number = number * 10 + digit;
    }
    text->at += count;
    *number_out = number;
    return true;
}

static bool read_char(struct moment_text *text, char wanted)
{
    if (text->at == text->end || *text->at != wanted) {
        return false;
    }
    text->at++;
    return true;
}

static int32_t days_from_civil(int32_t year, int32_t month, int32_t day)
{
    int32_t shifted = year - (month <= 2 ? 1 : 0);
    int32_t era = (shifted >= 0 ? shifted : shifted - (ERA_YEARS - 1)) / ERA_YEARS;
    int32_t year_of_era = shifted - era * ERA_YEARS;
    int32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * ERA_DAYS + day_of_era - EPOCH_SHIFT_DAYS;
}

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t month_days(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

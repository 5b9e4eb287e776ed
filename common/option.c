/* Options of a command: from rows, arguments and environment to a filled struct. */
#include "common/option.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"

enum {
    OPTIONS_MAX = 64,     /* rows of one command */
    ACCEPTED_BYTES = 320, /* of the text that says what a row accepts */
    HELP_WIDTH = 96,
    HELP_INDENT = 8,
};

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"",    1  },
    {"KiB", KIB},
    {"MiB", MIB},
    {"GiB", GIB},
    {"TiB", TIB},
};

/* A plain number is no duration: too easily the wrong unit is meant. */
static const struct unit duration_units[] = {
    {"ms",  1      },
    {"s",   1000   },
    {"min", 60000  },
    {"h",   3600000},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool read_arguments(struct option_reading *reading, int count, const char *const arguments[],
                           bool *given, struct error *err);
static bool read_environment(const struct option *option, void *target, struct error *err);
static void set_fallback(const struct option *option, void *target);
static const struct option *find_option(const struct option_reading *reading, const char *name,
                                        size_t length);
static bool unknown_option(const struct option_reading *reading, const char *argument,
                           struct error *err);
static bool set_value(const struct option *option, void *target, const char *value);
static bool add_to_list(const struct option *option, void *target, const char *item);
static void *field_at(void *target, size_t offset);
static bool bad_value(const struct option *option, const char *source, const char *value,
                      struct error *err);
static bool parse_with_unit(const char *text, const struct unit *units, size_t units_count,
                            uint64_t *value_out);
static void describe_accepted(const struct option *option, char *text, size_t size);
static void format_with_unit(uint64_t value, const struct unit *units, size_t units_count,
                             char *text, size_t size);
static void print_wrapped(FILE *to, const char *text);

bool option_read(struct option_reading *reading, int arguments_count, const char *const arguments[],
                 struct error *err)
{
    bool given[OPTIONS_MAX] = {false};

    reading->operands_count = 0;
    reading->help = false;
    if (!read_arguments(reading, arguments_count, arguments, given, err)) {
        return false;
    }
    for (size_t i = 0; reading->options[i].name != NULL && !reading->help; i++) {
        const struct option *option = &reading->options[i];

        REQUIRE(i < OPTIONS_MAX);
        if (given[i]) {
            continue;
        }
        set_fallback(option, reading->target);
        if (!read_environment(option, reading->target, err)) {
            return false;
        }
    }
    return true;
}

void option_print(const struct option *options, FILE *to)
{
    for (const struct option *option = options; option->name != NULL; option++) {
        OWNED(buffer_clear) struct buffer text = {0};

        fprintf(to, "  --%s %s\n", option->name, option->placeholder);
        buffer_append_format(&text, "%s", option->help);
        if (option->fallback != NULL) {
            buffer_append_format(&text, " [default: %s]", option->fallback);
        }
        if (option->variable != NULL) {
            buffer_append_format(&text, " [%s]", option->variable);
        }
        buffer_append_byte(&text, '\0');
        print_wrapped(to, (const char *)text.bytes);
    }
}

bool option_parse_size(const char *text, uint64_t *bytes_out)
{
    return parse_with_unit(text, size_units, COUNT(size_units), bytes_out);
}

bool option_parse_duration(const char *text, uint64_t *ms_out)
{
    return parse_with_unit(text, duration_units, COUNT(duration_units), ms_out);
}

static bool read_arguments(struct option_reading *reading, int count, const char *const arguments[],
                           bool *given, struct error *err)
{
    bool options_ended = false;

    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i];

        if (options_ended || argument[0] != '-' || strcmp(argument, "-") == 0) {
            if (reading->operands_count == reading->operands_max) {
                return error_set(err, ERROR_REQUEST, "unexpected argument \"%s\"",
                                 text_path(argument).text);
            }
            reading->operands[reading->operands_count++] = argument;
            continue;
        }
        if (strcmp(argument, "--") == 0) {
            options_ended = true;
            continue;
        }
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            reading->help = true;
            return true;
        }

        size_t length = strcspn(argument, "=");
        const struct option *option = find_option(reading, argument, length);
        const char *value;

        if (option == NULL) {
            return unknown_option(reading, argument, err);
        }
        if (argument[length] == '=') {
            value = argument + length + 1;
        } else if (i + 1 < count && strncmp(arguments[i + 1], "--", 2) != 0) {
            value = arguments[++i];
        } else {
            value = NULL;
        }
        if (value == NULL || !set_value(option, reading->target, value)) {
            return bad_value(option, NULL, value, err);
        }
        given[option - reading->options] = true;
    }
    return true;
}

/* An empty variable counts as none: container tools set such for "not set". */
static bool read_environment(const struct option *option, void *target, struct error *err)
{
    const char *value = option->variable != NULL ? getenv(option->variable) : NULL;

    if (value == NULL || *value == '\0') {
        return true;
    }
    if (option->kind != OPTION_LIST) {
        return set_value(option, target, value) || bad_value(option, option->variable, value, err);
    }

    /* The copies live as long as the process, as the environment itself does. */
    char *rest = mem_text(value);
    const char *item;

    while ((item = strsep(&rest, option->separator)) != NULL) {
        if (!set_value(option, target, item)) {
            return bad_value(option, option->variable, item, err);
        }
    }
    return true;
}

static void set_fallback(const struct option *option, void *target)
{
    if (option->fallback != NULL) {
        REQUIRE(set_value(option, target, option->fallback));
    }
}

/* `name` starts with its two dashes. */
static const struct option *find_option(const struct option_reading *reading, const char *name,
                                        size_t length)
{
    if (length < 3 || name[0] != '-' || name[1] != '-') {
        return NULL;
    }
    for (const struct option *option = reading->options; option->name != NULL; option++) {
        if (strlen(option->name) == length - 2 && memcmp(option->name, name + 2, length - 2) == 0) {
            return option;
        }
    }
    return NULL;
}

static bool unknown_option(const struct option_reading *reading, const char *argument,
                           struct error *err)
{
    OWNED(buffer_clear) struct buffer names = {0};

    for (const struct option *option = reading->options; option->name != NULL; option++) {
        buffer_append_format(&names, "--%s, ", option->name);
    }
    buffer_append(&names, "--help", sizeof "--help");

    /* Only the name: the value behind "=" may be a key. */
    return error_set(err, ERROR_REQUEST, "unknown option \"%s\", accepted are %s",
                     text_name_bytes(argument, strcspn(argument, "=")).text,
                     (const char *)names.bytes);
}

/* False if the row does not accept the value. */
static bool set_value(const struct option *option, void *target, const char *value)
{
    void *field = field_at(target, option->offset);
    uint64_t number = 0;

    switch (option->kind) {
    case OPTION_TEXT:
        *(const char **)field = value;
        return *value != '\0';
    case OPTION_LIST:
        return add_to_list(option, target, value);
    case OPTION_CHOICE:
        while (option->choices[number] != NULL && strcmp(option->choices[number], value) != 0) {
            number++;
        }
        *(uint64_t *)field = number;
        return option->choices[number] != NULL;
    case OPTION_NUMBER:
        if (!text_parse_u64(value, &number)) {
            return false;
        }
        break;
    case OPTION_SIZE:
        if (!option_parse_size(value, &number)) {
            return false;
        }
        break;
    case OPTION_DURATION:
        if (!option_parse_duration(value, &number)) {
            return false;
        }
        break;
    }
    *(uint64_t *)field = number;
    return number >= option->min && number <= option->max;
}

static bool add_to_list(const struct option *option, void *target, const char *item)
{
    const char **items = field_at(target, option->offset);
    size_t *count = field_at(target, option->count_offset);

    if (*item == '\0' || *count == OPTION_LIST_MAX) {
        return false;
    }
    items[(*count)++] = item;
    return true;
}

static void *field_at(void *target, size_t offset)
{
    return (char *)target + offset;
}

/* `source`: the variable that it came from, NULL for an argument. `value` NULL: none was given. A
 * text's value is never quoted, it may be a key. */
static bool bad_value(const struct option *option, const char *source, const char *value,
                      struct error *err)
{
    char accepted[ACCEPTED_BYTES];
    const char *dashes = source == NULL ? "--" : "";
    const char *name = source == NULL ? option->name : source;

    describe_accepted(option, accepted, sizeof accepted);
    if (value == NULL || option->kind == OPTION_TEXT || option->kind == OPTION_LIST) {
        return error_set(err, ERROR_REQUEST, "%s%s takes %s", dashes, name, accepted);
    }
    return error_set(err, ERROR_REQUEST, "%s%s takes %s, not \"%s\"", dashes, name, accepted,
                     text_name(value).text);
}

static bool parse_with_unit(const char *text, const struct unit *units, size_t units_count,
                            uint64_t *value_out)
{
    char digits[24];
    size_t length = strspn(text, "0123456789");
    uint64_t number;

    if (length >= sizeof digits) {
        return false;
    }
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (!text_parse_u64(digits, &number)) {
        return false;
    }
    for (size_t i = 0; i < units_count; i++) {
        if (strcmp(text + length, units[i].name) == 0) {
            return !__builtin_mul_overflow(number, units[i].factor, value_out);
        }
    }
    return false;
}

static void describe_accepted(const struct option *option, char *text, size_t size)
{
    char min[32];
    char max[32];
    size_t length;

    switch (option->kind) {
    case OPTION_NUMBER:
        snprintf(text, size, "a number from %llu to %llu", (unsigned long long)option->min,
                 (unsigned long long)option->max);
        return;
    case OPTION_SIZE:
        format_with_unit(option->min, size_units, COUNT(size_units), min, sizeof min);
        format_with_unit(option->max, size_units, COUNT(size_units), max, sizeof max);
        snprintf(text, size, "a size from %s to %s, in KiB, MiB, GiB, TiB or plain bytes", min,
                 max);
        return;
    case OPTION_DURATION:
        format_with_unit(option->min, duration_units, COUNT(duration_units), min, sizeof min);
        format_with_unit(option->max, duration_units, COUNT(duration_units), max, sizeof max);
        snprintf(text, size, "a duration from %s to %s, in ms, s, min or h", min, max);
        return;
    case OPTION_CHOICE:
        length = (size_t)snprintf(text, size, "one of");
        for (size_t i = 0; option->choices[i] != NULL && length < size; i++) {
            length += (size_t)snprintf(text + length, size - length, "%s %s", i > 0 ? "," : "",
                                       option->choices[i]);
        }
        return;
    case OPTION_TEXT:
        snprintf(text, size, "a value (%s) that is not empty", option->placeholder);
        return;
    case OPTION_LIST:
        snprintf(text, size, "a value (%s) that is not empty, at most %d times",
                 option->placeholder, OPTION_LIST_MAX);
        return;
    }
}

/* In the largest unit that leaves no remainder. */
static void format_with_unit(uint64_t value, const struct unit *units, size_t units_count,
                             char *text, size_t size)
{
    size_t best = 0;

    for (size_t i = 1; i < units_count && value > 0; i++) {
        if (value % units[i].factor == 0) {
            best = i;
        }
    }
    snprintf(text, size, "%llu%s", (unsigned long long)(value / units[best].factor),
             units[best].name);
}

/* Prints a paragraph, indented, broken between words. */
static void print_wrapped(FILE *to, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t length = strcspn(text, " ");

        if (column > 0 && column + 1 + length > HELP_WIDTH) {
            fputc('\n', to);
            column = 0;
        }
        column +=
            (size_t)fprintf(to, "%*s%.*s", column == 0 ? HELP_INDENT : 1, "", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', to);
}

/* Options of a command, declared as rows and read from arguments and environment variables.
 *
 * A command declares one row per option and a struct with one field each; option_read() checks and
 * fills it. What is wrong is told in one line that says what is accepted. */
#ifndef WEIR_COMMON_OPTION_H
#define WEIR_COMMON_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/attributes.h"
#include "common/error.h"

enum option_kind {
    OPTION_NUMBER,   /* uint64_t: a whole number */
    OPTION_SIZE,     /* uint64_t: bytes, given as 64MiB, 1TiB or a plain number */
    OPTION_DURATION, /* uint64_t: milliseconds, given as 30s, 500ms, 5min, 1h */
    OPTION_CHOICE,   /* uint64_t: position in `choices` */
    OPTION_TEXT,     /* const char *: anything but the empty text */
    OPTION_LIST, /* const char *[OPTION_LIST_MAX], with their number at `count_offset`: may be given
                    several times; in the variable the row's separator stands between two */
};

enum {
    OPTION_LIST_MAX = 16
};

struct option {
    const char *name;     /* "port" for --port */
    const char *variable; /* environment variable, or NULL: none */
    enum option_kind kind;
    size_t offset;              /* of the field that it fills */
    size_t count_offset;        /* OPTION_LIST: of the size_t with their number */
    const char *separator;      /* OPTION_LIST: between two in the variable */
    const char *fallback;       /* default, as a user would write it; NULL: the field stays */
    uint64_t min;               /* OPTION_NUMBER, OPTION_SIZE, OPTION_DURATION: the range */
    uint64_t max;               /* in the field's unit, both ends included */
    const char *const *choices; /* OPTION_CHOICE: accepted words, NULL at the end */
    const char *placeholder;    /* what --help shows for the value: "FOLDER" */
    const char *help;           /* what it does; --help adds default and variable */
};

/* What is to be read, and what was. */
struct option_reading {
    const struct option *options; /* ends with a row without a name */
    void *target;                 /* the struct that the rows' offsets are in */
    const char **operands;        /* filled with the arguments that are no options; may be NULL */
    size_t operands_max;          /* room in `operands`; one more is an error */
    size_t operands_count;
    bool help; /* --help or -h was given: the rest was not read */
};

/* Reads arguments (`arguments[0]` is the first option), then the environment for what they leave
 * out, then the defaults. `--name value` and `--name=value` are both fine (the second also for a
 * value that starts with two dashes), the last one counts, `--` ends the options. Strings are
 * borrowed from arguments and environment. Fails with ERROR_REQUEST. */
MUST_CHECK bool option_read(struct option_reading *reading, int arguments_count,
                            const char *const arguments[], struct error *err);

/* Prints the options for --help: what they do, their defaults and variables. */
void option_print(const struct option *options, FILE *to);

/* Reads one value of a kind with a unit. What does not fit into 64 bits is refused. */
MUST_CHECK bool option_parse_size(const char *text, uint64_t *bytes_out);
MUST_CHECK bool option_parse_duration(const char *text, uint64_t *ms_out);

#endif

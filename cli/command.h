/* A command of the executable: `weir NAME [options] [operands]`.
 *
 * Each is one file command_NAME.c with one struct command, named in command_table.c. Commands write
 * what was asked for to standard output and what went wrong, as one line, to standard error. */
#ifndef WEIR_CLI_COMMAND_H
#define WEIR_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/option.h"

/* Exit statuses. */
enum {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1, /* it could not be done */
    COMMAND_MISUSED = 2 /* the command line is wrong */
};

struct command {
    const char *name;
    const char *synopsis; /* what follows the name: "--data-dir FOLDER SCHEMA TABLE" */
    const char *summary;  /* one line for the list of commands */
    const char *manual;   /* the text of --help behind the synopsis: paragraphs of whole lines */
    const struct option *options; /* ends with a row without a name */
    bool operands_optional;       /* all of them, or none */
    bool hidden;                  /* not for people: left out of the list */

    /* `arguments[0]` is the first one after the command's name. Returns the exit status. */
    int (*run)(const struct command *command, int arguments_count, const char *const arguments[]);
};

extern const struct command *const commands[];
extern const size_t commands_count;

/* Reads a command's options into `target` and exactly `operands_count` operands into `operands`
 * (or none, where they are optional). False: the command has nothing more to do than to return
 * *status_out (help was printed, or one line that says what is accepted). */
MUST_CHECK bool command_read(const struct command *command, int arguments_count,
                             const char *const arguments[], void *target, const char **operands,
                             size_t operands_count, int *status_out);

/* Prints "weir: MESSAGE" and the hint, if any, on one line to standard error. Returns
 * COMMAND_FAILED. */
int command_fail(const struct error *err);

#endif

/* What commands share: their options, their help, their failures. */
#include "cli/command.h"

#include <stdio.h>

static void print_help(const struct command *command);

bool command_read(const struct command *command, int arguments_count, const char *const arguments[],
                  void *target, const char **operands, size_t operands_count, int *status_out)
{
    struct option_reading reading = {
        .options = command->options,
        .target = target,
        .operands = operands,
        .operands_max = operands_count,
    };
    struct error err = {0};

    if (!option_read(&reading, arguments_count, arguments, &err)) {
        fprintf(stderr, "weir %s: %s\n", command->name, err.message);
        *status_out = COMMAND_MISUSED;
        return false;
    }
    if (reading.help) {
        print_help(command);
        *status_out = COMMAND_DONE;
        return false;
    }
    if (reading.operands_count < operands_count &&
        (reading.operands_count > 0 || !command->operands_optional)) {
        fprintf(stderr, "weir %s: too few arguments, usage: weir %s %s\n", command->name,
                command->name, command->synopsis);
        *status_out = COMMAND_MISUSED;
        return false;
    }
    return true;
}

int command_fail(const struct error *err)
{
    if (err->hint[0] != '\0') {
        fprintf(stderr, "weir: %s (hint: %s)\n", err->message, err->hint);
    } else {
        fprintf(stderr, "weir: %s\n", err->message);
    }
    return COMMAND_FAILED;
}

static void print_help(const struct command *command)
{
    printf("usage: weir %s %s\n\n%s", command->name, command->synopsis, command->manual);
    printf("\noptions:\n");
    option_print(command->options, stdout);
}

/* The commands, in the order of `weir --help`. */
#include "cli/command.h"
#include "cli/command_list.h"

const struct command *const commands[] = {
    &command_serve, &command_tables, &command_describe, &command_dump, &command_role,
};

const size_t commands_count = sizeof commands / sizeof commands[0];

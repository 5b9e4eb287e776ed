/* Where command_table.c finds the commands: one line per file command_NAME.c. */
#ifndef WEIR_CLI_COMMAND_LIST_H
#define WEIR_CLI_COMMAND_LIST_H

#include "cli/command.h"

extern const struct command command_role;
extern const struct command command_serve;
extern const struct command command_tables;
extern const struct command command_describe;
extern const struct command command_dump;
extern const struct command command_backup;
extern const struct command command_compact;
extern const struct command command_cat;
extern const struct command command_check;

#endif

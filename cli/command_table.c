/* The commands, in the order of `weir --help`. */
#include "cli/command.h"
#include "cli/command_list.h"

const struct command *const commands[] = {
    &command_serve,    /* the server */
    &command_tables,   /* what a data folder holds */
    &command_describe, /* one table's columns */
    &command_dump,     /* one table's rows */
    &command_cat,      /* one batch file */
    &command_check,    /* whether a data folder is whole */
    &command_backup,   /* a copy of a data folder */
    &command_compact,  /* space back to the disk */
    &command_role,     /* the server's own processes */
};

const size_t commands_count = sizeof commands / sizeof commands[0];

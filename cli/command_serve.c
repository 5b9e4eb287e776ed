/* weir serve: reads its options and becomes the supervisor. */
#include "cli/command.h"
#include "cli/command_list.h"
#include "common/options.h"
#include "frontend/supervisor/supervisor.h"

static int run(const struct command *command, int arguments_count, const char *const arguments[]);

static const char manual[] =
    "Serves Fivetran's destination protocol over gRPC until SIGTERM or SIGINT, and keeps the\n"
    "tables in the data folder. One server per data folder. The log is one JSON object a line on\n"
    "standard output. Sizes are written as 64MiB or 1TiB, times as 500ms, 30s or 5min.\n"
    "\n"
    "Every option can be given as the environment variable shown with it; arguments win.\n";

const struct command command_serve = {
    .name = "serve",
    .synopsis = "[options]",
    .summary = "take syncs from Fivetran (the default command)",
    .manual = manual,
    .options = serve_options,
    .run = run,
};

static int run(const struct command *command, int arguments_count, const char *const arguments[])
{
    struct options options;
    int status;

    options_init(&options);
    if (!command_read(command, arguments_count, arguments, &options, NULL, 0, &status)) {
        return status;
    }
    return supervisor_run(&options, arguments_count, arguments);
}

/* weir backup: a copy of a data folder. */
#include <stddef.h>

#include "cli/command.h"
#include "cli/command_list.h"
#include "cli/reading.h"

static int run(const struct command *command, int arguments_count, const char *const arguments[]);
static bool backup(const struct reading *reading, const char *to, struct error *err);

static const char manual[] =
    "Copies all tables into FOLDER, which must be missing or empty, each as of a whole number of\n"
    "batches and without the space that it could give back. The server may run meanwhile. FOLDER\n"
    "appears when everything in it is on disk, and is a data folder: `weir check` verifies it, a\n"
    "server started with `--data-dir FOLDER` serves it. Run this as the server's user.\n";

static const struct option options[] = {
    READING_DATA_DIR,
    READING_MAP_SIZE,
    {.name = NULL},
};

const struct command command_backup = {
    .name = "backup",
    .synopsis = "[--data-dir FOLDER] FOLDER",
    .summary = "copy a data folder",
    .manual = manual,
    .options = options,
    .run = run,
};

static int run(const struct command *command, int arguments_count, const char *const arguments[])
{
    struct reading reading = {0};
    const char *to = NULL;
    struct error err = {0};
    int status = COMMAND_DONE;

    if (!command_read(command, arguments_count, arguments, &reading, &to, 1, &status)) {
        return status;
    }
    return backup(&reading, to, &err) ? COMMAND_DONE : command_fail(&err);
}

static bool backup(const struct reading *reading, const char *to, struct error *err)
{
    OWNED(store_close) struct store *store = NULL;

    return reading_open(reading, &store, err) && store_backup(store, to, err);
}

/* weir role: what the supervisor executes for its children (common/role.h). Not for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/command_list.h"
#include "common/options.h"
#include "common/role.h"
#include "common/text.h"
#include "frontend/frontend.h"
#include "worker/loop/loop.h"

static int run(const struct command *command, int arguments_count, const char *const arguments[]);
static int run_frontend(const struct command *command, int arguments_count,
                        const char *const arguments[], const char *runtime_dir);
static int run_worker(const struct command *command, int arguments_count,
                      const char *const arguments[], const char *runtime_dir);
static size_t sockets_count(void);
static bool was_started_by_supervisor(void);

static const char manual[] =
    "Only weir itself starts this, with descriptors that nothing else can give it.\n";

const struct command command_role = {
    .name = "role",
    .synopsis = "frontend|worker ... [options]",
    .summary = "a process of a server",
    .manual = manual,
    .options = serve_options,
    .hidden = true,
    .run = run,
};

static int run(const struct command *command, int arguments_count, const char *const arguments[])
{
    const char *runtime_dir = getenv(ROLE_RUNTIME_VARIABLE);
    const char *role = arguments_count > 0 ? arguments[0] : "";

    if (runtime_dir == NULL || !was_started_by_supervisor()) {
        fprintf(stderr, "weir role: only the supervisor of `weir serve` can start this\n");
        return COMMAND_MISUSED;
    }
    if (strcmp(role, "frontend") == 0) {
        return run_frontend(command, arguments_count - 1, arguments + 1, runtime_dir);
    }
    if (strcmp(role, "worker") == 0) {
        return run_worker(command, arguments_count - 1, arguments + 1, runtime_dir);
    }
    fprintf(stderr, "weir role: no such role\n");
    return COMMAND_MISUSED;
}

static int run_frontend(const struct command *command, int arguments_count,
                        const char *const arguments[], const char *runtime_dir)
{
    struct options options;
    int status;

    options_init(&options);
    if (!command_read(command, arguments_count, arguments, &options, NULL, 0, &status)) {
        return status;
    }
    prctl(PR_SET_NAME, "weir: frontend");
    return frontend_run(&options, runtime_dir, sockets_count());
}

/* Of systemd. */
static size_t sockets_count(void)
{
    const char *text = getenv(ROLE_SOCKETS_VARIABLE);
    uint64_t count = 0;

    return text != NULL && text_parse_u64(text, &count) && count <= ROLE_SOCKETS_MAX ? count : 0;
}

static int run_worker(const struct command *command, int arguments_count,
                      const char *const arguments[], const char *runtime_dir)
{
    struct options options;
    const char *operands[2] = {NULL};
    uint64_t worker;
    uint64_t life;
    char title[32];
    int status;

    options_init(&options);
    if (!command_read(command, arguments_count, arguments, &options, operands, 2, &status)) {
        return status;
    }
    if (strcmp(operands[0], "express") == 0) {
        worker = options.workers;
    } else if (!text_parse_u64(operands[0], &worker) || worker >= options.workers) {
        return COMMAND_MISUSED;
    }
    if (!text_parse_u64(operands[1], &life)) {
        return COMMAND_MISUSED;
    }
    /* 15 bytes are kept of it: "weir: worker 25", "weir: worker ex". */
    snprintf(title, sizeof title, "weir: worker %s", operands[0]);
    prctl(PR_SET_NAME, title);
    return worker_loop_run(&options, (uint32_t)worker, life, runtime_dir);
}

static bool was_started_by_supervisor(void)
{
    struct stat control;

    return fstat(ROLE_CONTROL_FD, &control) == 0 && S_ISSOCK(control.st_mode);
}

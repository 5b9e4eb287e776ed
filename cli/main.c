/* weir: the one executable. Finds the command and runs it; each is a file command_NAME.c. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/command_list.h"
#include "common/text.h"

static void hold_standard_descriptors(void) __attribute__((constructor(101)));
static void leave_no_core(void);
static const struct command *find_command(const char *name);
static void print_overview(void);
static int unknown_command(const char *name);

int main(int count, char *vector[])
{
    int arguments_count = count > 1 ? count - 1 : 0;
    const char *const *arguments = (const char *const *)vector + 1;
    const char *first = arguments_count > 0 ? arguments[0] : "";

    /* A file that may not grow fails the write, as a full disk does; all processes inherit this. */
    (void)signal(SIGXFSZ, SIG_IGN);
    leave_no_core();
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        print_overview();
        return COMMAND_DONE;
    }
    if (strcmp(first, "--version") == 0) {
        printf("weir " WEIR_VERSION "\n");
        return COMMAND_DONE;
    }
    /* Fivetran starts `weir --port N`. */
    if (arguments_count == 0 || first[0] == '-') {
        return command_serve.run(&command_serve, arguments_count, arguments);
    }

    const struct command *command = find_command(first);

    if (command == NULL) {
        return unknown_command(first);
    }
    return command->run(command, arguments_count - 1, arguments + 1);
}

/* Whoever starts us with standard output closed must not find the log in a table's file, which
 * would otherwise get that number. A constructor, because one of gRPC's opens a descriptor, too. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* The lowest free number is the one that is missing. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
            fprintf(stderr,
                    "weir: could not open \"/dev/null\" in place of a closed standard "
                    "descriptor\n");
            _exit(COMMAND_FAILED);
        }
    }
}

/* Every process holds keys or rows: no core file may show them. A limit of 0 lets a core still go
 * to a program such as systemd-coredump; a limit of 1 keeps it from there, too (core(5), and
 * fs/coredump.c, which reads 1 as "this process must not dump"). */
static void leave_no_core(void)
{
    struct rlimit core = {.rlim_cur = 1, .rlim_max = 1};

    if (setrlimit(RLIMIT_CORE, &core) != 0) {
        core.rlim_cur = core.rlim_max = 0;
        (void)setrlimit(RLIMIT_CORE, &core);
    }
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < commands_count; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static void print_overview(void)
{
    printf(
        "weir is a Fivetran destination that keeps every table in an embedded store.\n"
        "\n"
        "usage: weir COMMAND [options]\n"
        "       weir [options]             the same as weir serve [options]\n"
        "\n"
        "commands:\n");
    for (size_t i = 0; i < commands_count; i++) {
        if (!commands[i]->hidden) {
            printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
        }
    }
    printf(
        "\n"
        "weir COMMAND --help tells all about a command, weir --version which weir this is.\n"
        "To begin: start `weir serve`, point Fivetran (or grpcurl) at port 50052 of this\n"
        "machine, and look at what arrived with `weir tables --data-dir ./weir-data`.\n");
}

static int unknown_command(const char *name)
{
    fprintf(stderr, "weir: unknown command \"%s\", accepted are", text_name(name).text);
    for (size_t i = 0; i < commands_count; i++) {
        if (!commands[i]->hidden) {
            fprintf(stderr, "%s %s", i > 0 ? "," : "", commands[i]->name);
        }
    }
    fprintf(stderr, "\n");
    return COMMAND_MISUSED;
}

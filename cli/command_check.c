/* weir check: whether a data folder is whole.
 *
 * A damaged file can kill whoever reads it through LMDB's map. So the registry and each table are
 * looked at in a process of their own, and its end is a finding like others. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/command_list.h"
#include "cli/output.h"
#include "cli/reading.h"
#include "common/mem.h"
#include "common/text.h"
#include "worker/check/check.h"

/* The names of all tables: schema, table, schema, table... */
struct names {
    char **items;
    size_t count;
};

/* One part of the folder, as a process of its own looks at it. */
struct part {
    const struct reading *reading;
    const char *schema_name; /* NULL: not a table */
    const char *table_name;
    struct output output;
    bool sound;
};

typedef bool part_check(struct part *part, struct store *store, struct error *err);

static int run(const struct command *command, int arguments_count, const char *const arguments[]);
static bool check_all(const struct reading *reading, bool *sound_out, struct error *err);
static bool list_names(const struct reading *reading, struct names *names, struct error *err);
static bool add_name(void *context, const struct table *table);
static void free_names(struct names *names);
static bool is_served(const struct reading *reading);
static bool look_apart(struct part *part, part_check *look);
static void look_and_exit(struct part *part, part_check *look) __attribute__((noreturn));
static part_check look_at_registry;
static part_check look_at_table;
static part_check look_for_leftovers;
static void tell_of_table(void *context, const char *finding);
static store_leftover tell_of_leftover;

static const char manual[] =
    "Reads everything that a data folder holds and says what is wrong and where: rows that are\n"
    "damaged or out of order, keys that are not those of their rows, files that are missing, and\n"
    "what a crash left behind (a server removes that when it starts; while one runs, its own work\n"
    "is not told apart and not looked for). Nothing is changed. The server may run meanwhile.\n"
    "\n"
    "Exit status: 0 all is well, 1 something was found, or the folder cannot be read.\n";

static const struct option options[] = {
    READING_DATA_DIR,
    READING_MAP_SIZE,
    {.name = NULL},
};

const struct command command_check = {
    .name = "check",
    .synopsis = "[--data-dir FOLDER]",
    .summary = "verify a data folder",
    .manual = manual,
    .options = options,
    .run = run,
};

static int run(const struct command *command, int arguments_count, const char *const arguments[])
{
    struct reading reading = {0};
    struct error err = {0};
    bool sound = true;
    int status = COMMAND_DONE;

    if (!command_read(command, arguments_count, arguments, &reading, NULL, 0, &status)) {
        return status;
    }
    if (!check_all(&reading, &sound, &err)) {
        return command_fail(&err);
    }
    return sound ? COMMAND_DONE : COMMAND_FAILED;
}

static bool check_all(const struct reading *reading, bool *sound_out, struct error *err)
{
    struct part registry = {.reading = reading};
    struct names names = {0};

    if (access(reading->data_dir, R_OK | X_OK) != 0) {
        return error_set_errno(err, ERROR_REQUEST, "could not open data folder \"%s\"",
                               text_path(reading->data_dir).text);
    }
    *sound_out = look_apart(&registry, look_at_registry);
    if (!*sound_out) {
        return true;
    }
    if (!list_names(reading, &names, err)) {
        free_names(&names);
        return false;
    }
    for (size_t i = 0; i < names.count; i += 2) {
        struct part table = {
            .reading = reading,
            .schema_name = names.items[i],
            .table_name = names.items[i + 1],
        };

        *sound_out = look_apart(&table, look_at_table) && *sound_out;
    }
    free_names(&names);
    if (!is_served(reading)) {
        *sound_out = look_apart(&registry, look_for_leftovers) && *sound_out;
    }
    return true;
}

/* The store is closed again before a process is forked: LMDB must not cross that. */
static bool list_names(const struct reading *reading, struct names *names, struct error *err)
{
    OWNED(store_close) struct store *store = NULL;

    return reading_open(reading, &store, err) && registry_each(store, add_name, names, err);
}

static bool add_name(void *context, const struct table *table)
{
    struct names *names = context;

    names->items = mem_resize_array(names->items, names->count + 2, sizeof *names->items);
    names->items[names->count++] = mem_text(table->schema_name);
    names->items[names->count++] = mem_text(table->name);
    return true;
}

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        mem_free(names->items[i]);
    }
    mem_free(names->items);
}

/* A server, and whatever of it is left, holds the folder's LOCK. */
static bool is_served(const struct reading *reading)
{
    OWNED(mem_release) char *path = mem_format("%s/LOCK", reading->data_dir);
    int lock = open(path, O_RDONLY | O_CLOEXEC);
    bool served = lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

    if (lock >= 0) {
        (void)close(lock);
    }
    return served;
}

/* False: something was found, and printed. */
static bool look_apart(struct part *part, part_check *look)
{
    pid_t process = fork();
    int status = 0;

    if (process == 0) {
        look_and_exit(part, look);
    }
    if (process < 0) {
        (void)printf("could not start a process: %s\n", strerror(errno));
        return false;
    }
    while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
        (void)printf("%s%s%s: its file is damaged: reading it ended in signal %d (%s)\n",
                     part->schema_name != NULL ? part->schema_name : "the registry",
                     part->schema_name != NULL ? "." : "",
                     part->schema_name != NULL ? part->table_name : "", WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
        (void)fflush(stdout);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == COMMAND_DONE;
}

static void look_and_exit(struct part *part, part_check *look)
{
    struct store *store = NULL;
    struct error err = {0};
    bool done = reading_open(part->reading, &store, &err);

    part->sound = true;
    done = done && look(part, store, &err) && output_flush(&part->output, &err);
    store_close(&store);
    if (!done) {
        part->sound = false;
        (void)printf("%s\n", err.message);
        (void)fflush(stdout);
    }
    _exit(part->sound ? COMMAND_DONE : COMMAND_FAILED);
}

static bool look_at_registry(struct part *part, struct store *store, struct error *err)
{
    (void)part;
    return registry_check(store, err);
}

static bool look_at_table(struct part *part, struct store *store, struct error *err)
{
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    uint64_t rows = 0;

    if (!store_reader_open(store, part->schema_name, part->table_name, &reader, err)) {
        return false;
    }
    if (reader == NULL) {
        return true; /* dropped since the names were read */
    }
    part->sound = check_rows(reader, tell_of_table, part, &rows);
    if (part->sound) {
        buffer_append_format(&part->output.text, "%s.%s: sound, %llu rows\n",
                             text_name(part->schema_name).text, text_name(part->table_name).text,
                             (unsigned long long)rows);
    }
    return true;
}

static void tell_of_table(void *context, const char *finding)
{
    struct part *part = context;
    struct error ignored = {0};

    buffer_append_format(&part->output.text, "%s.%s: %s\n", text_name(part->schema_name).text,
                         text_name(part->table_name).text, finding);
    (void)!output_flush(&part->output, &ignored); /* whatever comes of reading on */
}

static bool look_for_leftovers(struct part *part, struct store *store, struct error *err)
{
    return store_leftovers(store, tell_of_leftover, part, err);
}

static bool tell_of_leftover(void *context, const char *path, struct error *err)
{
    struct part *part = context;

    (void)err;
    part->sound = false;
    buffer_append_format(&part->output.text, "left over: \"%s\"\n", text_path(path).text);
    return true;
}

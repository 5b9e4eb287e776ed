/* weir compact: space that tables no longer need goes back to the disk. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "admin.pb-c.h"
#include "cli/command.h"
#include "cli/command_list.h"
#include "cli/reading.h"
#include "common/mem.h"
#include "common/text.h"
#include "frontend/gateway/caller.h"
#include "frontend/supervisor/data_folder.h"

/* The compaction of one table after the other. */
struct compaction {
    const char *runtime_dir; /* of the server */
    const char *schema_name; /* NULL: of all tables */
    const char *table_name;
    struct table **tables; /* that are meant */
    size_t tables_count;
};

static int run(const struct command *command, int arguments_count, const char *const arguments[]);
static bool compact(const struct reading *reading, struct compaction *compaction,
                    struct error *err);
static bool list(const struct reading *reading, struct compaction *compaction, struct error *err);
static bool collect(void *context, const struct table *table);
static bool compact_one(const struct compaction *compaction, const struct table *table,
                        struct error *err);
static void compaction_clear(struct compaction *compaction);

static const char manual[] =
    "Gives back the space that deleted rows and dropped columns have left in a table's file, of\n"
    "one table or of all, one after the other. The server does it, so it has to run; the table's\n"
    "batches wait meanwhile, those of other tables and readers do not. The rows need room on the\n"
    "disk once more until it is done. Prints a line for each table with the size of its file\n"
    "before and after, in bytes. Run this as the server's user.\n";

static const struct option options[] = {
    READING_DATA_DIR,
    READING_MAP_SIZE,
    {.name = NULL},
};

const struct command command_compact = {
    .name = "compact",
    .synopsis = "[--data-dir FOLDER] [SCHEMA TABLE]",
    .summary = "give back the space that tables no longer need",
    .manual = manual,
    .options = options,
    .operands_optional = true,
    .run = run,
};

static int run(const struct command *command, int arguments_count, const char *const arguments[])
{
    struct reading reading = {0};
    OWNED(compaction_clear) struct compaction compaction = {0};
    const char *names[2] = {NULL, NULL};
    struct error err = {0};
    int status = COMMAND_DONE;

    if (!command_read(command, arguments_count, arguments, &reading, names, 2, &status)) {
        return status;
    }
    compaction.schema_name = names[0];
    compaction.table_name = names[1];
    return compact(&reading, &compaction, &err) ? COMMAND_DONE : command_fail(&err);
}

static bool compact(const struct reading *reading, struct compaction *compaction, struct error *err)
{
    OWNED(mem_release) char *runtime_dir = NULL;

    if (!data_folder_find_server(reading->data_dir, &runtime_dir, err) ||
        !list(reading, compaction, err)) {
        return false;
    }
    compaction->runtime_dir = runtime_dir;
    for (size_t i = 0; i < compaction->tables_count; i++) {
        if (!compact_one(compaction, compaction->tables[i], err)) {
            return false;
        }
    }
    return true;
}

static bool list(const struct reading *reading, struct compaction *compaction, struct error *err)
{
    OWNED(store_close) struct store *store = NULL;

    if (!reading_open(reading, &store, err) || !registry_each(store, collect, compaction, err)) {
        return false;
    }
    if (compaction->schema_name != NULL && compaction->tables_count == 0) {
        return reading_no_table(compaction->schema_name, compaction->table_name, err);
    }
    return true;
}

static bool collect(void *context, const struct table *table)
{
    struct compaction *compaction = context;

    if (compaction->schema_name == NULL ||
        (strcmp(compaction->schema_name, table->schema_name) == 0 &&
         strcmp(compaction->table_name, table->name) == 0)) {
        compaction->tables = mem_resize_array(compaction->tables, compaction->tables_count + 1,
                                              sizeof(struct table *));
        compaction->tables[compaction->tables_count++] = table_copy(table);
    }
    return true;
}

static bool compact_one(const struct compaction *compaction, const struct table *table,
                        struct error *err)
{
    Weir__CompactRequest request = WEIR__COMPACT_REQUEST__INIT;
    const struct caller_terms terms = {
        .runtime_dir = compaction->runtime_dir,
        .path = "/weir.Admin/Compact",
        .request = &request.base,
        .response = &weir__compact_response__descriptor,
    };
    ProtobufCMessage *response = NULL;
    const Weir__CompactResponse *sizes = NULL;

    request.schema_name = table->schema_name;
    request.table_name = table->name;
    if (!caller_call(&terms, &response, err)) {
        return false;
    }
    sizes = (const void *)response;
    printf("%s.%s  %llu -> %llu\n", text_name(table->schema_name).text, text_name(table->name).text,
           (unsigned long long)sizes->bytes_before, (unsigned long long)sizes->bytes_after);
    protobuf_c_message_free_unpacked(response, NULL);
    return fflush(stdout) == 0 || error_set_errno(err, ERROR_STORE, "could not write");
}

static void compaction_clear(struct compaction *compaction)
{
    for (size_t i = 0; i < compaction->tables_count; i++) {
        table_free(&compaction->tables[i]);
    }
    mem_free(compaction->tables);
}

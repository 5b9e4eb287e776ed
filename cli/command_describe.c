/* weir describe: the columns of one table. */
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/command_list.h"
#include "cli/output.h"
#include "cli/reading.h"

static int run(const struct command *command, int arguments_count, const char *const arguments[]);
static bool describe(const struct reading *reading, const char *schema_name, const char *table_name,
                     struct error *err);
static void add_column(struct output_table *lines, const struct column *column);

static const char manual[] =
    "Prints one line for each column of a table: name, type as the protocol calls it, \"key\" for\n"
    "those of the primary key, precision and scale of a DECIMAL, length of a STRING where it was\n"
    "given (weir limits none).\n";

static const struct option options[] = {
    READING_DATA_DIR,
    READING_MAP_SIZE,
    {.name = NULL},
};

const struct command command_describe = {
    .name = "describe",
    .synopsis = "[--data-dir FOLDER] SCHEMA TABLE",
    .summary = "show the columns of a table",
    .manual = manual,
    .options = options,
    .run = run,
};

static int run(const struct command *command, int arguments_count, const char *const arguments[])
{
    struct reading reading = {0};
    const char *operands[2];
    struct error err = {0};
    int status = COMMAND_DONE;

    if (!command_read(command, arguments_count, arguments, &reading, operands, 2, &status)) {
        return status;
    }
    return describe(&reading, operands[0], operands[1], &err) ? COMMAND_DONE : command_fail(&err);
}

static bool describe(const struct reading *reading, const char *schema_name, const char *table_name,
                     struct error *err)
{
    OWNED(store_close) struct store *store = NULL;
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    OWNED(output_table_free) struct output_table *lines = output_table_new(4);
    struct output output = {{0}};
    const struct table *table = NULL;
    bool done = false;

    if (!reading_open(reading, &store, err) ||
        !reading_open_table(store, schema_name, table_name, &reader, err)) {
        return false;
    }
    table = store_reader_table(reader);
    for (size_t i = 0; i < table->columns_count; i++) {
        add_column(lines, &table->columns[i]);
    }
    output_table_print(lines, &output.text);
    done = output_flush(&output, err);
    buffer_clear(&output.text);
    return done;
}

static void add_column(struct output_table *lines, const struct column *column)
{
    char params[32] = "";

    if (column->has_decimal) {
        (void)snprintf(params, sizeof params, "(%u,%u)", (unsigned)column->precision,
                       (unsigned)column->scale);
    } else if (column->string_byte_length > 0) {
        (void)snprintf(params, sizeof params, "(%u)", (unsigned)column->string_byte_length);
    }
    output_table_add(lines, column->name);
    output_table_add(lines, column_type_name(column->type));
    output_table_add(lines, column->key_position > 0 ? "key" : "");
    output_table_add(lines, params);
}

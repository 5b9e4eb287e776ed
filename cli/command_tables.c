/* weir tables: what is in a data folder. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/command_list.h"
#include "cli/output.h"
#include "cli/reading.h"
#include "common/text.h"

enum {
    FORMAT_TABLE,
    FORMAT_JSONL,
};

/* The listing under way. */
struct listing {
    struct store *store;
    struct output output;
    struct output_table *lines; /* NULL: jsonl */
    struct error *err;
    bool failed;
};

static int run(const struct command *command, int arguments_count, const char *const arguments[]);
static bool list(const struct reading *reading, struct error *err);
static void add_heading(struct output_table *lines);
static bool collect(void *context, const struct table *table);
static bool count_rows(struct listing *listing, const struct table *table, uint64_t *rows_out,
                       bool *gone_out);
static void add_line(struct output_table *lines, const struct table *table, uint64_t rows);
static void append_object(struct buffer *out, const struct table *table, uint64_t rows);
static void append_key_names(struct buffer *out, const struct table *table);

static const char *const formats[] = {"table", "jsonl", NULL};

static const char manual[] =
    "Lists the tables of a data folder, in order of schema and name, with their rows, columns and\n"
    "primary keys. The server may run meanwhile.\n";

static const struct option options[] = {
    READING_DATA_DIR,
    READING_MAP_SIZE,
    {.name = "format",
      .variable = "WEIR_FORMAT",
      .kind = OPTION_CHOICE,
      .offset = offsetof(struct reading, format),
      .fallback = "table",
      .choices = formats,
      .placeholder = "FORMAT",
      .help = "table for people, jsonl for programs: one JSON object a line"},
    {.name = NULL},
};

const struct command command_tables = {
    .name = "tables",
    .synopsis = "[--data-dir FOLDER] [--format table|jsonl]",
    .summary = "list the tables",
    .manual = manual,
    .options = options,
    .run = run,
};

static int run(const struct command *command, int arguments_count, const char *const arguments[])
{
    struct reading reading = {0};
    struct error err = {0};
    int status = COMMAND_DONE;

    if (!command_read(command, arguments_count, arguments, &reading, NULL, 0, &status)) {
        return status;
    }
    return list(&reading, &err) ? COMMAND_DONE : command_fail(&err);
}

static bool list(const struct reading *reading, struct error *err)
{
    OWNED(store_close) struct store *store = NULL;
    OWNED(output_table_free) struct output_table *lines = NULL;
    struct listing listing = {.err = err};
    bool done = false;

    if (!reading_open(reading, &store, err)) {
        return false;
    }
    if (reading->format == FORMAT_TABLE) {
        lines = output_table_new(5);
        add_heading(lines);
    }
    listing.store = store;
    listing.lines = lines;
    done = registry_each(store, collect, &listing, err) && !listing.failed;
    if (done && lines != NULL) {
        output_table_print(lines, &listing.output.text);
    }
    done = done && output_flush(&listing.output, err);
    buffer_clear(&listing.output.text);
    return done;
}

static void add_heading(struct output_table *lines)
{
    output_table_add(lines, "schema");
    output_table_add(lines, "table");
    output_table_add(lines, "rows");
    output_table_add(lines, "columns");
    output_table_add(lines, "key");
}

static bool collect(void *context, const struct table *table)
{
    struct listing *listing = context;
    uint64_t rows = 0;
    bool gone = false;

    if (!count_rows(listing, table, &rows, &gone)) {
        listing->failed = true;
        return false;
    }
    if (gone) {
        return true;
    }
    if (listing->lines != NULL) {
        add_line(listing->lines, table, rows);
        return true;
    }
    append_object(&listing->output.text, table, rows);
    listing->failed = !output_flush_some(&listing->output, listing->err);
    return !listing->failed;
}

/* The table may have been dropped since the registry was read. */
static bool count_rows(struct listing *listing, const struct table *table, uint64_t *rows_out,
                       bool *gone_out)
{
    OWNED(store_reader_close) struct store_reader *reader = NULL;

    if (!store_reader_open(listing->store, table->schema_name, table->name, &reader,
                           listing->err)) {
        return false;
    }
    *gone_out = reader == NULL;
    *rows_out = reader != NULL ? store_reader_rows(reader) : 0;
    return true;
}

static void add_line(struct output_table *lines, const struct table *table, uint64_t rows)
{
    OWNED(buffer_clear) struct buffer key = {0};
    char number[32];

    output_table_add(lines, table->schema_name);
    output_table_add(lines, table->name);
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)rows);
    output_table_add(lines, number);
    (void)snprintf(number, sizeof number, "%zu", table->columns_count);
    output_table_add(lines, number);
    for (uint32_t i = 1; i <= table_key_count(table); i++) {
        buffer_append_format(&key, "%s%s", i > 1 ? ", " : "", table_key_column(table, i)->name);
    }
    buffer_append_byte(&key, '\0');
    output_table_add(lines, (const char *)key.bytes);
}

static void append_object(struct buffer *out, const struct table *table, uint64_t rows)
{
    buffer_append_format(out, "{\"schema\":");
    text_append_json(out, table->schema_name, strlen(table->schema_name));
    buffer_append_format(out, ",\"table\":");
    text_append_json(out, table->name, strlen(table->name));
    buffer_append_format(out, ",\"rows\":%llu,\"columns\":%zu,\"key\":", (unsigned long long)rows,
                         table->columns_count);
    append_key_names(out, table);
    buffer_append_format(out, "}\n");
}

static void append_key_names(struct buffer *out, const struct table *table)
{
    buffer_append_byte(out, '[');
    for (uint32_t i = 1; i <= table_key_count(table); i++) {
        const char *name = table_key_column(table, i)->name;

        if (i > 1) {
            buffer_append_byte(out, ',');
        }
        text_append_json(out, name, strlen(name));
    }
    buffer_append_byte(out, ']');
}

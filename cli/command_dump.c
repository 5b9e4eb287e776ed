/* weir dump: the rows of one table, as of one moment. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/command_list.h"
#include "cli/output.h"
#include "cli/reading.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

enum {
    FORMAT_JSONL,
    FORMAT_CSV,
};

enum {
    PROGRESS_ROWS = 4096,
    PROGRESS_INTERVAL_US = 500000,
};

/* A dump under way. */
struct dump {
    struct store_reader *reader;
    const struct table *table;
    bool csv;
    struct output output;
    struct row_cell *cells; /* of one row, by position in the table; stored NULL: NULL */
    struct buffer *labels;  /* "{\"name\":" and ",\"name\":", likewise */
    struct buffer scratch;
    uint64_t rows;
    bool shows_progress;
    uint64_t progress_us;
};

static int run(const struct command *command, int arguments_count, const char *const arguments[]);
static bool dump(const struct reading *reading, const char *schema_name, const char *table_name,
                 struct error *err);
static void make_labels(struct dump *dump);
static void free_labels(struct dump *dump);
static bool dump_rows(struct dump *dump, struct error *err);
static void append_header(struct dump *dump);
static bool read_cells(struct dump *dump, const uint8_t *row, size_t length, struct error *err);
static bool place_cell(struct dump *dump, size_t *from, const struct row_cell *cell,
                       struct error *err);
static const struct column *find_column(const struct table *table, size_t *from, uint32_t id);
static void append_csv(struct dump *dump);
static void append_json(struct dump *dump);
static void show_progress(struct dump *dump);

static const char *const formats[] = {"jsonl", "csv", NULL};

static const char manual[] =
    "Prints the rows of a table in primary key order: a whole number of batches, while the server\n"
    "runs and while it does not. jsonl: one JSON object a row; DECIMAL is a string, exact; times "
    "are\n"
    "ISO 8601, BINARY is base64. csv: a header, then one line a row; NULL is an empty cell, an "
    "empty\n"
    "string is \"\".\n";

static const struct option options[] = {
    READING_DATA_DIR,
    READING_MAP_SIZE,
    {.name = "format",
      .variable = "WEIR_FORMAT",
      .kind = OPTION_CHOICE,
      .offset = offsetof(struct reading, format),
      .fallback = "jsonl",
      .choices = formats,
      .placeholder = "FORMAT",
      .help = "jsonl or csv"},
    {.name = NULL},
};

const struct command command_dump = {
    .name = "dump",
    .synopsis = "[--data-dir FOLDER] [--format jsonl|csv] SCHEMA TABLE",
    .summary = "print the rows of a table",
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
    return dump(&reading, operands[0], operands[1], &err) ? COMMAND_DONE : command_fail(&err);
}

static bool dump(const struct reading *reading, const char *schema_name, const char *table_name,
                 struct error *err)
{
    OWNED(store_close) struct store *store = NULL;
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    struct dump state = {.csv = reading->format == FORMAT_CSV};
    bool done = false;

    if (!reading_open(reading, &store, err) ||
        !reading_open_table(store, schema_name, table_name, &reader, err)) {
        return false;
    }
    state.reader = reader;
    state.table = store_reader_table(reader);
    state.cells = mem_zero_array(state.table->columns_count, sizeof *state.cells);
    make_labels(&state);
    output_widen_pipe();
    state.shows_progress = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 0;
    state.progress_us = clock_us();
    done = dump_rows(&state, err) && output_flush(&state.output, err);
    mem_free(state.cells);
    free_labels(&state);
    buffer_clear(&state.scratch);
    buffer_clear(&state.output.text);
    return done;
}

/* What stands in front of each value in JSON, the same in every row. */
static void make_labels(struct dump *dump)
{
    dump->labels = mem_zero_array(dump->table->columns_count, sizeof *dump->labels);
    for (size_t i = 0; i < dump->table->columns_count; i++) {
        const char *name = dump->table->columns[i].name;

        buffer_append_byte(&dump->labels[i], i > 0 ? ',' : '{');
        text_append_json(&dump->labels[i], name, strlen(name));
        buffer_append_byte(&dump->labels[i], ':');
    }
}

static void free_labels(struct dump *dump)
{
    for (size_t i = 0; i < dump->table->columns_count; i++) {
        buffer_clear(&dump->labels[i]);
    }
    mem_free(dump->labels);
}

static bool dump_rows(struct dump *dump, struct error *err)
{
    const uint8_t *key = NULL;
    const uint8_t *row = NULL;
    size_t key_length = 0;
    size_t row_length = 0;
    enum store_next next = STORE_END;

    if (dump->csv) {
        append_header(dump);
    }
    while ((next = store_reader_next(dump->reader, &key, &key_length, &row, &row_length, err)) ==
           STORE_ROW) {
        if (!read_cells(dump, row, row_length, err)) {
            return error_wrap(err, "row %llu", (unsigned long long)dump->rows + 1);
        }
        if (dump->csv) {
            append_csv(dump);
        } else {
            append_json(dump);
        }
        if (!output_flush_some(&dump->output, err)) {
            return false;
        }
        if (++dump->rows % PROGRESS_ROWS == 0 && dump->shows_progress) {
            show_progress(dump);
        }
    }
    if (dump->shows_progress && dump->rows > PROGRESS_ROWS) {
        (void)fprintf(stderr, "\r%llu rows   \n", (unsigned long long)dump->rows);
    }
    return next == STORE_END;
}

static void append_header(struct dump *dump)
{
    for (size_t i = 0; i < dump->table->columns_count; i++) {
        const char *name = dump->table->columns[i].name;

        if (i > 0) {
            buffer_append_byte(&dump->output.text, ',');
        }
        output_append_csv(&dump->output.text, name, strlen(name));
    }
    buffer_append_byte(&dump->output.text, '\n');
}

/* Puts the row's cells where their columns are. */
static bool read_cells(struct dump *dump, const uint8_t *row, size_t length, struct error *err)
{
    struct row_cursor cursor;
    struct row_cell cell = {0};
    enum row_next next = ROW_BROKEN;
    size_t from = 0;

    for (size_t i = 0; i < dump->table->columns_count; i++) {
        dump->cells[i].stored = NULL;
    }
    if (length >= ROW_SEQUENCE_BYTES) {
        row_cursor_init(&cursor, row + ROW_SEQUENCE_BYTES, length - ROW_SEQUENCE_BYTES);
        while ((next = row_cursor_next(&cursor, &cell)) == ROW_CELL) {
            if (!place_cell(dump, &from, &cell, err)) {
                return false;
            }
        }
    }
    return next == ROW_END || error_set(err, ERROR_STORE, "the row is damaged");
}

/* The cells of dropped columns are left out. */
static bool place_cell(struct dump *dump, size_t *from, const struct row_cell *cell,
                       struct error *err)
{
    const struct column *column = find_column(dump->table, from, cell->column_id);

    if (column == NULL || cell->is_null) {
        return true;
    }
    if (!type_of(column->type)->is_valid(cell->stored, cell->length)) {
        return error_set(err, ERROR_STORE, "column \"%s\" is damaged",
                         text_name(column->name).text);
    }
    dump->cells[column - dump->table->columns] = *cell;
    return true;
}

/* Cells stand in order of their ids, and so do most columns: the one wanted is nearly always the
 * next one, and a row of thousands of columns takes one walk. */
static const struct column *find_column(const struct table *table, size_t *from, uint32_t id)
{
    while (*from < table->columns_count && table->columns[*from].id < id) {
        (*from)++;
    }
    if (*from < table->columns_count && table->columns[*from].id == id) {
        return &table->columns[*from];
    }
    return table_column_by_id(table, id);
}

static void append_csv(struct dump *dump)
{
    struct buffer *out = &dump->output.text;

    for (size_t i = 0; i < dump->table->columns_count; i++) {
        const struct row_cell *cell = &dump->cells[i];

        if (i > 0) {
            buffer_append_byte(out, ',');
        }
        if (cell->stored != NULL) {
            buffer_reset(&dump->scratch);
            type_of(dump->table->columns[i].type)
                ->append_text(cell->stored, cell->length, &dump->scratch);
            output_append_csv(out, dump->scratch.bytes, dump->scratch.length);
        }
    }
    buffer_append_byte(out, '\n');
}

static void append_json(struct dump *dump)
{
    struct buffer *out = &dump->output.text;

    for (size_t i = 0; i < dump->table->columns_count; i++) {
        const struct column *column = &dump->table->columns[i];
        const struct row_cell *cell = &dump->cells[i];

        buffer_append(out, dump->labels[i].bytes, dump->labels[i].length);
        if (cell->stored != NULL) {
            type_of(column->type)->append_json(cell->stored, cell->length, out);
        } else {
            buffer_append(out, "null", 4);
        }
    }
    buffer_append(out, "}\n", 2);
}

static void show_progress(struct dump *dump)
{
    uint64_t now_us = clock_us();

    if (now_us - dump->progress_us > PROGRESS_INTERVAL_US) {
        dump->progress_us = now_us;
        (void)fprintf(stderr, "\r%llu of %llu rows", (unsigned long long)dump->rows,
                      (unsigned long long)store_reader_rows(dump->reader));
    }
}

/* Loads CSV files with the sqlite3 library as fast as it can, for comparison.
 *
 *     bench_sqlite DATABASE SCHEMA INSERT KINDS KEYS FILE...
 *
 * KINDS has a letter for each column, as bench_rows has them; the first KEYS columns are the
 * primary key. The rows of each file are sorted by it before they are inserted: sqlite is several
 * times faster with neighbours after each other. One transaction, durable at its end. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

static const char tuning[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -524288;";

struct cell {
    const char *bytes;
    size_t length;
};

/* The rows of one file: `cells` has `columns` cells for each, which point into `text`. */
struct rows {
    char *text;
    size_t text_length;
    struct cell *cells;
    size_t cells_count;
    size_t cells_room;
};

static const char *kinds = NULL; /* for compare_rows() */
static size_t columns = 0;
static size_t keys = 0;

static void read_file(const char *path, struct rows *rows);
static void split(struct rows *rows);
static void insert_rows(sqlite3_stmt *statement, const struct rows *rows);
static int compare_rows(const void *first, const void *second);
static void bind(sqlite3_stmt *statement, int column, const struct cell *cell);
static void *grow(void *memory, size_t size);
static void must(bool done, const char *what);

int main(int arguments_count, char *arguments[])
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;

    if (arguments_count < 7) {
        fprintf(stderr, "usage: bench_sqlite DATABASE SCHEMA INSERT KINDS KEYS FILE...\n");
        return 2;
    }
    kinds = arguments[4];
    columns = strlen(kinds);
    keys = strtoul(arguments[5], NULL, 10);
    must(sqlite3_open(arguments[1], &database) == SQLITE_OK, "open");
    must(sqlite3_exec(database, tuning, NULL, NULL, NULL) == SQLITE_OK, "set up");
    must(sqlite3_exec(database, arguments[2], NULL, NULL, NULL) == SQLITE_OK, "create the table");
    must(sqlite3_exec(database, "BEGIN", NULL, NULL, NULL) == SQLITE_OK, "begin");
    must(sqlite3_prepare_v2(database, arguments[3], -1, &statement, NULL) == SQLITE_OK, "prepare");
    for (int i = 6; i < arguments_count; i++) {
        struct rows rows = {0};

        read_file(arguments[i], &rows);
        split(&rows);
        insert_rows(statement, &rows);
        free(rows.text);
        free(rows.cells);
    }
    sqlite3_finalize(statement);
    must(sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, "commit");
    must(sqlite3_close(database) == SQLITE_OK, "close");
    return 0;
}

static void read_file(const char *path, struct rows *rows)
{
    FILE *file = fopen(path, "r");
    size_t room = 0;
    size_t got = 1;

    must(file != NULL, path);
    while (got > 0) {
        if (rows->text_length == room) {
            room = 2 * room + (1 << 20);
            rows->text = grow(rows->text, room);
        }
        got = fread(rows->text + rows->text_length, 1, room - rows->text_length, file);
        rows->text_length += got;
    }
    must(fclose(file) == 0, path);
}

/* Into cells, the header's among them; quotes are taken off in place. */
static void split(struct rows *rows)
{
    char *at = rows->text;
    const char *end = at + rows->text_length;

    while (at < end) {
        char *out = at;
        const char *start = at;
        bool in_quotes = false;
        bool was_quoted = false;

        for (; at < end && (in_quotes || (*at != ',' && *at != '\n')); at++) {
            if (*at != '"') {
                *out++ = *at;
                continue;
            }
            if (!in_quotes && was_quoted) {
                *out++ = '"';
            }
            in_quotes = !in_quotes;
            was_quoted = true;
        }
        at++;
        if (rows->cells_count == rows->cells_room) {
            rows->cells_room = 2 * rows->cells_room + 1024;
            rows->cells = grow(rows->cells, rows->cells_room * sizeof *rows->cells);
        }
        rows->cells[rows->cells_count++] = (struct cell){start, (size_t)(out - start)};
    }
    must(rows->cells_count % columns == 0, "split a file");
}

static void insert_rows(sqlite3_stmt *statement, const struct rows *rows)
{
    size_t count = rows->cells_count / columns;
    const struct cell **sorted = grow(NULL, count * sizeof *sorted);

    for (size_t i = 1; i < count; i++) {
        sorted[i - 1] = rows->cells + i * columns;
    }
    qsort(sorted, count - 1, sizeof *sorted, compare_rows);
    for (size_t i = 0; i + 1 < count; i++) {
        for (size_t column = 0; column < columns; column++) {
            bind(statement, (int)column, &sorted[i][column]);
        }
        must(sqlite3_step(statement) == SQLITE_DONE, "insert");
        must(sqlite3_reset(statement) == SQLITE_OK, "insert");
    }
    free(sorted);
}

static int compare_rows(const void *first, const void *second)
{
    const struct cell *a = *(const struct cell *const *)first;
    const struct cell *b = *(const struct cell *const *)second;
    int order = 0;

    for (size_t i = 0; i < keys && order == 0; i++) {
        if (kinds[i] == 'k') {
            long long left = strtoll(a[i].bytes, NULL, 10);
            long long right = strtoll(b[i].bytes, NULL, 10);

            order = (left > right) - (left < right);
        } else {
            size_t shorter = a[i].length < b[i].length ? a[i].length : b[i].length;

            order = memcmp(a[i].bytes, b[i].bytes, shorter);
            if (order == 0) {
                order = (a[i].length > b[i].length) - (a[i].length < b[i].length);
            }
        }
    }
    return order;
}

/* Numbers as numbers, all else as text: what sqlite stores natively. */
static void bind(sqlite3_stmt *statement, int column, const struct cell *cell)
{
    int place = column + 1;

    switch (kinds[column]) {
    case 'k':
    case 'i':
    case 'l':
        sqlite3_bind_int64(statement, place, strtoll(cell->bytes, NULL, 10));
        break;
    case 'f':
        sqlite3_bind_double(statement, place, strtod(cell->bytes, NULL));
        break;
    case 'b':
    case 'A':
    case 'X':
        sqlite3_bind_int(statement, place, cell->bytes[0] == 't');
        break;
    default:
        sqlite3_bind_text64(statement, place, cell->bytes, cell->length, SQLITE_STATIC,
                            SQLITE_UTF8);
    }
}

static void *grow(void *memory, size_t size)
{
    memory = realloc(memory, size);
    must(memory != NULL, "find memory");
    return memory;
}

static void must(bool done, const char *what)
{
    if (!done) {
        fprintf(stderr, "bench_sqlite: could not %s\n", what);
        exit(1);
    }
}

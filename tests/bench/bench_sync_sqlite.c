/* Loads the CSV files of the sync benchmark with the sqlite3 library, for comparison.
 *
 *     bench_sync_sqlite DATABASE FILE...
 *
 * It gets the plain CSV, so it neither decrypts nor decompresses; one table with the same primary
 * key, as an INTEGER PRIMARY KEY, sqlite's fastest; one transaction, durable at its end. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

enum {
    COLUMNS = 12,
    LINE_BYTES = 4096,
};

/* As numbers where the column is one, as text elsewhere: what sqlite stores natively. */
static const char schema[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -524288;"
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, email TEXT, amount TEXT,"
    " quantity INTEGER, weight REAL, active INTEGER, day TEXT, created TEXT, country TEXT,"
    " notes TEXT, _fivetran_synced TEXT);"
    "BEGIN";

static const char insert[] = "INSERT OR REPLACE INTO orders VALUES (?,?,?,?,?,?,?,?,?,?,?,?)";

static bool load_file(sqlite3 *database, sqlite3_stmt *statement, const char *path);
static int split(char *line, char *cells[COLUMNS]);
static void bind(sqlite3_stmt *statement, int column, const char *cell);

int main(int arguments_count, char *arguments[])
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;

    if (arguments_count < 3) {
        fprintf(stderr, "usage: bench_sync_sqlite DATABASE FILE...\n");
        return 2;
    }
    if (sqlite3_open(arguments[1], &database) != SQLITE_OK ||
        sqlite3_exec(database, schema, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database, insert, -1, &statement, NULL) != SQLITE_OK) {
        fprintf(stderr, "sqlite3: %s\n", sqlite3_errmsg(database));
        return 1;
    }
    for (int i = 2; i < arguments_count; i++) {
        if (!load_file(database, statement, arguments[i])) {
            return 1;
        }
    }
    sqlite3_finalize(statement);
    if (sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "sqlite3: %s\n", sqlite3_errmsg(database));
        return 1;
    }
    return sqlite3_close(database) == SQLITE_OK ? 0 : 1;
}

static bool load_file(sqlite3 *database, sqlite3_stmt *statement, const char *path)
{
    char line[LINE_BYTES];
    char *cells[COLUMNS];
    FILE *file = fopen(path, "r");

    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        perror(path);
        return false;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (split(line, cells) != COLUMNS) {
            fprintf(stderr, "%s: a row of another width\n", path);
            return false;
        }
        for (int column = 0; column < COLUMNS; column++) {
            bind(statement, column, cells[column]);
        }
        if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK) {
            fprintf(stderr, "sqlite3: %s\n", sqlite3_errmsg(database));
            return false;
        }
    }
    fclose(file);
    return true;
}

/* Splits in place; the benchmark's data has quotes around whole cells only, none inside. */
static int split(char *line, char *cells[COLUMNS])
{
    int count = 0;

    while (count < COLUMNS) {
        char end_mark = *line == '"' ? '"' : ',';

        line += end_mark == '"';
        cells[count++] = line;

        char *end = strchr(line, end_mark);

        if (end == NULL) {
            line[strcspn(line, "\r\n")] = '\0';
            break;
        }
        *end = '\0';
        line = end + 1 + (end_mark == '"');
    }
    return count;
}

static void bind(sqlite3_stmt *statement, int column, const char *cell)
{
    switch (column) {
    case 0:
    case 4:
        sqlite3_bind_int64(statement, column + 1, strtoll(cell, NULL, 10));
        break;
    case 5:
        sqlite3_bind_double(statement, column + 1, strtod(cell, NULL));
        break;
    case 6:
        sqlite3_bind_int(statement, column + 1, strcmp(cell, "true") == 0);
        break;
    default:
        sqlite3_bind_text(statement, column + 1, cell, -1, SQLITE_STATIC);
    }
}

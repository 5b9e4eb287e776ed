/* Sums up a table that comes as text, so that two tables can be compared without their rows.
 *
 *     bench_sum KINDS csv|jsonl < TABLE
 *
 * KINDS has a letter for each column, as bench_rows has them. Prints the number of rows, the sum
 * over all rows of a hash of the whole row, and such a sum for each column: the order of the rows
 * has no part in it. Values that databases write in different forms (times, booleans, numbers with
 * a point) are brought into one form first. CSV has a header, which is skipped; a JSON object has
 * the columns in the order of KINDS, and no escapes but backslashes before quotes and backslashes.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS_MAX = 256,
    INPUT_BYTES = 1 << 20,
};

struct cell {
    char *bytes; /* with room for one more than `room` */
    size_t length;
    size_t room;
};

static bool read_csv_cell(struct cell *cell, bool *is_last);
static bool read_json_cell(struct cell *cell, bool *is_last);
static void read_json_text(struct cell *cell);
static void append(struct cell *cell, int byte);
static void normalise(struct cell *cell, char kind);
static void cut_zeros(struct cell *cell);
static uint64_t hash(const struct cell *cell);
static uint64_t mix(uint64_t value);

int main(int arguments_count, char *arguments[])
{
    uint64_t column_sums[COLUMNS_MAX] = {0};
    uint64_t rows_sum = 0;
    uint64_t rows = 0;
    uint64_t row_hash = 0;
    size_t column = 0;
    struct cell cell = {0};
    bool is_last = false;

    if (arguments_count != 3 || strlen(arguments[1]) > COLUMNS_MAX) {
        fprintf(stderr, "usage: bench_sum KINDS csv|jsonl < TABLE\n");
        return 2;
    }

    const char *kinds = arguments[1];
    size_t columns_count = strlen(kinds);
    bool is_csv = strcmp(arguments[2], "csv") == 0;
    bool (*read_cell)(struct cell *, bool *) = is_csv ? read_csv_cell : read_json_cell;

    (void)setvbuf(stdin, NULL, _IOFBF, INPUT_BYTES);
    while (is_csv && !is_last && read_cell(&cell, &is_last)) { /* the header */
    }
    while (read_cell(&cell, &is_last)) {
        if (is_last != (column + 1 == columns_count)) {
            fprintf(stderr, "bench_sum: row %" PRIu64 " is not of %zu cells\n", rows + 1,
                    columns_count);
            return 1;
        }
        normalise(&cell, kinds[column]);
        column_sums[column] += hash(&cell);
        row_hash = mix(row_hash ^ hash(&cell));
        column++;
        if (is_last) {
            rows_sum += row_hash;
            rows++;
            row_hash = 0;
            column = 0;
        }
    }

    printf("%" PRIu64 " %" PRIu64, rows, rows_sum);
    for (size_t i = 0; i < columns_count; i++) {
        printf(" %" PRIu64, column_sums[i]);
    }
    putchar('\n');
    free(cell.bytes);
    return 0;
}

/* False at the end of the input. */
static bool read_csv_cell(struct cell *cell, bool *is_last)
{
    int byte = getchar_unlocked();
    bool in_quotes = false;
    bool was_quoted = false;

    cell->length = 0;
    if (byte == EOF) {
        return false;
    }
    for (; byte != EOF; byte = getchar_unlocked()) {
        if (byte == '"') {
            /* Quotes inside quotes come twice: the second opens again what the first has closed. */
            if (!in_quotes && was_quoted) {
                append(cell, '"');
            }
            in_quotes = !in_quotes;
            was_quoted = true;
        } else if (!in_quotes && (byte == ',' || byte == '\n')) {
            break;
        } else if (in_quotes || byte != '\r') {
            append(cell, byte);
        }
    }
    *is_last = byte != ',';
    return true;
}

/* The same for one value of {"name":value,...} */
static bool read_json_cell(struct cell *cell, bool *is_last)
{
    int byte = getchar_unlocked();

    if (byte == '\n') { /* of the row before */
        byte = getchar_unlocked();
    }
    if (byte == EOF) {
        return false;
    }
    while (byte != '"' && byte != EOF) { /* after { or , */
        byte = getchar_unlocked();
    }
    read_json_text(cell);
    (void)getchar_unlocked(); /* the colon */
    cell->length = 0;
    byte = getchar_unlocked();
    if (byte == '"') {
        read_json_text(cell);
        byte = getchar_unlocked();
    } else {
        for (; byte != ',' && byte != '}' && byte != EOF; byte = getchar_unlocked()) {
            append(cell, byte);
        }
    }
    *is_last = byte != ',';
    return true;
}

/* The quote before it is read already; the one after it is, too, then. */
static void read_json_text(struct cell *cell)
{
    int byte = getchar_unlocked();

    cell->length = 0;
    for (; byte != '"' && byte != EOF; byte = getchar_unlocked()) {
        append(cell, byte == '\\' ? getchar_unlocked() : byte);
    }
}

static void append(struct cell *cell, int byte)
{
    if (cell->length == cell->room) {
        cell->room = 2 * cell->room + 64;
        cell->bytes = realloc(cell->bytes, cell->room + 1);
        if (cell->bytes == NULL) {
            perror("bench_sum");
            exit(1);
        }
    }
    cell->bytes[cell->length++] = (char)byte;
}

static void normalise(struct cell *cell, char kind)
{
    double number = 0;

    append(cell, '\0');
    cell->length--;
    switch (kind) {
    case 'b': /* true, t, 1 */
    case 'A':
    case 'X':
        cell->bytes[0] = cell->length > 0 && strchr("t1", cell->bytes[0]) != NULL ? '1' : '0';
        cell->length = 1;
        break;
    case 'f':
        number = strtod(cell->bytes, NULL);
        memcpy(cell->bytes, &number, sizeof number); /* append() made room for 64 bytes */
        cell->length = sizeof number;
        break;
    case 'd':
        cut_zeros(cell);
        break;
    case 't': /* 2024-01-01T00:00:00.000Z, 2024-01-01 00:00:00+00 */
    case 'S':
    case 'B':
    case 'E':
        cell->length = strcspn(cell->bytes, "Z+");
        if (cell->length > 10) {
            cell->bytes[10] = ' ';
        }
        cut_zeros(cell);
        break;
    default: /* text, and numbers that everybody writes alike */
        break;
    }
}

static void cut_zeros(struct cell *cell)
{
    if (memchr(cell->bytes, '.', cell->length) == NULL) {
        return;
    }
    while (cell->bytes[cell->length - 1] == '0') {
        cell->length--;
    }
    cell->length -= cell->bytes[cell->length - 1] == '.';
}

static uint64_t hash(const struct cell *cell)
{
    uint64_t sum = mix(cell->length);

    for (size_t i = 0; i < cell->length; i += 8) {
        uint64_t part = 0;
        size_t left = cell->length - i;

        memcpy(&part, cell->bytes + i, left < 8 ? left : 8);
        sum = mix(sum ^ part);
    }
    return sum;
}

static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

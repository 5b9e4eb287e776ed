/* Makes rows of the benchmark: CSV on standard output.
 *
 *     bench_rows COLUMNS WHAT VERSION ORDER COUNT STRIDE OFFSET FROM TO
 *
 * COLUMNS is NAME:KIND,...; a kind is a letter of the table below. A row is made of its id alone:
 * row number n of COUNT has the id STRIDE * p(n) + OFFSET, p being a permutation (ORDER shuffled)
 * or n itself (ascending), and the rows FROM up to TO are printed. So several row sets share a
 * table without sharing an id, and what a table must hold afterwards is itself a list of row sets.
 * The same arguments give the same bytes. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEISTEL_ROUNDS = 4,
    COLUMNS_MAX = 256,
    LONG_KEY_BYTES = 600,
    LONG_CELL_BYTES = 1000000,
    OUTPUT_BYTES = 1 << 20,
    UNMODIFIED_PERCENT = 60,
    DELETED_PERCENT = 10,
    DAYS_A_MONTH = 28, /* of the made-up dates: every month has them */
};

/* Which version of itself a row shows. */
enum what {
    FULL,     /* every cell of VERSION */
    UPDATE,   /* the same with most cells unmodified */
    MERGED,   /* what UPDATE leaves: the unmodified cells are of the version before */
    CLOSED,   /* FULL, ended by the version after it */
    MIGRATED, /* FULL, with the history that a soft deleted row or one that is not gets */
};

struct row {
    uint64_t id;
    unsigned version; /* of the cell that is being printed */
    enum what what;
};

struct column {
    const char *name;
    void (*print)(const struct row *row, uint64_t random);
    bool is_always_set; /* key, synced and history columns: never unmodified */
};

static const char *const what_names[] = {"full", "update", "merged", "closed", "migrated"};

static const char *const words[] = {
    "blue",    "pocket", "river",  "garden", "copper", "morning", "window", "paper",
    "engine",  "silver", "bottle", "market", "yellow", "harbour", "carpet", "lantern",
    "mustard", "pencil", "quartz", "saddle", "timber", "velvet",  "walnut", "zebra",
};

/* As real files have it: long enough to be quoted. */
static const char unmodified[] = "\"unmod-RvPcQbxkWnDzLsHtGyMfAjUeKoBiXwQz\"";

static const char beginning_of_time[] = "0001-01-01T00:00:00Z";

static const char *const colours[] = {"amber", "beige", "cream", "ebony"};

static size_t parse_columns(char *text, struct column columns[COLUMNS_MAX]);
static struct column find_kind(char letter);
static enum what parse_what(const char *text);
static void print_header(const struct column *columns, size_t count);
static void print_row(const struct column *columns, size_t count, struct row row);
static uint64_t shuffled(uint64_t index, uint64_t count);
static uint64_t mix(uint64_t value);

int main(int arguments_count, char *arguments[])
{
    struct column columns[COLUMNS_MAX] = {0};
    uint64_t numbers[5] = {0};

    if (arguments_count != 10) {
        fprintf(stderr,
                "usage: bench_rows COLUMNS WHAT VERSION ORDER COUNT STRIDE OFFSET FROM TO\n");
        return 2;
    }

    size_t columns_count = parse_columns(arguments[1], columns);
    struct row row = {.what = parse_what(arguments[2]),
                      .version = (unsigned)strtoul(arguments[3], NULL, 10)};
    bool ascending = strcmp(arguments[4], "ascending") == 0;

    for (int i = 0; i < 5; i++) {
        numbers[i] = strtoull(arguments[5 + i], NULL, 10);
    }
    (void)setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES);
    print_header(columns, columns_count);
    for (uint64_t i = numbers[3]; i < numbers[4]; i++) {
        uint64_t place = ascending ? i : shuffled(i, numbers[0]);

        row.id = place * numbers[1] + numbers[2];
        print_row(columns, columns_count, row);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static const char *word(uint64_t random)
{
    return words[random % (sizeof words / sizeof words[0])];
}

/* Words with a blank between them, exactly `length` bytes in all. */
static void print_text(uint64_t random, size_t length)
{
    size_t left = length;

    while (left > 0) {
        const char *next = word(random);
        size_t take = strlen(next) < left ? strlen(next) : left;

        fwrite(next, 1, take, stdout);
        left -= take;
        if (left > 0) {
            putchar(' ');
            left--;
        }
        random = mix(random);
    }
}

static void print_id(const struct row *row, uint64_t random)
{
    (void)random;
    printf("%" PRIu64, row->id);
}

static void print_tenant(const struct row *row, uint64_t random)
{
    (void)random;
    printf("tenant-%03u", (unsigned)(mix(row->id) % 500));
}

static void print_object(const struct row *row, uint64_t random)
{
    (void)random;
    printf("object-%016" PRIx64, mix(~row->id));
}

static void print_long_key(const struct row *row, uint64_t random)
{
    static const char prefix[] = "https://shop.example.com/catalogue/items/";

    (void)random;
    printf("\"%s%016" PRIx64 " ", prefix, mix(row->id));
    print_text(mix(row->id), LONG_KEY_BYTES - strlen(prefix) - 17);
    putchar('"');
}

static void print_name(const struct row *row, uint64_t random)
{
    (void)row;
    printf("%s %s", word(random), word(random >> 8));
}

static void print_int(const struct row *row, uint64_t random)
{
    (void)row;
    printf("%u", (unsigned)(random % 10000));
}

static void print_long(const struct row *row, uint64_t random)
{
    (void)row;
    printf("%" PRIi64, (int64_t)random);
}

static void print_decimal(const struct row *row, uint64_t random)
{
    (void)row;
    printf("%u.%02u", (unsigned)(random % 1000000), (unsigned)(random >> 32) % 100);
}

static void print_double(const struct row *row, uint64_t random)
{
    (void)row;
    printf("%.6f", (double)(random >> 11) * 0x1p-53 * 500);
}

static void print_boolean(const struct row *row, uint64_t random)
{
    (void)row;
    fputs((random & 1) != 0 ? "true" : "false", stdout);
}

static void print_date(const struct row *row, uint64_t random)
{
    (void)row;
    printf("%u-%02u-%02u", (unsigned)(random % 30) + 1995, (unsigned)(random >> 8) % 12 + 1,
           (unsigned)(random >> 16) % DAYS_A_MONTH + 1);
}

static void print_moment(const struct row *row, uint64_t random)
{
    print_date(row, random);
    printf("T%02u:%02u:%02u.%03uZ", (unsigned)(random >> 24) % 24, (unsigned)(random >> 32) % 60,
           (unsigned)(random >> 40) % 60, (unsigned)(random >> 48) % 1000);
}

static void print_text_30(const struct row *row, uint64_t random)
{
    (void)row;
    putchar('"');
    print_text(random, 30);
    putchar('"');
}

static void print_json_60(const struct row *row, uint64_t random)
{
    (void)row;
    printf("\"{\"\"colour\"\":\"\"%s\"\",\"\"size\"\":%u,\"\"note\"\":\"\"", colours[random >> 62],
           (unsigned)(random >> 32) % 90 + 10);
    print_text(random, 23);
    fputs("\"\"}\"", stdout);
}

static void print_text_1_mb(const struct row *row, uint64_t random)
{
    (void)row;
    putchar('"');
    print_text(random, LONG_CELL_BYTES);
    putchar('"');
}

/* The day on which a version begins; a year has room for a few hundred of them. */
static void print_day_of(unsigned version)
{
    printf("2024-%02u-%02u", version / DAYS_A_MONTH + 1, version % DAYS_A_MONTH + 1);
}

static void print_synced(const struct row *row, uint64_t random)
{
    (void)random;
    print_day_of(row->version);
    fputs("T12:00:00.123Z", stdout);
}

static bool is_deleted(const struct row *row)
{
    return mix(row->id) % 100 < DELETED_PERCENT;
}

static void print_deleted(const struct row *row, uint64_t random)
{
    (void)random;
    fputs(is_deleted(row) ? "true" : "false", stdout);
}

static void print_start(const struct row *row, uint64_t random)
{
    if (row->what != MIGRATED) {
        print_day_of(row->version);
        fputs("T00:00:00Z", stdout);
    } else if (is_deleted(row)) {
        fputs(beginning_of_time, stdout);
    } else {
        print_synced(row, random); /* the greatest of the table: all of a version are alike */
    }
}

static void print_end(const struct row *row, uint64_t random)
{
    (void)random;
    if (row->what == CLOSED) {
        print_day_of(row->version);
        fputs("T23:59:59.999Z", stdout);
    } else {
        fputs(row->what == MIGRATED && is_deleted(row) ? beginning_of_time
                                                       : "9999-12-31T23:59:59.999Z",
              stdout);
    }
}

static void print_active(const struct row *row, uint64_t random)
{
    bool is_over = row->what == CLOSED || (row->what == MIGRATED && is_deleted(row));

    (void)random;
    fputs(is_over ? "false" : "true", stdout);
}

/* One row per kind of column: to add one, add a row here and its type in suite/tables.py. */
static const struct {
    char letter;
    struct column column;
} kinds[] = {
    {'k', {.print = print_id, .is_always_set = true}      },
    {'p', {.print = print_tenant, .is_always_set = true}  },
    {'o', {.print = print_object, .is_always_set = true}  },
    {'K', {.print = print_long_key, .is_always_set = true}},
    {'s', {.print = print_name}                           },
    {'i', {.print = print_int}                            },
    {'l', {.print = print_long}                           },
    {'d', {.print = print_decimal}                        },
    {'f', {.print = print_double}                         },
    {'b', {.print = print_boolean}                        },
    {'D', {.print = print_date}                           },
    {'t', {.print = print_moment}                         },
    {'w', {.print = print_text_30}                        },
    {'j', {.print = print_json_60}                        },
    {'M', {.print = print_text_1_mb}                      },
    {'S', {.print = print_synced, .is_always_set = true}  },
    {'B', {.print = print_start, .is_always_set = true}   },
    {'E', {.print = print_end, .is_always_set = true}     },
    {'A', {.print = print_active, .is_always_set = true}  },
    {'X', {.print = print_deleted}                        },
};

static size_t parse_columns(char *text, struct column columns[COLUMNS_MAX])
{
    size_t count = 0;

    for (char *name = strtok(text, ","); name != NULL; name = strtok(NULL, ",")) {
        char *colon = strchr(name, ':');

        if (colon == NULL || count == COLUMNS_MAX) {
            fprintf(stderr, "bench_rows: \"%s\" is no NAME:KIND, or one too many\n", name);
            exit(2);
        }
        *colon = '\0';
        columns[count] = find_kind(colon[1]);
        columns[count++].name = name;
    }
    return count;
}

static struct column find_kind(char letter)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].letter == letter) {
            return kinds[i].column;
        }
    }
    fprintf(stderr, "bench_rows: there is no kind %c\n", letter);
    exit(2);
}

static enum what parse_what(const char *text)
{
    for (unsigned i = 0; i < sizeof what_names / sizeof what_names[0]; i++) {
        if (strcmp(text, what_names[i]) == 0) {
            return (enum what)i;
        }
    }
    fprintf(stderr, "bench_rows: there are no %s rows\n", text);
    exit(2);
}

static void print_header(const struct column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("%s%s", i > 0 ? "," : "", columns[i].name);
    }
    putchar('\n');
}

static void print_row(const struct column *columns, size_t count, struct row row)
{
    const unsigned version = row.version;

    for (size_t i = 0; i < count; i++) {
        bool keeps = !columns[i].is_always_set && (row.what == UPDATE || row.what == MERGED) &&
                     mix(mix(row.id) + i) % 100 < UNMODIFIED_PERCENT;

        if (i > 0) {
            putchar(',');
        }
        if (keeps && row.what == UPDATE) {
            fputs(unmodified, stdout);
            continue;
        }
        row.version = keeps ? version - 1 : version;
        columns[i].print(&row, mix(mix(row.id) ^ ((uint64_t)row.version << 32 | i)));
    }
    putchar('\n');
}

/* A permutation of 0 to count - 1: a Feistel network on the next even number of bits, walked until
 * it comes back into the range. */
static uint64_t shuffled(uint64_t index, uint64_t count)
{
    unsigned half_bits = 1;

    while (UINT64_C(1) << (2 * half_bits) < count) {
        half_bits++;
    }

    uint64_t mask = (UINT64_C(1) << half_bits) - 1;

    do {
        uint64_t left = index >> half_bits;
        uint64_t right = index & mask;

        for (unsigned round = 0; round < FEISTEL_ROUNDS; round++) {
            uint64_t next = left ^ (mix(right + round * UINT64_C(0x1000000000)) & mask);

            left = right;
            right = next;
        }
        index = left << half_bits | right;
    } while (index >= count);
    return index;
}

/* The last step of splitmix64: well-spread bits from a counter. */
static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

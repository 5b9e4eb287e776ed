/* Makes the input of the sync benchmark: one CSV file of an orders table on standard output.
 *
 *     bench_sync_data shuffled|ascending ROWS FILE FILES
 *
 * FILE counts from 0 to FILES - 1. Over all files every id from 0 to ROWS - 1 comes once; shuffled,
 * any file may hold any id. The same arguments give the same bytes. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEISTEL_ROUNDS = 4
};

static const char *const words[] = {
    "blue",    "pocket", "river",  "garden", "copper", "morning", "window", "paper",
    "engine",  "silver", "bottle", "market", "yellow", "harbour", "carpet", "lantern",
    "mustard", "pencil", "quartz", "saddle", "timber", "velvet",  "walnut", "zebra",
};

static const char *const countries[] = {"DE", "FR", "US", "GB", "JP", "BR", "IN", "ZA"};

static uint64_t mix(uint64_t value);
static uint64_t shuffled(uint64_t index, uint64_t count);
static void print_row(uint64_t id);
static const char *word(uint64_t random, unsigned place);

int main(int arguments_count, char *arguments[])
{
    if (arguments_count != 5) {
        fprintf(stderr, "usage: bench_sync_data shuffled|ascending ROWS FILE FILES\n");
        return 2;
    }

    bool ascending = strcmp(arguments[1], "ascending") == 0;
    uint64_t rows = strtoull(arguments[2], NULL, 10);
    uint64_t file = strtoull(arguments[3], NULL, 10);
    uint64_t files = strtoull(arguments[4], NULL, 10);

    printf(
        "id,customer,email,amount,quantity,weight,active,day,created,country,notes,"
        "_fivetran_synced\n");
    for (uint64_t i = rows * file / files; i < rows * (file + 1) / files; i++) {
        print_row(ascending ? i : shuffled(i, rows));
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

/* The last step of splitmix64: well-spread bits from a counter. */
static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
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

static void print_row(uint64_t id)
{
    uint64_t a = mix(id);
    uint64_t b = mix(a);
    unsigned day = (unsigned)(a % 28) + 1;
    unsigned month = (unsigned)(b % 12) + 1;

    printf("%" PRIu64 ",%s %s,%s.%s%" PRIu64 "@example.com,%" PRIu64
           ".%02u,%u,%.6f,%s,"
           "2023-%02u-%02u,2023-%02u-%02uT%02u:%02u:%02u.%03uZ,%s,\"%s %s, %s %s %s %s\","
           "2024-01-01T00:00:00Z\n",
           id, word(a, 0), word(a, 1), word(a, 2), word(a, 3), a % 100000, b % 1000000,
           (unsigned)(b >> 20) % 100, (unsigned)(a >> 32) % 1000, (double)(b >> 11) * 0x1p-53 * 500,
           (a & 1) != 0 ? "true" : "false", month, day, month, day, (unsigned)(a >> 8) % 24,
           (unsigned)(a >> 16) % 60, (unsigned)(b >> 8) % 60, (unsigned)(b >> 16) % 1000,
           countries[a >> 61], word(b, 0), word(b, 1), word(b, 2), word(b, 3), word(b, 4),
           word(b, 5));
}

static const char *word(uint64_t random, unsigned place)
{
    return words[(random >> (place * 8)) % (sizeof words / sizeof words[0])];
}

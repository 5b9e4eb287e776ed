/* Decrypts one batch file, and decompresses it unless it is to stay packed, onto standard output.
 * The peers of the benchmark get it done as fast as weir does it.
 *
 *     bench_open KEY_HEX FILE [packed] */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"
#include "worker/decode/source.h"

enum {
    KEY_BYTES = 32,
    COMPRESSION_OFF = 0,
    COMPRESSION_ZSTD = 1,
    READ_BYTES = 256 * 1024,
};

static bool write_all(const uint8_t *bytes, size_t length);

int main(int arguments_count, char *arguments[])
{
    uint8_t key[KEY_BYTES] = {0};
    OWNED(source_close) struct source *source = NULL;
    OWNED(mem_release) uint8_t *bytes = mem_alloc(READ_BYTES);
    size_t length = 1;
    struct error err = {0};

    if (arguments_count < 3) {
        fprintf(stderr, "usage: bench_open KEY_HEX FILE [packed]\n");
        return 2;
    }
    for (size_t i = 0; i < KEY_BYTES; i++) {
        const char digits[3] = {arguments[1][2 * i], arguments[1][2 * i + 1], '\0'};

        key[i] = (uint8_t)strtoul(digits, NULL, 16);
    }

    const struct source_terms terms = {
        .path = arguments[2],
        .key = key,
        .compression = arguments_count > 3 ? COMPRESSION_OFF : COMPRESSION_ZSTD,
        .decoded_bytes_max = UINT64_MAX,
    };

    if (!source_open(&terms, &source, &err)) {
        fprintf(stderr, "bench_open: %s\n", err.message);
        return 1;
    }
    while (length > 0) {
        if (!source_read(source, bytes, READ_BYTES, &length, &err)) {
            fprintf(stderr, "bench_open: %s\n", err.message);
            return 1;
        }
        if (!write_all(bytes, length)) {
            perror("bench_open");
            return 1;
        }
    }
    return 0;
}

static bool write_all(const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t put = write(STDOUT_FILENO, bytes, length);

        if (put < 0) {
            return false;
        }
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

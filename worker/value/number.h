/* Numbers as bytes: little endian at rest, big endian where bytes must sort. `bytes` is 1 to 8;
 * where it is a constant, each function is one load or store. */
#ifndef WEIR_WORKER_VALUE_NUMBER_H
#define WEIR_WORKER_VALUE_NUMBER_H

#include <stdint.h>
#include <string.h>

#include <endian.h>

static inline void number_write_le(uint8_t *at, uint64_t number, unsigned bytes)
{
    uint64_t little = htole64(number);

    memcpy(at, &little, bytes);
}

static inline uint64_t number_read_le(const uint8_t *at, unsigned bytes)
{
    uint64_t little = 0;

    memcpy(&little, at, bytes);
    return le64toh(little);
}

static inline void number_write_be(uint8_t *at, uint64_t number, unsigned bytes)
{
    uint64_t big = htobe64(number << (64 - 8 * bytes));

    memcpy(at, &big, bytes);
}

static inline uint64_t number_read_be(const uint8_t *at, unsigned bytes)
{
    uint64_t big = 0;

    memcpy(&big, at, bytes);
    return be64toh(big) >> (64 - 8 * bytes);
}

/* The two's complement of a signed number with its sign bit flipped: unsigned order is signed
 * order. */
static inline uint64_t number_sortable(int64_t number)
{
    return (uint64_t)number ^ (UINT64_C(1) << 63);
}

#endif

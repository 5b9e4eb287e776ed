/* Numbers as bytes: little endian at rest, big endian where bytes must sort. */
#ifndef WEIR_WORKER_VALUE_NUMBER_H
#define WEIR_WORKER_VALUE_NUMBER_H

#include <stdint.h>

static inline void number_write_le(uint8_t *at, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(number >> (8 * i));
    }
}

static inline uint64_t number_read_le(const uint8_t *at, unsigned bytes)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < bytes; i++) {
        number |= (uint64_t)at[i] << (8 * i);
    }
    return number;
}

static inline void number_write_be(uint8_t *at, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(number >> (8 * (bytes - 1 - i)));
    }
}

static inline uint64_t number_read_be(const uint8_t *at, unsigned bytes)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < bytes; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

/* The two's complement of a signed number with its sign bit flipped: unsigned order is signed
 * order. */
static inline uint64_t number_sortable(int64_t number)
{
    return (uint64_t)number ^ (UINT64_C(1) << 63);
}

#endif

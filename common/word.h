/* Eight bytes of a text at once, in a word. */
#ifndef WEIR_COMMON_WORD_H
#define WEIR_COMMON_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    WORD_BYTES = 8
};

/* A word with 1 in each of its bytes. */
#define WORD_ONES UINT64_C(0x0101010101010101)

/* The word that stands there, aligned or not. */
static inline uint64_t word_read(const void *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

static inline void word_write(void *at, uint64_t word)
{
    memcpy(at, &word, sizeof word);
}

/* Whether a byte of the word is below `limit` (at most 128): a borrow from bit 7 of a byte that had
 * none of it set says so. */
static inline bool word_has_below(uint64_t word, uint8_t limit)
{
    return ((word - WORD_ONES * limit) & ~word & (WORD_ONES << 7)) != 0;
}

/* Whether a byte of the word is `byte`. */
static inline bool word_has(uint64_t word, uint8_t byte)
{
    return word_has_below(word ^ (WORD_ONES * byte), 1);
}

/* Whether a byte of the word is no ASCII. */
static inline bool word_has_high(uint64_t word)
{
    return (word & (WORD_ONES << 7)) != 0;
}

#endif

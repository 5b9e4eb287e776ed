/* See scan.h. */
#include "worker/decode/scan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    BLOCK_BYTES = 64,
    FUNCTIONS_MAX = 3,

    /* Short texts are copied as so many bytes at once, and some more than they have. */
    STEP_BYTES = 16,
};

_Static_assert(BLOCK_BYTES + STEP_BYTES <= SCAN_SLACK, "what is read behind the end");

/* Of the bits for the bytes of a block. */
#define EVEN_PLACES   UINT64_C(0x5555555555555555)
#define LAST_OF_BLOCK (UINT64_C(1) << 63)

/* One bit for each byte of a block. */
struct masks {
    uint64_t quotes;
    uint64_t commas;
    uint64_t lines;
};

typedef struct masks (*mask_function)(const uint8_t *block);

static inline uint64_t bits_up_to_each(uint64_t bits);
static inline uint64_t quotes_of(const uint8_t *block);
static inline uint64_t firsts_of_pairs(uint64_t quotes);
static inline uint8_t *copy_steps(uint8_t *to, const uint8_t *from, size_t length);

/* Byte by byte: what the others must agree with, and their last bytes. */
static size_t scan_plain(const uint8_t *bytes, size_t length, uint32_t base,
                         struct scan_state *state, uint32_t *ends)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++) {
        bool quote = bytes[i] == '"';
        bool separator = bytes[i] == ',' || bytes[i] == '\n';

        if (quote) {
            state->stray_quote = state->stray_quote || (!state->in_quotes && !state->at_start);
            state->in_quotes = !state->in_quotes;
        } else if (separator && !state->in_quotes) {
            ends[count++] = base + (uint32_t)i;
        } else if (bytes[i] == '\n') {
            state->quoted_lines = true;
        }
        state->at_start = quote || (separator && !state->in_quotes);
    }
    return count;
}

/* A quote opens or closes; "" inside quotes does both, and so changes nothing. One that opens
 * stands where a cell starts, or behind another. */
static inline __attribute__((always_inline)) size_t scan_blocks(const uint8_t *bytes, size_t length,
                                                                uint32_t base,
                                                                struct scan_state *state,
                                                                uint32_t *ends, mask_function mask)
{
    uint64_t quoted_before = state->in_quotes ? ~UINT64_C(0) : 0;
    uint64_t start_before = state->at_start ? 1 : 0;
    uint64_t strays = 0;
    uint64_t quoted_lines = 0;
    size_t count = 0;
    size_t at = 0;

    for (; at + BLOCK_BYTES <= length; at += BLOCK_BYTES) {
        struct masks masks = mask(bytes + at);
        uint64_t quoted = quoted_before;
        uint64_t found = 0;
        uint64_t starts = 0;

        if (masks.quotes != 0) {
            quoted ^= bits_up_to_each(masks.quotes);
            quoted_before = (uint64_t)((int64_t)quoted >> 63);
        }
        found = (masks.commas | masks.lines) & ~quoted;
        starts = found | masks.quotes;
        strays |= masks.quotes & quoted & ~(starts << 1 | start_before);
        quoted_lines |= masks.lines & quoted;
        start_before = starts >> 63;
        for (; found != 0; found &= found - 1) {
            ends[count++] = base + (uint32_t)at + (uint32_t)__builtin_ctzll(found);
        }
    }
    state->in_quotes = quoted_before != 0;
    state->at_start = start_before != 0;
    state->stray_quote = state->stray_quote || strays != 0;
    state->quoted_lines = state->quoted_lines || quoted_lines != 0;
    return count + scan_plain(bytes + at, length - at, base + (uint32_t)at, state, ends + count);
}

/* Each bit becomes the parity of the bits up to and with it. */
static inline uint64_t bits_up_to_each(uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

#if defined(__x86_64__)
static inline struct masks mask_sse2(const uint8_t *block)
{
    struct masks masks = {0};

    for (unsigned i = 0; i < BLOCK_BYTES / 16; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(block + (size_t)16 * i));
        __m128i quotes = _mm_cmpeq_epi8(part, _mm_set1_epi8('"'));
        __m128i commas = _mm_cmpeq_epi8(part, _mm_set1_epi8(','));
        __m128i lines = _mm_cmpeq_epi8(part, _mm_set1_epi8('\n'));

        masks.quotes |= (uint64_t)(uint32_t)_mm_movemask_epi8(quotes) << (16 * i);
        masks.commas |= (uint64_t)(uint32_t)_mm_movemask_epi8(commas) << (16 * i);
        masks.lines |= (uint64_t)(uint32_t)_mm_movemask_epi8(lines) << (16 * i);
    }
    return masks;
}

static size_t scan_sse2(const uint8_t *bytes, size_t length, uint32_t base,
                        struct scan_state *state, uint32_t *ends)
{
    return scan_blocks(bytes, length, base, state, ends, mask_sse2);
}

__attribute__((target("avx2"))) static inline struct masks mask_avx2(const uint8_t *block)
{
    struct masks masks = {0};

    for (unsigned i = 0; i < BLOCK_BYTES / 32; i++) {
        __m256i part = _mm256_loadu_si256((const __m256i *)(const void *)(block + (size_t)32 * i));
        __m256i quotes = _mm256_cmpeq_epi8(part, _mm256_set1_epi8('"'));
        __m256i commas = _mm256_cmpeq_epi8(part, _mm256_set1_epi8(','));
        __m256i lines = _mm256_cmpeq_epi8(part, _mm256_set1_epi8('\n'));

        masks.quotes |= (uint64_t)(uint32_t)_mm256_movemask_epi8(quotes) << (32 * i);
        masks.commas |= (uint64_t)(uint32_t)_mm256_movemask_epi8(commas) << (32 * i);
        masks.lines |= (uint64_t)(uint32_t)_mm256_movemask_epi8(lines) << (32 * i);
    }
    return masks;
}

__attribute__((target("avx2"))) static size_t scan_avx2(const uint8_t *bytes, size_t length,
                                                        uint32_t base, struct scan_state *state,
                                                        uint32_t *ends)
{
    return scan_blocks(bytes, length, base, state, ends, mask_avx2);
}
#endif

const scan_function *scan_all(size_t *count_out)
{
    static scan_function functions[FUNCTIONS_MAX];
    size_t count = 0;

    functions[count++] = scan_plain;
#if defined(__x86_64__)
    functions[count++] = scan_sse2;
    if (__builtin_cpu_supports("avx2")) {
        functions[count++] = scan_avx2;
    }
#endif
    *count_out = count;
    return functions;
}

scan_function scan_best(void)
{
    size_t count = 0;
    const scan_function *functions = scan_all(&count);

    return functions[count - 1];
}

/* Where the quotes of a block are is known before anything is moved: JSON has one every few bytes,
 * and looking for each from the one before is slow. */
uint8_t *scan_single_quotes(uint8_t *bytes, const uint8_t *end)
{
    const uint8_t *from = bytes;
    uint8_t *to = bytes;

    while (from < end) {
        size_t length = (size_t)(end - from) < BLOCK_BYTES ? (size_t)(end - from) : BLOCK_BYTES;
        uint64_t quotes = quotes_of(from) & ~UINT64_C(0) >> (BLOCK_BYTES - length);
        uint64_t firsts = firsts_of_pairs(quotes);
        uint8_t block[BLOCK_BYTES + STEP_BYTES];
        uint8_t *made = block;
        size_t at = 0;

        if ((firsts & LAST_OF_BLOCK) != 0 && from + length < end) {
            length--; /* the next block begins with it */
            quotes ^= LAST_OF_BLOCK;
            firsts ^= LAST_OF_BLOCK;
        }
        if ((firsts & LAST_OF_BLOCK) != 0 || firsts << 1 != (quotes ^ firsts)) {
            return NULL;
        }
        for (; firsts != 0; firsts &= firsts - 1) {
            size_t next = (size_t)__builtin_ctzll(firsts) + 1;

            made = copy_steps(made, from + at, next - at);
            at = next + 1;
        }
        made = copy_steps(made, from + at, length - at);
        memcpy(to, block, (size_t)(made - block));
        to += made - block;
        from += length;
    }
    return to;
}

/* Quotes that follow each other are pairs from the first on. Where they begin at an even place,
 * those at even places are first of a pair, else those at odd ones; adding the place where they
 * begin carries through all that follow. */
static inline uint64_t firsts_of_pairs(uint64_t quotes)
{
    uint64_t begins = quotes & ~(quotes << 1);
    uint64_t from_even = quotes & ~(quotes + (begins & EVEN_PLACES));

    return (from_even & EVEN_PLACES) | (quotes & ~from_even & ~EVEN_PLACES);
}

static inline uint64_t quotes_of(const uint8_t *block)
{
#if defined(__x86_64__)
    return mask_sse2(block).quotes;
#else
    uint64_t quotes = 0;

    for (unsigned i = 0; i < BLOCK_BYTES; i++) {
        quotes |= (uint64_t)(block[i] == '"') << i;
    }
    return quotes;
#endif
}

static inline uint8_t *copy_steps(uint8_t *to, const uint8_t *from, size_t length)
{
    size_t done = 0;

    do {
        memcpy(to + done, from + done, STEP_BYTES);
        done += STEP_BYTES;
    } while (done < length);
    return to + length;
}

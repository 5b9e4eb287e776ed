/* Finds where the cells of a CSV text end: its commas and line ends outside quotes.
 *
 * Works on 64 bytes at a time with the widest instructions that the machine has. */
#ifndef WEIR_WORKER_DECODE_SCAN_H
#define WEIR_WORKER_DECODE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known at the end of the bytes scanned so far. SCAN_BEGIN is where a text begins. */
struct scan_state {
    bool in_quotes;
    bool at_start;     /* a cell may begin here, or go on behind a quote */
    bool stray_quote;  /* there was a quote inside a cell that does not begin with one */
    bool quoted_lines; /* there was a line end inside quotes */
};

#define SCAN_BEGIN ((struct scan_state){.at_start = true})

/* Writes the positions (plus `base`) of the ends among the next `length` bytes of a text to `ends`,
 * which has room for `length` of them, and returns how many. */
typedef size_t (*scan_function)(const uint8_t *bytes, size_t length, uint32_t base,
                                struct scan_state *state, uint32_t *ends);

/* The fastest one for this machine. */
scan_function scan_best(void);

/* Makes one quote of two in the text between a cell's quotes, in place, and returns its new end, or
 * NULL where a quote stands alone. Up to SCAN_SLACK bytes behind `end` are read, whatever they are.
 */
uint8_t *scan_single_quotes(uint8_t *bytes, const uint8_t *end);

enum {
    SCAN_SLACK = 80
};

/* All that this machine can run, for tests: they must agree. *count_out tells how many. */
const scan_function *scan_all(size_t *count_out);

#endif

/* Finds where the cells of a CSV text end: its commas and line ends outside quotes.
 *
 * Works on 64 bytes at a time with the widest instructions that the machine has. */
#ifndef WEIR_WORKER_DECODE_SCAN_H
#define WEIR_WORKER_DECODE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes the positions (plus `base`) of the ends among `length` bytes to `ends`, which has room for
 * `length` of them, and returns how many. *in_quotes is whether the bytes begin inside quotes, and
 * then whether they end there. */
typedef size_t (*scan_function)(const uint8_t *bytes, size_t length, uint32_t base, bool *in_quotes,
                                uint32_t *ends);

/* The fastest one for this machine. */
scan_function scan_best(void);

/* All that this machine can run, for tests: they must agree. *count_out tells how many. */
const scan_function *scan_all(size_t *count_out);

#endif

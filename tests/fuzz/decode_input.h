/* Decodes fuzzed bytes as a batch file of a table with all types. */
#ifndef WEIR_TESTS_FUZZ_DECODE_INPUT_H
#define WEIR_TESTS_FUZZ_DECODE_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/file_kind.h"

/* `compression` as the protocol has it. The bytes reach the decoder through a file in memory. */
void decode_input(const uint8_t *bytes, size_t length, enum file_kind kind, uint32_t compression,
                  const uint8_t *key);

#endif

/* Whole batch files: the first byte says how they are wrapped. */
#include "tests/fuzz/decode_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const uint8_t key[32] = {1, 2, 3};

    if (length > 0) {
        decode_input(bytes + 1, length - 1, FILE_KIND_REPLACE, bytes[0] % 3,
                     (bytes[0] & 4) != 0 ? key : NULL);
    }
    return 0;
}

/* Bytes as a row and a change: read, merged and searched without leaving them. */
#include "worker/value/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    OWNED(buffer_clear) struct buffer merged = {0};
    struct row_cell cell = {0};
    size_t half = length / 2;

    if (row_merge(bytes, half, bytes + half, length - half, &merged)) {
        (void)row_find(merged.bytes, merged.length, 1, &cell);
    }
    for (uint32_t id = 1; id < 8; id++) {
        (void)row_find(bytes, length, id, &cell);
    }
    return 0;
}

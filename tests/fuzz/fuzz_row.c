/* Bytes as a row and a change: read, merged into cells and searched without leaving them. */
#include "common/require.h"
#include "worker/value/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    OWNED(buffer_clear) struct buffer merged = {0};
    struct row_cell cell = {0};
    struct row_cursor cursor;
    enum row_next next = ROW_END;
    size_t half = length / 2;

    if (row_merge(bytes, half, bytes + half, length - half, &merged)) {
        row_cursor_init(&cursor, merged.bytes, merged.length);
        while ((next = row_cursor_next(&cursor, &cell)) == ROW_CELL) {
        }
        ENSURE(next == ROW_END);
    }
    for (uint32_t id = 1; id < 8; id++) {
        (void)row_find(bytes, length, id, &cell);
    }
    return 0;
}

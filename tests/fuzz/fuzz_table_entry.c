/* An entry of the registry as it rests on disk: read, or refused; what was read is written as it
 * is. */
#include <string.h>

#include "common/mem.h"
#include "common/require.h"
#include "common/table_entry.h"

static uint8_t *pack(const struct table *table, size_t *length_out);
static bool read_entry(const uint8_t *bytes, size_t length, struct table **table_out);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    OWNED(table_free) struct table *table = NULL;
    OWNED(table_free) struct table *again = NULL;
    size_t first_length = 0;
    size_t second_length = 0;

    if (!read_entry(bytes, length, &table)) {
        return 0;
    }
    OWNED(mem_release) uint8_t *first = pack(table, &first_length);

    ENSURE(read_entry(first, first_length, &again));
    OWNED(mem_release) uint8_t *second = pack(again, &second_length);

    ENSURE(first_length == second_length && memcmp(first, second, first_length) == 0);
    return 0;
}

static uint8_t *pack(const struct table *table, size_t *length_out)
{
    Weir__TableEntry *entry = table_entry_new(table);
    uint8_t *bytes = mem_alloc(weir__table_entry__get_packed_size(entry));

    *length_out = weir__table_entry__pack(entry, bytes);
    weir__table_entry__free_unpacked(entry, NULL);
    return bytes;
}

static bool read_entry(const uint8_t *bytes, size_t length, struct table **table_out)
{
    Weir__TableEntry *entry = weir__table_entry__unpack(NULL, length, bytes);
    struct error err = {0};
    bool read = entry != NULL && table_entry_read(entry, table_out, &err);

    if (entry != NULL) {
        ENSURE(read || err.message[0] != '\0');
        weir__table_entry__free_unpacked(entry, NULL);
    }
    return read;
}

/* Values of every type: what is accepted reads back from its own text; damaged bytes are noticed.
 */
#include <string.h>

#include "common/require.h"
#include "worker/value/type.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void read_back(const struct type *type, const struct buffer *stored)
{
    OWNED(buffer_clear) struct buffer text = {0};
    OWNED(buffer_clear) struct buffer again = {0};
    const char *problem = NULL;

    type->append_text(stored->bytes, stored->length, &text);
    if (text.length == 0 && !type->accepts_empty) {
        ENSURE(stored->length == 0);
        return;
    }
    (void)buffer_reserve(&text, 1);
    ENSURE(type->parse((const char *)text.bytes, text.length, &again, &problem) != PARSE_FAILED);
    ENSURE(again.length == stored->length);
    ENSURE(again.length == 0 || memcmp(again.bytes, stored->bytes, again.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    OWNED(buffer_clear) struct buffer stored = {0};
    OWNED(buffer_clear) struct buffer key = {0};
    const struct type *type = NULL;
    const char *problem = NULL;

    if (length == 0) {
        return 0;
    }
    type = type_of((enum column_type)(1 + bytes[0] % (COLUMN_TYPE_END - 1)));
    bytes++;
    length--;
    if (type->parse((const char *)bytes, length, &stored, &problem) != PARSE_FAILED) {
        (void)buffer_reserve(&stored, 1);
        ENSURE(type->is_valid(stored.bytes, stored.length));
        read_back(type, &stored);
        (void)type->append_key(stored.bytes, stored.length, &key);
    }
    if (type->is_valid(bytes, length)) {
        buffer_reset(&key);
        type->append_json(bytes, length, &key);
        buffer_reset(&key);
        (void)type->append_key(bytes, length, &key);
    }
    return 0;
}

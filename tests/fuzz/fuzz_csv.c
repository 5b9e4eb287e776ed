/* CSV text of any kind of file: parser, binding, every type's reader and printer. */
#include "tests/fuzz/decode_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const enum file_kind kinds[] = {FILE_KIND_REPLACE, FILE_KIND_UPDATE, FILE_KIND_DELETE};

    if (length > 0) {
        decode_input(bytes + 1, length - 1, kinds[bytes[0] % 3], 0, NULL);
    }
    return 0;
}

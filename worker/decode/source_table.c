/* The compressions, one row each. */
#include "worker/decode/source_internal.h"

static const struct compression compressions[] = {
    {0, "OFF",  NULL            },
    {1, "ZSTD", source_open_zstd},
    {2, "GZIP", source_open_gzip},
};

const struct compression *compression_find(uint32_t number)
{
    for (size_t i = 0; i < sizeof compressions / sizeof compressions[0]; i++) {
        if (compressions[i].number == number) {
            return &compressions[i];
        }
    }
    return NULL;
}

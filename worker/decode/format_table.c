/* The batch file formats, one row each. */
#include "worker/decode/format_table.h"

#include <stddef.h>

static const struct format *const formats[] = {
    &format_csv, /* the header names the columns */
};

const struct format *format_find(uint32_t number)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i]->number == number) {
            return formats[i];
        }
    }
    return NULL;
}

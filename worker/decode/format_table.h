/* Every format, for format_table.c and the file that defines it. */
#ifndef WEIR_WORKER_DECODE_FORMAT_TABLE_H
#define WEIR_WORKER_DECODE_FORMAT_TABLE_H

#include "worker/decode/format.h"

extern const struct format format_csv;

#endif

/* Every type's row, defined in the type_*.c files of this folder; for type_table.c and those. */
#ifndef WEIR_WORKER_VALUE_TYPE_TABLE_H
#define WEIR_WORKER_VALUE_TYPE_TABLE_H

#include "worker/value/type.h"

#define COLUMN_TYPE(number, NAME, noun) extern const struct type type_##noun;
#include "common/column_type.def"
#undef COLUMN_TYPE

#endif

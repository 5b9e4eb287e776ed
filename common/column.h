/* A column of a table: its name, type and place in the primary key. */
#ifndef WEIR_COMMON_COLUMN_H
#define WEIR_COMMON_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

/* The protocol's numbers (fivetran_sdk.v2.DataType). */
enum column_type {
    COLUMN_UNSPECIFIED = 0,
#define COLUMN_TYPE(number, NAME, noun) COLUMN_##NAME = (number),
#include "common/column_type.def"
#undef COLUMN_TYPE
    COLUMN_TYPE_END, /* one past the last */
};

struct column {
    uint32_t id; /* stable within its table, never used again; 0: not known yet */
    char *name;  /* UTF-8 without NUL; owned by the table */
    enum column_type type;
    uint32_t key_position; /* 1 for the first key column; 0: not in the key */
    bool has_decimal;      /* precision and scale were given */
    uint32_t precision;
    uint32_t scale;
    uint32_t string_byte_length; /* as the request gave it; 0: it gave none */
};

/* The type's name as the protocol writes it, "UNSPECIFIED" or "unknown" for what is none. */
const char *column_type_name(enum column_type type);

/* Whether the number is one of the types that a column can have. */
bool column_type_is_known(uint32_t number);

#endif

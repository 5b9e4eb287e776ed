/* Names of column types. */
#include "common/column.h"

static const char *const names[COLUMN_TYPE_END] = {
    [COLUMN_UNSPECIFIED] = "UNSPECIFIED",
#define COLUMN_TYPE(number, NAME, noun) [number] = #NAME,
#include "common/column_type.def"
#undef COLUMN_TYPE
};

const char *column_type_name(enum column_type type)
{
    return (unsigned)type < COLUMN_TYPE_END ? names[type] : "unknown";
}

bool column_type_is_known(uint32_t number)
{
    return number > COLUMN_UNSPECIFIED && number < COLUMN_TYPE_END;
}

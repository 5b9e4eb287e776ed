/* The column types by the protocol's number: see type.h. */
#include "worker/value/type_table.h"

#include "common/require.h"

static const struct type *const types[COLUMN_TYPE_END] = {
#define COLUMN_TYPE(number, NAME, noun) [number] = &type_##noun,
#include "common/column_type.def"
#undef COLUMN_TYPE
};

const struct type *type_of(enum column_type type)
{
    REQUIRE(column_type_is_known((uint32_t)type));
    return types[type];
}

/* A table as a protobuf message: in the registry on disk and in jobs. */
#ifndef WEIR_COMMON_TABLE_ENTRY_H
#define WEIR_COMMON_TABLE_ENTRY_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/table.h"
#include "registry.pb-c.h"

/* The message for `table`; the caller releases it with weir__table_entry__free_unpacked(). */
Weir__TableEntry *table_entry_new(const struct table *table);

/* The table that `entry` describes, for the caller to release with table_free(). Fails with
 * ERROR_INTERNAL if it has too many columns, an unknown type or an impossible key position. */
MUST_CHECK bool table_entry_read(const Weir__TableEntry *entry, struct table **table_out,
                                 struct error *err);

#endif

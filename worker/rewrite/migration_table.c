/* The kinds of migrations, one row each. */
#include "worker/rewrite/migrate.h"

/* clang-format off */
const struct migration_kind migration_kinds[] = {
    {WEIR__MIGRATION_KIND__MIGRATION_DROP_TABLE, "drop", migrate_drop_table, true},
    {WEIR__MIGRATION_KIND__MIGRATION_RENAME_TABLE, "rename", migrate_rename_table, true},
    {WEIR__MIGRATION_KIND__MIGRATION_COPY_TABLE, "copy", migrate_copy_table, false},
    {WEIR__MIGRATION_KIND__MIGRATION_RENAME_COLUMN, "rename a column of", migrate_rename_column, false},
    {WEIR__MIGRATION_KIND__MIGRATION_COPY_COLUMN, "copy a column of", migrate_copy_column, false},
    {WEIR__MIGRATION_KIND__MIGRATION_ADD_COLUMN, "add a column to", migrate_add_column, false},
    {WEIR__MIGRATION_KIND__MIGRATION_UPDATE_COLUMN, "set a column of", migrate_update_column, false},
    {WEIR__MIGRATION_KIND__MIGRATION_ADD_COLUMN_IN_HISTORY_MODE, "add a column in history mode to", migrate_add_column_in_history_mode, false},
    {WEIR__MIGRATION_KIND__MIGRATION_DROP_COLUMN_IN_HISTORY_MODE, "drop a column in history mode of", migrate_drop_column_in_history_mode, false},
    {WEIR__MIGRATION_KIND__MIGRATION_COPY_TABLE_TO_HISTORY_MODE, "copy to history mode", migrate_copy_table_to_history_mode, false},
    {WEIR__MIGRATION_KIND__MIGRATION_SOFT_DELETE_TO_HISTORY, "turn soft delete to history mode in", migrate_soft_delete_to_history, false},
    {WEIR__MIGRATION_KIND__MIGRATION_HISTORY_TO_SOFT_DELETE, "turn history to soft delete mode in", migrate_history_to_soft_delete, false},
};
/* clang-format on */

const size_t migration_kinds_count = sizeof migration_kinds / sizeof migration_kinds[0];

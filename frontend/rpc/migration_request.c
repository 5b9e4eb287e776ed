/* See migration_request.h. */
#include "frontend/rpc/migration_request.h"

#include "frontend/rpc/table_request.h"

static void read_drop(const FivetranSdk__V2__DropOperation *drop, Weir__MigrateJob *wish);
static void read_copy(const FivetranSdk__V2__CopyOperation *copy, Weir__MigrateJob *wish);
static void read_rename(const FivetranSdk__V2__RenameOperation *rename, Weir__MigrateJob *wish);
static void read_add(const FivetranSdk__V2__AddOperation *add, Weir__MigrateJob *wish);
static void read_mode(const FivetranSdk__V2__TableSyncModeMigrationOperation *mode,
                      Weir__MigrateJob *wish);
static bool has_target_table(Weir__MigrationKind kind);

void migration_request_read(const FivetranSdk__V2__MigrationDetails *details,
                            Weir__MigrateJob *wish)
{
    wish->schema_name = details->schema;
    wish->table_name = details->table;
    switch (details->operation_case) {
    case FIVETRAN_SDK__V2__MIGRATION_DETAILS__OPERATION_DROP:
        read_drop(details->drop, wish);
        break;
    case FIVETRAN_SDK__V2__MIGRATION_DETAILS__OPERATION_COPY:
        read_copy(details->copy, wish);
        break;
    case FIVETRAN_SDK__V2__MIGRATION_DETAILS__OPERATION_RENAME:
        read_rename(details->rename, wish);
        break;
    case FIVETRAN_SDK__V2__MIGRATION_DETAILS__OPERATION_ADD:
        read_add(details->add, wish);
        break;
    case FIVETRAN_SDK__V2__MIGRATION_DETAILS__OPERATION_UPDATE_COLUMN_VALUE:
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_UPDATE_COLUMN;
        wish->column = details->update_column_value->column;
        wish->value = details->update_column_value->value;
        break;
    case FIVETRAN_SDK__V2__MIGRATION_DETAILS__OPERATION_TABLE_SYNC_MODE_MIGRATION:
        read_mode(details->table_sync_mode_migration, wish);
        break;
    case FIVETRAN_SDK__V2__MIGRATION_DETAILS__OPERATION__NOT_SET:
    case _FIVETRAN_SDK__V2__MIGRATION_DETAILS__OPERATION__CASE_IS_INT_SIZE:
        break;
    }
}

bool migration_request_check(const Weir__MigrateJob *wish, struct error *err)
{
    return table_request_check_names(wish->schema_name, wish->table_name, err) &&
           (!has_target_table(wish->kind) ||
            table_request_check_names(wish->schema_name, wish->to_table, err));
}

static void read_drop(const FivetranSdk__V2__DropOperation *drop, Weir__MigrateJob *wish)
{
    if (drop->entity_case == FIVETRAN_SDK__V2__DROP_OPERATION__ENTITY_DROP_TABLE &&
        drop->drop_table) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_DROP_TABLE;
    }
    if (drop->entity_case == FIVETRAN_SDK__V2__DROP_OPERATION__ENTITY_DROP_COLUMN_IN_HISTORY_MODE) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_DROP_COLUMN_IN_HISTORY_MODE;
        wish->column = drop->drop_column_in_history_mode->column;
        wish->operation_timestamp = drop->drop_column_in_history_mode->operation_timestamp;
    }
}

static void read_copy(const FivetranSdk__V2__CopyOperation *copy, Weir__MigrateJob *wish)
{
    if (copy->entity_case == FIVETRAN_SDK__V2__COPY_OPERATION__ENTITY_COPY_TABLE) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_COPY_TABLE;
        wish->table_name = copy->copy_table->from_table;
        wish->to_table = copy->copy_table->to_table;
    }
    if (copy->entity_case == FIVETRAN_SDK__V2__COPY_OPERATION__ENTITY_COPY_COLUMN) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_COPY_COLUMN;
        wish->column = copy->copy_column->from_column;
        wish->to_column = copy->copy_column->to_column;
    }
    if (copy->entity_case == FIVETRAN_SDK__V2__COPY_OPERATION__ENTITY_COPY_TABLE_TO_HISTORY_MODE) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_COPY_TABLE_TO_HISTORY_MODE;
        wish->table_name = copy->copy_table_to_history_mode->from_table;
        wish->to_table = copy->copy_table_to_history_mode->to_table;
        wish->soft_deleted_column = copy->copy_table_to_history_mode->soft_deleted_column;
    }
}

static void read_rename(const FivetranSdk__V2__RenameOperation *rename, Weir__MigrateJob *wish)
{
    if (rename->entity_case == FIVETRAN_SDK__V2__RENAME_OPERATION__ENTITY_RENAME_TABLE) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_RENAME_TABLE;
        wish->table_name = rename->rename_table->from_table;
        wish->to_table = rename->rename_table->to_table;
    }
    if (rename->entity_case == FIVETRAN_SDK__V2__RENAME_OPERATION__ENTITY_RENAME_COLUMN) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_RENAME_COLUMN;
        wish->column = rename->rename_column->from_column;
        wish->to_column = rename->rename_column->to_column;
    }
}

static void read_add(const FivetranSdk__V2__AddOperation *add, Weir__MigrateJob *wish)
{
    if (add->entity_case == FIVETRAN_SDK__V2__ADD_OPERATION__ENTITY_ADD_COLUMN_WITH_DEFAULT_VALUE) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_ADD_COLUMN;
        wish->column = add->add_column_with_default_value->column;
        wish->column_type = (uint32_t)add->add_column_with_default_value->column_type;
        wish->value = add->add_column_with_default_value->default_value;
    }
    if (add->entity_case == FIVETRAN_SDK__V2__ADD_OPERATION__ENTITY_ADD_COLUMN_IN_HISTORY_MODE) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_ADD_COLUMN_IN_HISTORY_MODE;
        wish->column = add->add_column_in_history_mode->column;
        wish->column_type = (uint32_t)add->add_column_in_history_mode->column_type;
        wish->value = add->add_column_in_history_mode->default_value;
        wish->operation_timestamp = add->add_column_in_history_mode->operation_timestamp;
    }
}

/* The live modes are not to be built yet, says the guide: they stay unsupported. */
static void read_mode(const FivetranSdk__V2__TableSyncModeMigrationOperation *mode,
                      Weir__MigrateJob *wish)
{
    if (mode->type == FIVETRAN_SDK__V2__TABLE_SYNC_MODE_MIGRATION_TYPE__SOFT_DELETE_TO_HISTORY) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_SOFT_DELETE_TO_HISTORY;
    }
    if (mode->type == FIVETRAN_SDK__V2__TABLE_SYNC_MODE_MIGRATION_TYPE__HISTORY_TO_SOFT_DELETE) {
        wish->kind = WEIR__MIGRATION_KIND__MIGRATION_HISTORY_TO_SOFT_DELETE;
    }
    if (mode->_soft_deleted_column_case ==
        FIVETRAN_SDK__V2__TABLE_SYNC_MODE_MIGRATION_OPERATION___SOFT_DELETED_COLUMN_SOFT_DELETED_COLUMN) {
        wish->soft_deleted_column = mode->soft_deleted_column;
    }
}

static bool has_target_table(Weir__MigrationKind kind)
{
    return kind == WEIR__MIGRATION_KIND__MIGRATION_RENAME_TABLE ||
           kind == WEIR__MIGRATION_KIND__MIGRATION_COPY_TABLE ||
           kind == WEIR__MIGRATION_KIND__MIGRATION_COPY_TABLE_TO_HISTORY_MODE;
}

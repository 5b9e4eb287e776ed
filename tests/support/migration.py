"""Requests to migrate: each function makes one operation, for migrate_request()."""
import common_pb2 as common
import destination_sdk_pb2 as sdk

Kind = sdk.TableSyncModeMigrationType


def migrate_request(schema, table, **operation):
    return sdk.MigrateRequest(
        details=sdk.MigrationDetails(schema=schema, table=table, **operation))


def drop_table():
    return {"drop": sdk.DropOperation(drop_table=True)}


def rename_table(source, target):
    return {"rename": sdk.RenameOperation(
        rename_table=sdk.RenameTable(from_table=source, to_table=target))}


def copy_table(source, target):
    return {"copy": sdk.CopyOperation(
        copy_table=sdk.CopyTable(from_table=source, to_table=target))}


def copy_to_history(source, target, soft_deleted_column=""):
    return {"copy": sdk.CopyOperation(copy_table_to_history_mode=sdk.CopyTableToHistoryMode(
        from_table=source, to_table=target, soft_deleted_column=soft_deleted_column))}


def rename_column(source, target):
    return {"rename": sdk.RenameOperation(
        rename_column=sdk.RenameColumn(from_column=source, to_column=target))}


def copy_column(source, target):
    return {"copy": sdk.CopyOperation(
        copy_column=sdk.CopyColumn(from_column=source, to_column=target))}


def add_column(column, type_name, value):
    return {"add": sdk.AddOperation(add_column_with_default_value=sdk.AddColumnWithDefaultValue(
        column=column, column_type=common.DataType.Value(type_name), default_value=value))}


def add_in_history(column, type_name, value, moment):
    return {"add": sdk.AddOperation(add_column_in_history_mode=sdk.AddColumnInHistoryMode(
        column=column, column_type=common.DataType.Value(type_name), default_value=value,
        operation_timestamp=moment))}


def drop_in_history(column, moment):
    return {"drop": sdk.DropOperation(drop_column_in_history_mode=sdk.DropColumnInHistoryMode(
        column=column, operation_timestamp=moment))}


def update_column(column, value):
    return {"update_column_value": sdk.UpdateColumnValueOperation(column=column, value=value)}


def change_mode(kind, **options):
    return {"table_sync_mode_migration": sdk.TableSyncModeMigrationOperation(type=kind, **options)}

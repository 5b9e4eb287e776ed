"""The schema migrations of an input file: one entry each, with its fields and its request.

Fivetran sends adding, changing and dropping a column as AlterTable, the others as Migrate.
"""
import common_pb2 as common
import destination_sdk_pb2 as sdk
import migration
from migration import Kind, migrate_request


class Migration:
    """`needed`: the fields of an entry; `tables`: those that name tables.

    `make` returns the request; what becomes an AlterTable is made from the described table.
    """

    def __init__(self, needed, make, tables=("table",), alters=False):
        self.needed = needed
        self.tables = tables
        self.make = make
        self.alters = alters


def migrates(needed, operation, tables=("table",)):
    """A Migrate whose operation is made from the entry."""
    def make(schema, entry):
        return migrate_request(schema, entry[tables[0]], **operation(entry))

    return Migration(needed, make, tables)


def alters(needed, change):
    """An AlterTable: `change` edits the table's columns by name."""
    def make(schema, entry, table):
        columns = {column.name: column for column in table.columns}
        change(columns, entry)
        return sdk.AlterTableRequest(
            schema_name=schema, drop_columns=True,
            table=common.Table(name=table.name, columns=columns.values()))

    return Migration(needed, make, alters=True)


def set_type(columns, entry):
    """Of a new column or of one that is there, whose params say nothing of the new type."""
    name = entry["column"]
    column = columns.setdefault(name, common.Column(name=name))
    column.type = common.DataType.Value(entry["data_type"])
    column.ClearField("params")


def drop(columns, entry):
    columns.pop(entry["column"], None)


def change_mode(kind):
    """The soft-deleted column may be left out."""
    def operation(entry):
        options = {"soft_deleted_column": entry["deleted_column"]} if "deleted_column" in entry \
            else {}
        return migration.change_mode(kind, **options)

    return migrates(("table",), operation)


FROM_TO_TABLES = ("from_table", "to_table")
FROM_TO_COLUMNS = ("table", "from_column", "to_column")

MIGRATIONS = {
    "add_column": alters(("table", "column", "data_type"), set_type),
    "change_column_data_type": alters(("table", "column", "data_type"), set_type),
    "drop_column": alters(("table", "column"), drop),
    "copy_column": migrates(FROM_TO_COLUMNS, lambda entry: migration.copy_column(
        entry["from_column"], entry["to_column"])),
    "rename_column": migrates(FROM_TO_COLUMNS, lambda entry: migration.rename_column(
        entry["from_column"], entry["to_column"])),
    "update_column_value": migrates(
        ("table", "column", "value"),
        lambda entry: migration.update_column(entry["column"], str(entry["value"]))),
    "set_column_to_null": migrates(
        ("table", "column"), lambda entry: migration.update_column(entry["column"], "NULL")),
    "add_column_with_default_value": migrates(
        ("table", "column", "data_type", "default_value"), lambda entry: migration.add_column(
            entry["column"], entry["data_type"], str(entry["default_value"]))),
    "add_column_in_history_mode": migrates(
        ("table", "column", "data_type", "default_value", "operation_timestamp"),
        lambda entry: migration.add_in_history(
            entry["column"], entry["data_type"], str(entry["default_value"]),
            entry["operation_timestamp"])),
    "drop_column_in_history_mode": migrates(
        ("table", "column", "operation_timestamp"), lambda entry: migration.drop_in_history(
            entry["column"], entry["operation_timestamp"])),
    "copy_table": migrates(FROM_TO_TABLES, lambda entry: migration.copy_table(
        entry["from_table"], entry["to_table"]), FROM_TO_TABLES),
    "copy_table_to_history_mode": migrates(FROM_TO_TABLES, lambda entry: migration.copy_to_history(
        entry["from_table"], entry["to_table"], entry.get("deleted_column", "")), FROM_TO_TABLES),
    "rename_table": migrates(FROM_TO_TABLES, lambda entry: migration.rename_table(
        entry["from_table"], entry["to_table"]), FROM_TO_TABLES),
    "drop_table": migrates(("table",), lambda entry: migration.drop_table()),
    "migrate_soft_delete_to_history": change_mode(Kind.SOFT_DELETE_TO_HISTORY),
    "migrate_history_to_soft_delete": change_mode(Kind.HISTORY_TO_SOFT_DELETE),
    "migrate_soft_delete_to_live": change_mode(Kind.SOFT_DELETE_TO_LIVE),
    "migrate_history_to_live": change_mode(Kind.HISTORY_TO_LIVE),
    "migrate_live_to_soft_delete": change_mode(Kind.LIVE_TO_SOFT_DELETE),
    "migrate_live_to_history": change_mode(Kind.LIVE_TO_HISTORY),
}

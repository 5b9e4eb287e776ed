"""Random migrations: of tables, of columns, in history mode, and between sync modes."""
import common_pb2 as common
import destination_sdk_pb2 as sdk
from model import ACTIVE, DELETED, READ, START, Column, Table, history_columns, is_history, \
    migrate, sync_modes
from model.convert import text_of

from .operation import Operation
from .tables import SYSTEM

TABLES_MAX = 8
MILLISECOND = 10**6
# Not the start: where it stands in the key is told when the table is made or altered.
RENAMED = [name for name in SYSTEM if name != START]
LIVE_MODES = (sdk.SOFT_DELETE_TO_LIVE, sdk.HISTORY_TO_LIVE, sdk.LIVE_TO_SOFT_DELETE,
              sdk.LIVE_TO_HISTORY)


class Migrations:
    def __init__(self, values, tables, destination):
        self.values = values
        self.tables = tables
        self.destination = destination
        self.random = values.random
        self.chance = values.chance

    def next(self, table):
        makes = [self.drop_table, self.rename_table, self.copy_table, self.rename_column,
                 self.copy_column, self.add_column, self.update_column, self.unsupported,
                 self.copy_to_history]
        weights = [1, 3, 3, 4, 4, 4, 4, 1, 2]
        if is_history(table):
            makes += [self.add_column_in_history, self.drop_column_in_history,
                      self.history_to_soft_delete]
            weights += [10, 10, 4]
        else:
            makes += [self.add_column_in_history, self.soft_delete_to_history,
                      self.history_to_soft_delete]
            weights += [1, 4, 1]
        operation = self.random.choices(makes, weights)[0](table)
        return operation if operation is not None else self.next(table)

    def drop_table(self, table):
        name = table.name if self.chance(0.5) else self.new_name(table)
        return self.operation(table, name, migrate.drop_table,
                              drop=sdk.DropOperation(drop_table=True))

    def rename_table(self, table):
        name = table.name if self.chance(0.9) else self.new_name(table)
        target = self.target(table)
        if target == name:
            return None
        return self.operation(
            table, name, migrate.rename_table, target, others=[target],
            rename=sdk.RenameOperation(
                rename_table=sdk.RenameTable(from_table=name, to_table=target)))

    def copy_table(self, table):
        target = self.target(table)
        if target == table.name:
            return None
        return self.operation(
            table, table.name, migrate.copy_table, target, others=[target],
            copy=sdk.CopyOperation(
                copy_table=sdk.CopyTable(from_table=table.name, to_table=target)))

    def copy_to_history(self, table):
        target = self.target(table)
        soft = self.soft_column(table)
        if target == table.name:
            return None
        return self.operation(
            table, table.name, sync_modes.copy_table_to_history_mode, target, soft,
            others=[target], copy=sdk.CopyOperation(
                copy_table_to_history_mode=sdk.CopyTableToHistoryMode(
                    from_table=table.name, to_table=target, soft_deleted_column=soft)))

    def target(self, table):
        """A name that is free, or that of a table; of a copy, if there is one."""
        others = [other for other in self.destination.tables.values()
                  if other.schema == table.schema]
        copies = [other for other in others if other.copy_of == table.name]
        if copies and self.chance(0.5):
            return self.random.choice(copies).name
        if len(self.destination.tables) >= TABLES_MAX or self.chance(0.2):
            return self.random.choice(others).name
        return self.new_name(table)

    def new_name(self, table):
        return self.tables.new_name(self.destination, table.schema)

    def rename_column(self, table):
        column, target = self.column_name(table), self.column_name(table)
        if self.chance(0.7):
            target = self.values.name() if self.chance(0.95) else self.random.choice(RENAMED)
        if column == target:
            return None
        return self.operation(
            table, table.name, migrate.rename_column, column, target,
            rename=sdk.RenameOperation(
                rename_column=sdk.RenameColumn(from_column=column, to_column=target)))

    def copy_column(self, table):
        column = self.random.choice([*table.names(), "none"])
        target = self.values.name() if self.chance(0.7) else self.column_name(table)
        if column == target:
            return None
        return self.operation(
            table, table.name, migrate.copy_column, column, target,
            copy=sdk.CopyOperation(
                copy_column=sdk.CopyColumn(from_column=column, to_column=target)))

    def column_name(self, table):
        """Seldom one on which history or soft deletes are built; sometimes one that is missing."""
        names = [name for name in table.names() if name not in SYSTEM or self.chance(0.05)]
        return self.random.choice([*names, self.values.name()])

    def add_column(self, table):
        column = self.new_column(table)
        default = self.default(column.type)
        return self.operation(
            table, table.name, migrate.add_column_with_default_value, column.name, column.type,
            default, add=sdk.AddOperation(
                add_column_with_default_value=sdk.AddColumnWithDefaultValue(
                    column=column.name, column_type=common.DataType.Value(column.type),
                    default_value=default)))

    def new_column(self, table):
        """Mostly a column that is not there, or one that is there just so."""
        name = self.values.name()
        column = table.column(name)
        if column is not None and self.chance(0.8):
            return column
        types = [*READ, "UNSPECIFIED"] if self.chance(0.1) else list(READ)
        return Column(name, self.random.choice(types))

    def default(self, type_name):
        if self.chance(0.3) or type_name not in READ:
            return self.random.choice(["NULL", "NULL", "", "no value"])
        return self.values.cell(type_name).replace("\0", "0")

    def update_column(self, table):
        name = self.column_name(table)
        column = table.column(name)
        value = self.default(column.type if column is not None else "STRING")
        return self.operation(
            table, table.name, migrate.update_column_value, name, value,
            update_column_value=sdk.UpdateColumnValueOperation(column=name, value=value))

    def add_column_in_history(self, table):
        column, moment = self.new_column(table), self.moment(table)
        default = self.default(column.type)
        return self.operation(
            table, table.name, history_columns.add_column_in_history_mode, column.name,
            column.type, default, moment, add=sdk.AddOperation(
                add_column_in_history_mode=sdk.AddColumnInHistoryMode(
                    column=column.name, column_type=common.DataType.Value(column.type),
                    default_value=default, operation_timestamp=moment)))

    def drop_column_in_history(self, table):
        name, moment = self.column_name(table), self.moment(table)
        if name in SYSTEM:
            return None
        return self.operation(
            table, table.name, history_columns.drop_column_in_history_mode, name, moment,
            drop=sdk.DropOperation(drop_column_in_history_mode=sdk.DropColumnInHistoryMode(
                column=name, operation_timestamp=moment)))

    def moment(self, table):
        """Mostly not before the last active version; sometimes when another one begins."""
        if self.chance(0.03):
            return "no moment"
        if not is_history(table):
            return self.values.made["UTC_DATETIME"]()
        active = [row[START] for row in table.rows.values() if row[ACTIVE]]
        moment = max(active, default=0) + self.random.choice([0, 0, MILLISECOND, 10**15])
        if self.chance(0.2):
            moment = self.random.choice([row[START] for row in table.rows.values()] or [0])
        return text_of(moment, "UTC_DATETIME")

    def soft_delete_to_history(self, table):
        return self.sync_mode(table, sync_modes.soft_delete_to_history,
                              sdk.SOFT_DELETE_TO_HISTORY, self.soft_column(table))

    def history_to_soft_delete(self, table):
        return self.sync_mode(table, sync_modes.history_to_soft_delete,
                              sdk.HISTORY_TO_SOFT_DELETE, self.soft_column(table))

    def sync_mode(self, table, apply, mode, soft):
        operation = sdk.TableSyncModeMigrationOperation(type=mode)
        if soft:
            operation.soft_deleted_column = soft
        return self.operation(table, table.name, apply, soft, table_sync_mode_migration=operation)

    def soft_column(self, table):
        booleans = [c.name for c in table.columns if c.type == "BOOLEAN" and c.name != ACTIVE]
        other = self.random.choice([*table.names(), "none"])
        return self.random.choice([DELETED, DELETED, "", *booleans, other])

    def unsupported(self, table):
        if self.chance(0.3):
            return self.operation(table, table.name, migrate.unsupported)
        return self.sync_mode(table, migrate.unsupported, self.random.choice(LIVE_MODES), "")

    def operation(self, table, name, apply, *arguments, others=(), **details):
        request = sdk.MigrateRequest(details=sdk.MigrationDetails(
            schema=table.schema, table=name, **details))
        touched = [Table(table.schema, touched, [])
                   for touched in dict.fromkeys([table.name, name, *others])]
        return Operation("Migrate", request,
                         lambda model: apply(model, table.schema, name, *arguments), touched,
                         name=f"Migrate {apply.__name__}")

"""All tables of a destination, and what each RPC does to them.

A table is never changed: a copy is, and takes the table's place. So a method that raises Refused
has changed nothing, and whoever keeps `tables` as it was has kept all.
"""
from .alter import alter
from .history import HistoryTable, is_history
from .table import Refused, Table


class Destination:
    def __init__(self):
        self.tables = {}

    def find(self, schema, name):
        return self.tables.get((schema, name))

    def get(self, schema, name):
        if (schema, name) not in self.tables:
            raise Refused(f"no table {schema}.{name}")
        return self.tables[schema, name]

    def put(self, table):
        self.tables[table.schema, table.name] = table

    def create(self, table):
        if self.find(table.schema, table.name) is not None:
            raise Refused("the table already exists")
        self.put(alter(Table(table.schema, table.name, []), table))

    def alter(self, wished, drop_columns=False):
        self.put(alter(self.get(wished.schema, wished.name), wished, drop_columns))

    def truncate(self, schema, name, synced_column, before, deleted_column=None):
        """`before` in nanoseconds; None: no row. With `deleted_column` rows are only marked."""
        if self.find(schema, name) is None:
            return
        table = self.find(schema, name).copy()
        if not table.has(synced_column, "UTC_DATETIME"):
            raise Refused("synced_column is unknown or no UTC_DATETIME")
        if deleted_column is not None and not table.has(deleted_column, "BOOLEAN"):
            raise Refused("deleted_column is unknown or no BOOLEAN")
        if deleted_column in table.keys():
            raise Refused("deleted_column is in the key")
        for key, row in list(table.rows.items()):
            synced = row[synced_column]
            if before is None or synced is None or synced >= before:
                continue
            if deleted_column is None:
                del table.rows[key]
            else:
                row[deleted_column] = True
        self.put(table)

    def write(self, batch):
        self.apply(batch, Table)

    def write_history(self, batch):
        if not is_history(self.get(batch.table.schema, batch.table.name)):
            raise Refused("not a history table")
        self.apply(batch, HistoryTable)

    def apply(self, batch, kind):
        changed = self.get(batch.table.schema, batch.table.name).copy()
        self.check_request(changed, batch.request_table)
        view = kind(changed.schema, changed.name, changed.columns, changed.rows)
        try:
            batch.apply_to(view)
        except ValueError as error:
            raise Refused(str(error)) from error
        changed.rows = view.rows
        self.put(changed)

    @staticmethod
    def check_request(table, request_table):
        """A stale idea of a column would put values into another."""
        for asked in request_table.columns:
            column = table.column(asked.name)
            if column is None or (column.type, column.key) != (asked.type, asked.key):
                raise Refused(f"the table has no such column {asked.name!r}")

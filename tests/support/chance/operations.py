"""Random operations: what a sync does, in any order, on several tables."""
from google.protobuf.timestamp_pb2 import Timestamp

import destination_sdk_pb2 as sdk
from model import DELETED, SYNCED, Destination, Table, is_history

from .batches import Batches
from .migrations import Migrations
from .operation import Operation
from .spoiled import Spoiler
from .tables import Tables
from .values import Values

TABLES_MAX = 6
NANOSECONDS = 10**9
TIMESTAMP_SECONDS_MIN = -62135596800  # the year 1
TIMESTAMP_SECONDS_MAX = 253402300799


class Operations:
    def __init__(self, random, folder):
        self.values = Values(random)
        self.tables = Tables(self.values)
        self.batches = Batches(self.values, folder)
        self.spoiler = Spoiler(self.values)
        self.random = random
        self.chance = self.values.chance
        self.destination = Destination()
        self.migrations = Migrations(self.values, self.tables, self.destination)

    def next(self):
        """An operation for the destination as the model has it by now."""
        tables = self.destination.tables
        if len(tables) < 2 or (len(tables) < TABLES_MAX and self.chance(0.05)):
            return self.create()
        return self.on(tables[self.random.choice(list(tables))])

    def several_on_one(self):
        """Two or three operations on one table, none of which knows of the others."""
        tables = self.destination.tables
        if not tables:
            return [self.create()]
        table = tables[self.random.choice(list(tables))]
        return [self.on(table) for _ in range(self.random.choice([2, 2, 3]))]

    def on(self, table):
        make = self.random.choices(
            [self.write, self.alter, self.migrations.next, self.truncate, self.write_spoiled,
             self.create_again], weights=[60, 20, 30, 10, 6, 1])[0]
        return make(table)

    def create(self):
        return self.create_table(self.tables.new(self.destination))

    def create_again(self, table):
        return self.create_table(table.copy())

    def create_table(self, table):
        request = sdk.CreateTableRequest(schema_name=table.schema, table=table.message())
        return Operation("CreateTable", request, lambda model: model.create(table), [table])

    def write(self, table):
        if is_history(table) and self.chance(0.9):
            return self.write_batch(self.batches.history(table), "WriteHistoryBatch")
        return self.write_batch(self.batches.live(table), "WriteBatch")

    def write_spoiled(self, table):
        """A batch that must be refused, or one for a table that is not there."""
        if self.chance(0.1):
            missing = Table(table.schema, self.tables.new_name(self.destination, table.schema),
                            table.columns)
            return self.write_batch(self.batches.live(missing), "WriteBatch")
        if self.chance(0.1) and not is_history(table):
            return self.write_batch(self.batches.history(table), "WriteHistoryBatch")
        batch = self.batches.live(table)
        self.spoiler.spoil(batch)
        return self.write_batch(batch, "WriteBatch")

    @staticmethod
    def write_batch(batch, rpc):
        def apply(model):
            if rpc == "WriteBatch":
                model.write(batch)
            else:
                model.write_history(batch)

        return Operation(rpc, batch.request(), apply, [batch.table], batch)

    def alter(self, table):
        wished = self.tables.wished(table)
        drop_columns = self.chance(0.4)
        request = sdk.AlterTableRequest(schema_name=table.schema, table=wished.message(),
                                        drop_columns=drop_columns)
        return Operation("AlterTable", request,
                         lambda model: model.alter(wished, drop_columns), [table])

    def truncate(self, table):
        synced, deleted = SYNCED, None
        if self.chance(0.2):
            synced = self.random.choice(["", "none", *table.names()])
        if self.chance(0.5):
            booleans = [c.name for c in table.columns if c.type == "BOOLEAN"]
            deleted = self.random.choice([DELETED, *booleans])
        before = self.cutoff(table, synced)
        request = sdk.TruncateRequest(schema_name=table.schema, table_name=table.name,
                                      synced_column=synced)
        if before is not None:
            request.utc_delete_before.CopyFrom(
                Timestamp(seconds=before // NANOSECONDS, nanos=before % NANOSECONDS))
        if deleted is not None:
            request.soft.deleted_column = deleted
        return Operation(
            "Truncate", request,
            lambda model: model.truncate(table.schema, table.name, synced, before, deleted),
            [table])

    def cutoff(self, table, synced):
        """At a row's moment, or right beside it."""
        moments = [row[synced] for row in table.rows.values()
                   if table.has(synced, "UTC_DATETIME") and row[synced] is not None]
        if not moments or self.chance(0.05):
            return None if self.chance(0.5) else 1704067200 * NANOSECONDS
        moments.sort()
        # Mostly few rows go.
        moment = moments[int(len(moments) * self.random.random()**3)]
        beside = moment + self.random.choice([0, 1, -1])
        return min(max(beside, TIMESTAMP_SECONDS_MIN * NANOSECONDS),
                   (TIMESTAMP_SECONDS_MAX + 1) * NANOSECONDS - 1)

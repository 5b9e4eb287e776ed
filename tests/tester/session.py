"""One scenario against one server: the calls that Fivetran would make, in its order."""
import random
from datetime import timedelta

import common_pb2 as common
import destination_sdk_pb2 as sdk
from batchfile import BatchFiles
from changes import ABSENT, changes_of, read_time, write_time
from google.protobuf.timestamp_pb2 import Timestamp
from migration import drop_table, migrate_request
from migrations import MIGRATIONS
from model import DELETED, SYNCED
from scenario import TRUNCATES

# Operations of one file are synced one after the other.
BETWEEN_OPERATIONS = timedelta(seconds=1)


class Refusal(Exception):
    """The server answered something else than success."""


class Session:
    """`say` is called with a line for every call."""

    def __init__(self, client, scenario, schema, folder, say, plain_text=False, sync_time=None):
        self.client = client
        self.scenario = scenario
        self.schema = schema
        self.folder = folder
        self.say = say
        self.plain_text = plain_text
        self.sync_time = read_time(sync_time)
        self.files_count = 0

    def run(self):
        self.connect()
        for table in self.scenario.create:
            self.create(table)
        for table in self.scenario.alter:
            self.alter(table)
        self.send_rows()
        self.truncate()
        for name, entries in self.scenario.migrations:
            for entry in entries:
                self.migrate(name, entry)

    def clean(self):
        """Drops what an earlier run of the scenario has left."""
        for table in self.scenario.tables():
            if self.describe(table) is not None:
                self.call("Migrate", migrate_request(self.schema, table, **drop_table()),
                          f"drop {table}")

    def describe(self, table):
        """The table's message; None: there is no such table."""
        response = self.client.describe(self.schema, table)
        if response.WhichOneof("response") == "table":
            return response.table
        if response.WhichOneof("response") == "not_found":
            return None
        raise Refusal(f"DescribeTable {table}: {shown(response)}")

    def connect(self):
        form = self.client.form()
        for test in form.tests:
            self.call("Test", common.TestRequest(name=test.name), f'"{test.label}"')

    def create(self, table):
        """As Fivetran does: a table that is there already is brought to the wished form."""
        if self.describe(table.name) is None:
            self.call("CreateTable", sdk.CreateTableRequest(
                schema_name=self.schema, table=table.message()), table.name)
        else:
            self.alter(table)

    def alter(self, table):
        self.call("AlterTable", sdk.AlterTableRequest(
            schema_name=self.schema, table=table.message()), table.name)

    def send_rows(self):
        """One batch a table."""
        changes = {}
        for position, (name, what) in enumerate(self.scenario.operations):
            if name in TRUNCATES:
                continue
            for table, rows in what.items():
                known = self.scenario.definition(table)
                for row in rows:
                    changes.setdefault(table, changes_of(known)).add(
                        name, row, write_time(self.synced(position)))
        for change in changes.values():
            self.write(change.table, change.batch_files())

    def synced(self, position):
        return self.sync_time + position * BETWEEN_OPERATIONS

    def write(self, table, files):
        written = BatchFiles(self.folder, compression=sdk.OFF if self.plain_text else sdk.ZSTD,
                             encryption=sdk.NONE if self.plain_text else sdk.AES)
        paths = {kind: [self.write_file(written, table, kind, rows)]
                 for kind, rows in files.items()}
        parts = {"schema_name": self.schema, "table": table.message(), "keys": written.keys,
                 "file_params": written.params(), "replace_files": paths.get("upsert"),
                 "update_files": paths.get("update"), "delete_files": paths.get("delete")}
        note = f"{table.name}: " + ", ".join(f"{len(rows)} {kind}" for kind, rows in files.items())
        if table.history:
            self.call("WriteHistoryBatch", sdk.WriteHistoryBatchRequest(
                **parts, earliest_start_files=paths.get("earliest")), note)
        else:
            self.call("WriteBatch", sdk.WriteBatchRequest(**parts), note)

    def write_file(self, written, table, kind, rows):
        """All columns, in an order of the file's own."""
        self.files_count += 1
        header = table.names()
        random.Random(self.files_count).shuffle(header)
        end = "csv" if self.plain_text else "csv.zstd.aes"
        return written.add(header, [[row.get(name, ABSENT[kind]) for name in header]
                                    for row in rows],
                           name=f"{table.name}_{self.files_count}_{kind}.{end}")

    def truncate(self):
        """Of rows that were synced before the operation's time."""
        for position, (name, tables) in enumerate(self.scenario.operations):
            if name not in TRUNCATES:
                continue
            cutoff = Timestamp()
            cutoff.FromDatetime(self.synced(position).replace(tzinfo=None))
            soft = sdk.SoftTruncate(deleted_column=DELETED) if name == TRUNCATES[1] else None
            for table in tables:
                self.call("Truncate", sdk.TruncateRequest(
                    schema_name=self.schema, table_name=table, synced_column=SYNCED,
                    utc_delete_before=cutoff, soft=soft),
                    f"{table}{' softly' if soft else ''}, rows before "
                    f"{write_time(self.synced(position))}")

    def migrate(self, name, entry):
        migration = MIGRATIONS[name]
        note = f"{name} " + ", ".join(f"{field} {value}" for field, value in entry.items())
        if not migration.alters:
            self.call("Migrate", migration.make(self.schema, entry), note)
            return
        table = self.describe(entry["table"])
        if table is None:
            raise Refusal(f'{name}: there is no table "{entry["table"]}"')
        self.call("AlterTable", migration.make(self.schema, entry, table), note)

    def call(self, rpc, request, note):
        response = self.client.call(rpc, request)
        done = response.WhichOneof("response") == "success"
        self.say(f"{rpc:18}{note}" if done else f"{rpc:18}{note}: {shown(response)}")
        if not done:
            raise Refusal(f"{rpc} {note}: {shown(response)}")


def shown(response):
    kind = response.WhichOneof("response")
    message = getattr(getattr(response, kind or "", None), "message", "")
    return f"{kind}: {message}" if message else str(kind)

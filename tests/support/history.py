"""A history table as the rules have it: every version of a record, slow and simple on purpose."""
import destination_sdk_pb2 as sdk
from batch import Batch
from model import Column, Table, read_boolean, read_utc

END_OF_TIME = "9999-12-31T23:59:59.999Z"
MILLISECOND = 10**6  # in nanoseconds

START, END, ACTIVE, SYNCED = ("_fivetran_start", "_fivetran_end", "_fivetran_active",
                              "_fivetran_synced")

SYSTEM_COLUMNS = [Column(START, "UTC_DATETIME", key=True), Column(END, "UTC_DATETIME"),
                  Column(ACTIVE, "BOOLEAN"), Column(SYNCED, "UTC_DATETIME")]


class HistoryTable(Table):
    """Versions by key; the key ends in the start."""

    def keys(self):
        return [name for name in super().keys() if name != START] + [START]

    def record_of(self, row):
        return tuple(row[name] for name in self.keys() if name != START)

    def versions(self, record):
        """The record's versions, the latest first."""
        found = [row for row in self.rows.values() if self.record_of(row) == record]
        return sorted(found, key=lambda row: row[START], reverse=True)

    def earliest_start(self, header, rows):
        for cells in rows:
            row = self.read(header, cells)
            left = []
            for version in self.versions(self.record_of(row)):
                if version[START] >= row[START]:
                    del self.rows[self.key_of(version)]
                else:
                    left.append(version)
            if left:
                latest = left[0]
                latest[ACTIVE] = False
                if latest[END] is None or latest[END] >= row[START]:
                    latest[END] = row[START] - MILLISECOND

    def update_all(self, files):
        """The rows of all update files: a record's in order of their starts."""
        changes = [self.read(header, cells) for header, rows in files for cells in rows]
        for change in sorted(changes, key=lambda row: row[START]):
            earlier = [version for version in self.versions(self.record_of(change))
                       if version[START] < change[START]]
            if not earlier:
                continue
            row = {**earlier[0], **change}
            if change.get(END) is None:
                row[END] = read_utc(END_OF_TIME)
            if change.get(ACTIVE) is None:
                row[ACTIVE] = read_boolean("true")
            self.rows[self.key_of(row)] = row

    def delete(self, header, rows, request_names=None):
        for cells in rows:
            row = self.read(header, cells)
            for version in self.versions(self.record_of(row)):
                if version[ACTIVE]:
                    version[ACTIVE] = False
                    version[END] = row[END]
                    if SYNCED in row:
                        version[SYNCED] = row[SYNCED]
                    break


class HistoryBatch(Batch):
    """earliest(), replace(), update() and delete() each add one file to their phase."""

    def __init__(self, folder, table, **file_options):
        super().__init__(folder, table, **file_options)
        self.phases = {"earliest_start": [], **self.phases}

    def earliest(self, rows, header=None):
        return self.add("earliest_start", rows, header)

    def request(self):
        paths = {phase: [path for path, _, _ in files] for phase, files in self.phases.items()}
        return sdk.WriteHistoryBatchRequest(
            schema_name=self.table.schema, table=self.table.message(), keys=self.files.keys,
            earliest_start_files=paths["earliest_start"], replace_files=paths["replace"],
            update_files=paths["update"], delete_files=paths["delete"],
            file_params=self.files.params())

    def apply_to_model(self):
        for phase, files in self.phases.items():
            if phase == "update":
                self.table.update_all([(header, rows) for _, header, rows in files])
                continue
            for _, header, rows in files:
                getattr(self.table, phase)(header, rows)

"""What all operations of an input file do to one table: the rows of its batch files.

A file is a kind (upsert, update, delete or earliest) and rows, each {column: cell}; what a row does
not hold is unmodified in an update file and NULL in any other.
"""
from datetime import datetime, timedelta, timezone

from batchfile import NULL, UNMODIFIED
from cells import cell_of
from model import ACTIVE, DELETED, END, END_OF_TIME, START, SYNCED
from scenario import OPERATION_TIME

MILLISECOND = timedelta(milliseconds=1)
ABSENT = {"upsert": NULL, "update": UNMODIFIED, "delete": NULL, "earliest": NULL}


class Changes:
    """The changes of a table without history."""

    def __init__(self, table):
        self.table = table
        self.files = {"upsert": [], "update": [], "delete": []}

    def add(self, operation, row, synced):
        cells = {name: cell_of(value) for name, value in row.items() if name != OPERATION_TIME}
        if operation == "soft_delete":
            self.files["update"].append({**self.key_of(cells), DELETED: "true"})
        elif operation == "delete":
            self.files["delete"].append(self.key_of(cells))
        else:
            self.files[operation].append({**self.living(), **cells, SYNCED: synced})

    def key_of(self, cells):
        return {name: cells[name] for name in self.table.keys()}

    def living(self):
        return {DELETED: "false"} if DELETED in self.table.names() else {}

    def batch_files(self):
        """{kind: rows}, without files that nothing goes into."""
        return {kind: rows for kind, rows in self.files.items() if rows}


class HistoryChanges(Changes):
    """The changes of a history table: every change but a delete begins a version at its time."""

    def __init__(self, table):
        super().__init__(table)
        self.versions = {}  # by record: (start, kind, row) as they come

    def add(self, operation, row, synced):
        cells = {name: cell_of(value) for name, value in row.items() if name != OPERATION_TIME}
        start = read_time(row[OPERATION_TIME])
        if operation == "delete":
            self.files["delete"].append({**self.key_of(cells), END: write_time(start),
                                         ACTIVE: "false", SYNCED: synced})
            return
        if operation == "soft_delete":
            version = {**self.key_of(cells), DELETED: "true"}
        else:
            version = {**self.living(), **cells}
        kind = "upsert" if operation == "upsert" else "update"
        self.versions.setdefault(tuple(self.key_of(cells).values()), []).append(
            (start, kind, {**version, SYNCED: synced}))

    def batch_files(self):
        files = {"earliest": [], **{kind: list(rows) for kind, rows in self.files.items()}}
        for versions in self.versions.values():
            versions.sort(key=lambda version: version[0])
            files["earliest"].append({**self.key_of(versions[0][2]),
                                      START: write_time(versions[0][0])})
            for version, following in zip(versions, [*versions[1:], None]):
                files[version[1]].append(self.chained(version, following))
        return {kind: rows for kind, rows in files.items() if rows}

    @staticmethod
    def chained(version, following):
        """The row of a version, which ends where the following one begins."""
        start, _, row = version
        end = END_OF_TIME if following is None else write_time(following[0] - MILLISECOND)
        return {**row, START: write_time(start), END: end,
                ACTIVE: "true" if following is None else "false"}


def changes_of(table):
    return HistoryChanges(table) if table.history else Changes(table)


def read_time(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def write_time(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"

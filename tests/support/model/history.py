"""A history table as the rules have it: every version of a record, slow and simple on purpose."""
from .table import ACTIVE, END, START, SYNCED, Column, Table
from .values import read_utc

END_OF_TIME = "9999-12-31T23:59:59.999Z"
MILLISECOND = 10**6  # in nanoseconds

SYSTEM_COLUMNS = [Column(START, "UTC_DATETIME", key=True), Column(END, "UTC_DATETIME"),
                  Column(ACTIVE, "BOOLEAN"), Column(SYNCED, "UTC_DATETIME")]


def is_history(table):
    """Whether the table has the three columns; of them the start, last, in its key of several."""
    keys = table.keys()
    return len(keys) > 1 and keys[-1] == START and table.has(START, "UTC_DATETIME") \
        and table.has(END, "UTC_DATETIME") and table.has(ACTIVE, "BOOLEAN") \
        and END not in keys and ACTIVE not in keys


class HistoryTable(Table):
    """Versions by key; the key ends in the start."""

    def record_of(self, row):
        return self.key_of(row)[:-1]

    def records(self):
        """{record: its versions}."""
        records = {}
        for row in self.rows.values():
            records.setdefault(self.record_of(row), []).append(row)
        return records

    def earliest_start(self, header, rows, request_names=None):
        self.check_header(header, [START])
        others = [name for name in header if name not in self.keys()]
        records = self.records()
        for row in self.read_all(header, rows, without=others):
            record = self.record_of(row)
            records[record] = self.cut(records.get(record, []), row[START])
        self.set_rows(version for versions in records.values() for version in versions)

    @staticmethod
    def cut(versions, start):
        """The versions before `start`, the last of them closed."""
        left = [version for version in versions if version[START] < start]
        if left:
            latest = max(left, key=lambda version: version[START])
            latest[ACTIVE] = False if latest[ACTIVE] else latest[ACTIVE]
            if latest[END] is None or latest[END] >= start:
                latest[END] = start - MILLISECOND
        return left

    def update_all(self, files):
        """The rows of all update files: a record's in order of their starts."""
        changes = [row for header, rows in files
                   for row in self.read_all(header, rows, with_unmodified=True)]
        records = self.records()
        for change in sorted(changes, key=lambda row: row[START]):
            versions = records.get(self.record_of(change), [])
            earlier = [version for version in versions if version[START] < change[START]]
            if not earlier:
                continue
            row = {**max(earlier, key=lambda version: version[START]), **change}
            if change.get(END) is None:
                row[END] = read_utc(END_OF_TIME)
            if change.get(ACTIVE) is None:
                row[ACTIVE] = True
            versions[:] = [v for v in versions if v[START] != row[START]] + [row]
        self.set_rows(version for versions in records.values() for version in versions)

    def delete(self, header, rows, request_names=None):
        self.check_header(header, [END])
        others = [name for name in header if name not in self.keys() + [END, SYNCED]]
        records = self.records()
        for row in self.read_all(header, rows, with_unmodified=True, without=others + [START]):
            if row.get(END) is None:
                raise ValueError("a delete without an end")
            record = tuple(row[name] for name in self.keys()[:-1])
            for version in records.get(record, []):
                if version[ACTIVE]:
                    version.update({ACTIVE: False, END: row[END]})
                    if SYNCED in row:
                        version[SYNCED] = row[SYNCED]

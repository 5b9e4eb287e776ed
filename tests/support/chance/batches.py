"""Random batches for a table of the model: rows that meet the stored ones, and each other."""
import destination_sdk_pb2 as sdk
from batch import Batch
from batchfile import NULL, UNMODIFIED
from history import HistoryBatch
from model import ACTIVE, END, END_OF_TIME, START, SYNCED, Table
from model.convert import text_of

# Beyond the size up to which a batch is one job, though nothing looks at the cell that is so long.
LARGE_CELL = "l" * (9 * 1024 * 1024)

# Rows of a file that is long; of some of these sorting makes several runs.
MANY_ROWS = (1000, 3000, 3000, 3000, 3000, 15_000)


class Batches:
    def __init__(self, values, folder):
        self.values = values
        self.random = values.random
        self.chance = values.chance
        self.folder = folder
        self.many_rows = self.random.choice(MANY_ROWS)
        self.long_files = 0.005  # how many files have so many rows
        self.stored_rows = []  # of the table that the batch is for

    def live(self, table):
        return self.fill(self.begin(Batch, table))

    def history(self, table):
        return self.fill(self.begin(HistoryBatch, table))

    def begin(self, kind, table):
        null_string = "" if self.chance(0.1) else None
        unmodified_string = "" if self.chance(0.05) else None
        self.stored_rows = list(table.rows.values())
        return kind(self.folder, table.copy(), request_table=self.request_table(table),
                    compression=self.random.choice([sdk.OFF, sdk.ZSTD, sdk.GZIP]),
                    encryption=self.random.choice([sdk.NONE, sdk.AES]), null_string=null_string,
                    unmodified_string=unmodified_string,
                    quoted_from=self.random.choice([0, 25, 25, 1000]),
                    line_end=self.random.choice(["\n", "\n", "\r\n"]))

    def request_table(self, table):
        """Sometimes the request does not know all columns."""
        if self.chance(0.85):
            return table.copy()
        return Table(table.schema, table.name, [
            column for column in table.columns
            if column.key or column.name.startswith("_fivetran") or self.chance(0.7)])

    def row_count(self):
        if self.chance(self.long_files):
            return self.many_rows
        return self.random.choice([0, 1, 2, 3, 5, 8, 40])

    def fill(self, batch):
        for phase in batch.phases:
            for _ in range(self.random.choice([0, 1, 1, 2])):
                self.add(batch, phase, self.row_count())
        if batch.files.compression == sdk.OFF and self.chance(0.1):
            self.make_large(batch)
        return batch

    def make_large(self, batch):
        """Adds a delete file with a long cell, in a column at which nothing looks."""
        ignored = [c.name for c in batch.request_table.columns
                   if not c.key and c.name not in (END, SYNCED)]
        if ignored:
            header = self.header(batch, "delete", full=True)
            row = self.row(batch, "delete", header)
            row[header.index(ignored[0])] = LARGE_CELL
            batch.add("delete", [row], header)

    def add(self, batch, phase, rows_count):
        header = self.header(batch, phase)
        wide = rows_count == self.many_rows
        batch.add(phase, [self.row(batch, phase, header, wide) for _ in range(rows_count)], header)

    def header(self, batch, phase, full=False):
        """All columns in any order; sometimes without some that may be missing."""
        columns = list(batch.request_table.columns)
        if not full and self.chance(0.25):
            needed = self.needed(batch, phase)
            columns = [c for c in columns if c.key or c.name in needed or self.chance(0.6)]
        self.random.shuffle(columns)
        return [column.name for column in columns]

    @staticmethod
    def needed(batch, phase):
        if not isinstance(batch, HistoryBatch):
            return ()
        return {"replace": (END, ACTIVE, SYNCED), "delete": (END,)}.get(phase, ())

    def row(self, batch, phase, header, wide=False):
        """Of a row that is there, or of another; `wide`: not only of few keys."""
        stored = self.stored_row()
        cells = {name: self.cell(batch, phase, batch.table.column(name), stored, wide)
                 for name in header}
        if isinstance(batch, HistoryBatch):
            self.set_version(cells, phase)
        return [cells[name] for name in header]

    def stored_row(self):
        if not self.stored_rows or self.chance(0.4):
            return None
        return self.random.choice(self.stored_rows)

    def cell(self, batch, phase, column, stored, wide):
        if column.key:
            if stored is not None and (column.name != START or self.chance(0.3)):
                return text_of(stored[column.name], column.type)
            return self.values.key_cell(column.type, wide)
        if phase == "delete":
            return NULL if self.chance(0.8) else self.values.text()
        if phase == "update" and batch.files.unmodified_string and self.chance(0.4):
            return UNMODIFIED
        return NULL if self.chance(0.1) else self.values.cell_of(column)

    def set_version(self, cells, phase):
        """What a version says of itself: few starts, so that versions meet."""
        if START in cells and self.chance(0.8):
            cells[START] = self.moment()
        active = self.chance(0.5)
        version = {END: END_OF_TIME if active else self.moment(),
                   ACTIVE: "true" if active else "false", SYNCED: self.moment()}
        if phase == "delete":
            version = {START: NULL, ACTIVE: NULL, END: self.moment(), SYNCED: self.moment()}
        elif phase == "update" and self.chance(0.2):
            version |= {END: NULL, ACTIVE: NULL}
        cells.update({name: cell for name, cell in version.items() if name in cells})

    def moment(self):
        day, second = self.random.randrange(1, 10), self.random.choice(["00", "00.001", "00.5"])
        return f"2024-01-{day:02}T00:00:{second}Z"

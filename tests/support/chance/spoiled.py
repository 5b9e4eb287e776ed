"""Ways to spoil a batch, so that it must be refused as a whole."""
from batchfile import NULL, UNMODIFIED
from model import Table

BAD_TEXT = "no value"
TAKE_ANYTHING = ("STRING", "JSON", "XML", "BINARY")


class Spoiler:
    def __init__(self, values):
        self.values = values
        self.random = values.random

    def spoil(self, batch):
        """Adds a file in which one thing is wrong, or lets the request describe another table."""
        header = batch.table.names()
        row = [self.values.key_cell(column.type) if column.key else NULL
               for column in batch.table.columns]
        spoil = self.random.choice([self.bad_value, self.null_key, self.unmodified_cell,
                                    self.unknown_column, self.double_column, self.missing_key,
                                    self.short_row, self.other_type])
        phase = spoil(batch, header, row) or "replace"
        batch.add(phase, [row], header)

    def bad_value(self, batch, header, row):
        strict = [c.name for c in batch.table.columns if c.type not in TAKE_ANYTHING]
        row[header.index(self.random.choice(strict))] = BAD_TEXT
        return self.random.choice(["replace", "update"])

    def null_key(self, batch, header, row):
        row[header.index(self.random.choice(batch.table.keys()))] = NULL
        return self.random.choice(["replace", "update", "delete"])

    def unmodified_cell(self, batch, header, row):
        if batch.files.unmodified_string == "":
            return self.null_key(batch, header, row)
        row[self.random.randrange(len(row))] = UNMODIFIED
        return "replace"

    def unknown_column(self, _, header, row):
        header.append("a column that no table has")
        row.append("1")
        return self.random.choice(["replace", "update", "delete"])

    def double_column(self, _, header, row):
        header.append(header[0])
        row.append(row[0])

    def missing_key(self, batch, header, row):
        at = header.index(self.random.choice(batch.table.keys()))
        del header[at], row[at]
        return self.random.choice(["replace", "update", "delete"])

    def short_row(self, _, __, row):
        row.append("1")

    def other_type(self, batch, _, __):
        table = batch.table
        columns = [column.with_() for column in table.columns]
        at = self.random.randrange(len(columns))
        other = "INT" if columns[at].type != "INT" else "LONG"
        columns[at] = columns[at].with_(type_name=other, precision=None, scale=None)
        batch.request_table = Table(table.schema, table.name, columns)

"""A table as the rules of the protocol have it: a dict from key to row, one row at a time.

Slow and simple on purpose: the server's answer is compared with this.
"""
import common_pb2 as common
from batchfile import NULL, UNMODIFIED

from .values import ORDER, READ, SHOW

START, END, ACTIVE, SYNCED, DELETED, ID = (
    "_fivetran_start", "_fivetran_end", "_fivetran_active", "_fivetran_synced",
    "_fivetran_deleted", "_fivetran_id")

PRECISION_MAX = 38


class Refused(Exception):
    """The server must answer a task, and nothing may have changed."""
    answer = "task"


class Unsupported(Refused):
    """The server must answer unsupported, and nothing may have changed."""
    answer = "unsupported"


class Column:
    def __init__(self, name, type_name, key=False, precision=None, scale=None,
                 string_byte_length=None):
        self.name = name
        self.type = type_name
        self.key = key
        self.precision = precision
        self.scale = scale
        self.string_byte_length = string_byte_length

    def with_(self, **changes):
        return Column(**{"name": self.name, "type_name": self.type, "key": self.key,
                         "precision": self.precision, "scale": self.scale, **changes})

    def message(self):
        """As a request carries it."""
        params = None
        if self.precision is not None:
            params = common.DataTypeParams(
                decimal=common.DecimalParams(precision=self.precision, scale=self.scale))
        elif self.string_byte_length is not None:
            params = common.DataTypeParams(string_byte_length=self.string_byte_length)
        return common.Column(name=self.name, type=common.DataType.Value(self.type),
                             primary_key=self.key, params=params)

    def stored(self):
        """As it is stored and described: precision is capped, text has no length."""
        capped = None if self.precision is None else min(self.precision, PRECISION_MAX)
        return self.with_(precision=capped)


class Table:
    """Rows by key. A batch is applied by replace(), update() and delete(), file by file."""

    def __init__(self, schema, name, columns, rows=None):
        self.schema = schema
        self.name = name
        self.columns = columns
        self.rows = {} if rows is None else rows
        self.copy_of = None  # the name of the table of which it is a copy

    def copy(self, name=None):
        copy = type(self)(self.schema, name or self.name, list(self.columns),
                          {key: dict(row) for key, row in self.rows.items()})
        copy.copy_of = self.copy_of
        return copy

    def message(self):
        return common.Table(name=self.name, columns=[c.message() for c in self.columns])

    def names(self):
        return [column.name for column in self.columns]

    def column(self, name):
        return next((column for column in self.columns if column.name == name), None)

    def has(self, name, type_name):
        return any(c.name == name and c.type == type_name for c in self.columns)

    def keys(self):
        """The key columns; the start of a version comes last."""
        names = [column.name for column in self.columns if column.key]
        return sorted(names, key=lambda name: name == START)

    def key_of(self, row):
        return tuple(row[name] for name in self.keys())

    def set_rows(self, rows):
        """Takes other rows, each of a key of its own."""
        by_key = {}
        for row in rows:
            key = self.key_of(row)
            if any(value is None or value != value for value in key):
                raise Refused("NULL or NaN in the key")
            if by_key.setdefault(key, row) is not row:
                raise Refused("two rows of one key")
        self.rows = by_key

    def check_header(self, header, needed):
        for name in header:
            if self.column(name) is None or header.count(name) > 1:
                raise ValueError(f"the header's column {name!r} is unknown or comes twice")
        for name in needed:
            if name not in header:
                raise ValueError(f"the header lacks {name!r}")

    def read(self, header, cells):
        """A row of a file as {column: value}; unmodified cells are absent."""
        types = {column.name: column.type for column in self.columns}
        return {name: None if cell is NULL else READ[types[name]](cell)
                for name, cell in zip(header, cells, strict=True) if cell is not UNMODIFIED}

    def read_all(self, header, rows, with_unmodified=False, without=()):
        """The rows of a file, each with a whole key; the columns `without` are not looked at."""
        needed = [name for name in self.keys() if name not in without]
        self.check_header(header, needed)
        for cells in rows:
            pairs = [(name, cell) for name, cell in zip(header, cells, strict=True)
                     if name not in without]
            row = self.read([name for name, _ in pairs], [cell for _, cell in pairs])
            if any(row.get(name) is None or row[name] != row[name] for name in needed):
                raise ValueError("a key cell is NULL, unmodified or NaN")
            if len(row) < len(pairs) and not with_unmodified:
                raise ValueError("an unmodified cell where none may be")
            yield row

    def replace(self, header, rows, request_names=None):
        """Columns that neither the file nor the request's table has keep their value."""
        request_names = self.names() if request_names is None else request_names
        for row in self.read_all(header, rows):
            before = self.rows.get(self.key_of(row), {})
            for name in self.names():
                if name not in row:
                    row[name] = None if name in request_names else before.get(name)
            self.rows[self.key_of(row)] = row

    def update(self, header, rows, request_names=None):
        for row in self.read_all(header, rows, with_unmodified=True):
            if self.key_of(row) in self.rows:
                self.rows[self.key_of(row)].update(row)

    def delete(self, header, rows, request_names=None):
        others = [name for name in header if name not in self.keys()]
        for row in self.read_all(header, rows, without=others):
            self.rows.pop(self.key_of(row), None)

    def dump(self):
        """What `weir dump` prints, as JSON values, in key order."""
        order = {c.name: ORDER.get(c.type, lambda value: value) for c in self.columns}
        in_order = sorted(self.rows.values(),
                          key=lambda row: [order[name](row[name]) for name in self.keys()])
        return [{c.name: None if row[c.name] is None else SHOW[c.type](row[c.name])
                 for c in self.columns} for row in in_order]

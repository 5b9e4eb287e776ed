"""A table as the rules of the protocol have it: a dict from key to row, one row at a time.

Slow and simple on purpose: the server's answer is compared with this.
"""
import base64
import math
import re
import struct
from decimal import Context, Decimal

import common_pb2 as common
from batchfile import NULL, UNMODIFIED

DECIMAL_CONTEXT = Context(prec=100)
NANOSECONDS = 10**9
FLOAT32_MAX = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]


class Column:
    def __init__(self, name, type_name, key=False, precision=None, scale=None):
        self.name = name
        self.type = type_name
        self.key = key
        self.precision = precision
        self.scale = scale

    def message(self):
        params = None
        if self.precision is not None:
            params = common.DataTypeParams(
                decimal=common.DecimalParams(precision=self.precision, scale=self.scale))
        return common.Column(name=self.name, type=common.DataType.Value(self.type),
                             primary_key=self.key, params=params)


class Table:
    """Rows by key. A batch is applied by replace(), update() and delete(), file by file."""

    def __init__(self, schema, name, columns):
        self.schema = schema
        self.name = name
        self.columns = columns
        self.rows = {}

    def message(self):
        return common.Table(name=self.name, columns=[c.message() for c in self.columns])

    def names(self):
        return [column.name for column in self.columns]

    def keys(self):
        return [column.name for column in self.columns if column.key]

    def key_of(self, row):
        return tuple(row[name] for name in self.keys())

    def read(self, header, cells):
        """A row of a file as {column: value}; unmodified cells are absent."""
        types = {column.name: column.type for column in self.columns}
        return {name: None if cell is NULL else READ[types[name]](cell)
                for name, cell in zip(header, cells) if cell is not UNMODIFIED}

    def replace(self, header, rows, request_names=None):
        """Columns that neither the file nor the request's table has keep their value."""
        request_names = self.names() if request_names is None else request_names
        for cells in rows:
            row = self.read(header, cells)
            before = self.rows.get(self.key_of(row), {})
            for name in self.names():
                if name not in row:
                    row[name] = None if name in request_names else before.get(name)
            self.rows[self.key_of(row)] = row

    def update(self, header, rows, request_names=None):
        for cells in rows:
            row = self.read(header, cells)
            if self.key_of(row) in self.rows:
                self.rows[self.key_of(row)].update(row)

    def delete(self, header, rows, request_names=None):
        for cells in rows:
            key_cells = dict(zip(header, cells))
            row = self.read(self.keys(), [key_cells[name] for name in self.keys()])
            self.rows.pop(self.key_of(row), None)

    def dump(self):
        """What `weir dump` prints, as JSON values, in key order."""
        def order(row):
            return [ORDER.get(c.type, lambda v: v)(row[c.name]) for c in self.columns if c.key]

        return [{c.name: None if row[c.name] is None else SHOW[c.type](row[c.name])
                 for c in self.columns}
                for row in sorted(self.rows.values(), key=order)]


def read_boolean(text):
    return {"true": True, "false": False}[text.lower()]


def read_float32(text):
    """The nearest 32-bit value; just above the largest one is the largest one."""
    value = to_float32(float(text))
    if abs(value) == float("inf") and "inf" not in text.lower():
        return math.copysign(FLOAT32_MAX, value)
    return value


def to_float32(value):
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(float("inf"), value)


def days_of(year, month, day):
    """Days since 1970-01-01 in the proleptic Gregorian calendar, year 0 included."""
    year_of_era = year - (month <= 2)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + year_of_era // 400 \
        + day_of_year - 719468


def date_of(days):
    """The inverse of days_of: found by looking, so that the two check each other."""
    year = 1970 + days // 366 - 1
    while days_of(year + 1, 1, 1) <= days:
        year += 1
    while days_of(year, 1, 1) > days:
        year -= 1
    month = max(m for m in range(1, 13) if days_of(year, m, 1) <= days)
    return f"{year:04}-{month:02}-{days - days_of(year, month, 1) + 1:02}"


def read_date(text):
    match = re.fullmatch(r"[+]?(\d+)-(\d\d)-(\d\d)", text)
    return days_of(*map(int, match.groups()))


def read_time(text):
    match = re.fullmatch(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{0,9}))?)?", text)
    hours, minutes, seconds, fraction = match.groups(default="0")
    return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * NANOSECONDS \
        + int(fraction.ljust(9, "0"))


def read_datetime(text):
    date, time = re.split("[T ]", text, maxsplit=1)
    return read_date(date) * 86400 * NANOSECONDS + read_time(time)


def read_utc(text):
    match = re.fullmatch(r"(.*?)(Z|([+-])(\d\d):?(\d\d))?", text)
    local, _, sign, hours, minutes = match.groups()
    offset = (int(hours) * 3600 + int(minutes) * 60) * NANOSECONDS if sign else 0
    return read_datetime(local) - (-offset if sign == "-" else offset)


def read_binary(text):
    """Base64 with or without padding; other text is its own bytes."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return text.encode()


def show_decimal(value):
    if value.as_tuple().exponent > 0:
        value = value.quantize(Decimal(1), context=DECIMAL_CONTEXT)
    return format(value, "f")


def show_double(value):
    special = {float("inf"): "Infinity", float("-inf"): "-Infinity"}
    return "NaN" if value != value else special.get(value, value)


def show_float32(value):
    """The shortest decimal that reads back as the same 32 bits."""
    if value != value or abs(value) == float("inf"):
        return show_double(value)
    return next(float(text) for text in (f"{value:.{digits}g}" for digits in range(1, 10))
                if to_float32(float(text)) == value)


def show_time(nanoseconds):
    seconds, fraction = divmod(nanoseconds, NANOSECONDS)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:09}".rstrip("0") if fraction else text


def show_datetime(nanoseconds):
    days, rest = divmod(nanoseconds, 86400 * NANOSECONDS)
    return f"{date_of(days)}T{show_time(rest)}"


READ = {
    "BOOLEAN": read_boolean, "SHORT": int, "INT": int, "LONG": int,
    "DECIMAL": lambda text: Decimal(text), "FLOAT": read_float32, "DOUBLE": float,
    "NAIVE_DATE": read_date, "NAIVE_TIME": read_time, "NAIVE_DATETIME": read_datetime,
    "UTC_DATETIME": read_utc, "BINARY": read_binary, "STRING": str, "XML": str, "JSON": str,
}

SHOW = {
    "BOOLEAN": bool, "SHORT": int, "INT": int, "LONG": int,
    "DECIMAL": show_decimal, "FLOAT": show_float32, "DOUBLE": show_double,
    "NAIVE_DATE": date_of, "NAIVE_TIME": show_time, "NAIVE_DATETIME": show_datetime,
    "UTC_DATETIME": lambda value: show_datetime(value) + "Z",
    "BINARY": lambda value: base64.b64encode(value).decode(), "STRING": str, "XML": str,
    "JSON": str,
}

# Text is ordered by its bytes; all other values by themselves.
ORDER = {name: str.encode for name in ("STRING", "XML", "JSON")}

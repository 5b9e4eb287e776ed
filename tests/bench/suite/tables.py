"""The tables of the benchmark: columns, each of a kind that bench_rows can make."""
from dataclasses import dataclass

from model import Column, Table

# The type of each kind of column. To add a kind, add a row here and its function in bench_rows.c.
TYPES = {"k": "LONG", "p": "STRING", "o": "STRING", "K": "STRING", "s": "STRING", "i": "INT",
         "l": "LONG", "d": "DECIMAL", "f": "DOUBLE", "b": "BOOLEAN", "D": "NAIVE_DATE",
         "t": "UTC_DATETIME", "w": "STRING", "j": "JSON", "M": "STRING", "S": "UTC_DATETIME",
         "B": "UTC_DATETIME", "E": "UTC_DATETIME", "A": "BOOLEAN", "X": "BOOLEAN"}

SCHEMA = "bench"


@dataclass(frozen=True)
class BenchTable:
    """`columns` are pairs of name and kind; `keys` names those of the primary key."""
    name: str
    columns: tuple
    keys: tuple

    def names(self):
        return [name for name, _ in self.columns]

    def types(self):
        """{column name: type}"""
        return {name: TYPES[kind] for name, kind in self.columns}

    def kinds(self):
        return "".join(kind for _, kind in self.columns)

    def only(self, *names):
        """The same table, of which a file has some columns only."""
        return BenchTable(self.name, tuple(column for column in self.columns
                                           if column[0] in names), self.keys)

    def message(self):
        return Table(SCHEMA, self.name, [
            Column(name, TYPES[kind], key=name in self.keys,
                   **({"precision": 18, "scale": 2} if kind == "d" else {}))
            for name, kind in self.columns]).message()

    def is_history(self):
        return "_fivetran_start" in self.names()


ORDER = (("id", "k"), ("customer", "s"), ("quantity", "i"), ("account", "l"), ("amount", "d"),
         ("weight", "f"), ("active", "b"), ("day", "D"), ("created", "t"), ("notes", "w"),
         ("attributes", "j"))
SYNCED = ("_fivetran_synced", "S")
VERSION = (("_fivetran_start", "B"), ("_fivetran_end", "E"), ("_fivetran_active", "A"))

ORDERS = BenchTable("orders", (*ORDER, SYNCED), ("id",))
HISTORY = BenchTable("history", (*ORDER, *VERSION, SYNCED), ("id", "_fivetran_start"))

PAIRS = BenchTable("pairs", (("tenant", "p"), ("object", "o"), ("id", "k"), ("customer", "s"),
                             ("amount", "d"), ("created", "t"), ("notes", "w"), SYNCED),
                   ("tenant", "object", "id"))

PAGES = BenchTable("pages", (("url", "K"), ("visits", "i"), ("created", "t"), SYNCED), ("url",))

WIDE = BenchTable("wide", (("id", "k"), *((f"column_{number}", "sildfbDtw"[number % 9])
                                          for number in range(198)), SYNCED), ("id",))

LONG = BenchTable("long", (("id", "k"), ("body", "M"), SYNCED), ("id",))

# What SOFT_DELETE_TO_HISTORY starts from and what it leaves.
SOFT = BenchTable("soft", (*ORDER, ("_fivetran_deleted", "X"), SYNCED), ("id",))

MIGRATED = BenchTable("soft", (*ORDER, SYNCED, *VERSION), ("id", "_fivetran_start"))

"""The cases of the suite, in the order in which they run: to add one, add a row."""
from dataclasses import dataclass
from functools import partial
from typing import Callable

import batches
import many_tables
import small
import whole_table
from stages import measure_stages

EVERYBODY = ("sqlite3", "DuckDB", "DuckDB staging", "PostgreSQL")
DUCKDB = ("DuckDB", "DuckDB staging")


@dataclass(frozen=True)
class Case:
    name: str
    about: str
    run: Callable
    in_quick: bool = True


def batch(name, about, workload, peers=(), in_quick=True, **options):
    return Case(name, about, partial(batches.run, name=name, make_workload=workload, peers=peers,
                                     **options), in_quick)


CASES = [
    batch("load", "rows of 12 columns into an empty table, keys shuffled", batches.load,
          EVERYBODY, also=measure_stages),
    batch("load ascending", "the same, keys ascending", batches.load_ascending,
          ("sqlite3", "DuckDB")),
    batch("upsert", "a quarter of those keys, changed values", batches.upsert, EVERYBODY),
    batch("update", "a quarter of those keys, 60 % of the cells unmodified", batches.update,
          DUCKDB),
    batch("delete", "a quarter of those keys", batches.delete, DUCKDB),
    batch("history", "earliest, replace and update versions for half of the records",
          batches.history, ("DuckDB",)),
    Case("small", "one-row batches of one client", partial(small.run, name="small", clients=1)),
    Case("small, 32 clients", "the same of 32 clients, each on a table of its own",
         partial(small.run, name="small, 32 clients", clients=32)),
    Case("small under load", "one-row batches while 2.5 times the rows of load are loaded",
         partial(small.run_under_load, name="small under load")),
    batch("decode", "updates of rows that are not there: decoding alone", batches.decode,
          ("weir, one worker",)),
    *[Case(name, about, partial(whole_table.run, name=name)) for name, about in (
        ("dump jsonl", "the rows of load as JSON lines"),
        ("dump csv", "the rows of load as CSV"),
        ("alter", "a column of the rows of load from INT to LONG"),
        ("to history", "SOFT_DELETE_TO_HISTORY of as many rows"),
        ("truncate", "of all rows of load, hard"))],
    Case("tables", "100 tables of a 200th of the rows each, 16 clients at once",
         partial(many_tables.run, name="tables")),
    batch("string key", "a composite key of two texts and a number", batches.string_key,
          ("sqlite3", "DuckDB")),
    batch("long key", "keys of 600 bytes", batches.long_key, ("sqlite3", "DuckDB")),
    batch("wide", "rows of 200 columns", batches.wide, ("sqlite3", "DuckDB")),
    batch("long", "rows with one cell of 1 MB", batches.long_cells, ("sqlite3", "DuckDB")),
    batch("load 2.5 times", "as load, 2.5 times the rows", batches.load_more, ("DuckDB",),
          in_quick=False),
    batch("load 10 times", "as load, 10 times the rows", batches.load_ten_times,
          repetitions=1, in_quick=False),
]

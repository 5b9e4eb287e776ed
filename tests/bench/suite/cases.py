"""The cases of the suite, in the order in which they run: to add one, add a row."""
from dataclasses import dataclass
from functools import partial
from typing import Callable

import batches
from stages import measure_stages

EVERYBODY = ("sqlite3", "DuckDB", "DuckDB staging", "PostgreSQL")
DUCKDB = ("DuckDB", "DuckDB staging")


@dataclass(frozen=True)
class Case:
    name: str
    about: str
    run: Callable
    in_quick: bool = True


def batch(name, about, workload, peers=(), also=None, **options):
    return Case(name, about, partial(batches.run, name=name, make_workload=workload, peers=peers,
                                     also=also), **options)


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
    batch("load 2.5 times", "as load, 2.5 times the rows", batches.load_more, in_quick=False),
    batch("load 10 times", "as load, 10 times the rows", batches.load_ten_times, in_quick=False),
]

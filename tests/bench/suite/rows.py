"""Sets of rows, which bench_rows makes, and what a table that holds them sums up to.

What a batch brings and what a table must hold after it are both lists of row sets, so that a table
is checked against what the rows are made from, and not against anything that a database says.
"""
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from batchfile import aes, zstd

TOOLS = Path(os.environ["BENCH_TOOLS"])
KEY = bytes(range(32))
FILE_ROWS = 500_000  # at most
FILES = 8            # at least
CORES = os.cpu_count()
WORD = 1 << 64


@dataclass(frozen=True)
class Rows:
    """`count` rows whose ids are a multiple of `stride`, plus `offset`; see bench_rows.c.

    `columns`: the names of those that a file of it has, if not all.
    """
    count: int
    stride: int = 1
    offset: int = 0
    what: str = "full"
    version: int = 0
    order: str = "shuffled"
    columns: tuple = ()

    def columns_of(self, table):
        return table.only(*self.columns) if self.columns else table

    def parts(self):
        """Pairs of first and last row, one for each file."""
        pieces = max(-(-self.count // FILE_ROWS), min(FILES, self.count))
        edges = [self.count * piece // pieces for piece in range(pieces + 1)]
        return list(zip(edges, edges[1:]))

    def command(self, table, first, last):
        layout = ",".join(f"{name}:{kind}" for name, kind in self.columns_of(table).columns)
        return [TOOLS / "bench_rows", layout, self.what, *map(str, (
            self.version, self.order, self.count, self.stride, self.offset, first, last))]


@dataclass(frozen=True)
class Files:
    """Batch files of one row set, compressed and encrypted."""
    paths: list
    columns: list   # their names
    csv_bytes: int
    packed_bytes: int


def in_parallel(function, argument_lists):
    with ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(lambda arguments: function(*arguments), argument_lists))


def make_files(table, rows, folder):
    def make(first, last):
        plain = subprocess.run(rows.command(table, first, last), check=True,
                               stdout=subprocess.PIPE).stdout
        file, path = tempfile.mkstemp(".csv.zst.aes", dir=folder)
        with open(file, "wb") as packed:
            packed.write(aes(zstd(plain), KEY))
        return path, len(plain)

    paths, sizes = zip(*in_parallel(make, rows.parts()))
    return Files(list(paths), rows.columns_of(table).names(), sum(sizes),
                 sum(map(os.path.getsize, paths)))


def sums_of_rows(table, row_sets):
    """What sums_of_text() must return for a table of these rows."""
    parts = [(table, rows, *part) for rows in row_sets for part in rows.parts()]
    empty = (0,) * (2 + len(table.columns))
    return [sum(column) % WORD for column in zip(empty, *in_parallel(sums_of_part, parts))]


def sums_of_part(table, rows, first, last):
    with subprocess.Popen(rows.command(table, first, last), stdout=subprocess.PIPE) as maker:
        return sums_of_text(table, maker.stdout)


def sums_of_text(table, stream, form="csv"):
    """Number of rows, sum over the rows, sum over each column."""
    output = subprocess.run([TOOLS / "bench_sum", table.kinds(), form], stdin=stream, check=True,
                            stdout=subprocess.PIPE).stdout
    return list(map(int, output.split()))

"""A workload: what a table holds before, the batch that is measured, and what it holds after."""
import os
from dataclasses import dataclass, field

from folders import copy_of
from measure import Watch
from rows import make_files, sums_of_rows
from tables import BenchTable


@dataclass(frozen=True)
class Workload:
    """`before` and `batch` are {phase: Rows}, `after` is a list of Rows."""
    table: BenchTable
    batch: dict
    after: list
    before: dict = field(default_factory=dict)

    def rows(self):
        """Of the batch."""
        return sum(rows.count for rows in self.batch.values())


class Stage:
    """The files of a workload and a folder for each engine, on which it starts every time."""

    def __init__(self, workload, folder):
        self.workload = workload
        self.folder = folder
        self.before = self.make(workload.before)
        self.batch = self.make(workload.batch)
        self.expected = sums_of_rows(workload.table, workload.after)

    def make(self, batch):
        return {phase: make_files(self.workload.table, rows, self.folder)
                for phase, rows in batch.items()}

    def base(self, engine_type):
        return os.path.join(self.folder, engine_type.name.replace(" ", "-"))

    def prepare(self, engine_type):
        """The table as it is before the batch."""
        base = self.base(engine_type)
        os.mkdir(base)
        with engine_type(base) as engine:
            engine.create(self.workload.table)
            if self.before:
                engine.apply(self.workload.table, self.before)

    def run(self, engine_type):
        """Applies the batch to a copy, checks the table, and returns the measure."""
        with copy_of(self.base(engine_type), self.folder) as folder, engine_type(folder) as engine:
            with Watch(engine.processes()) as watch:
                engine.apply(self.workload.table, self.batch)
            watch.measure.times = engine.times()
            self.check(engine)
        return watch.measure

    def check(self, engine):
        check_sums(engine.sums(self.workload.table), self.expected, engine.name)


def check_sums(found, expected, where):
    if found != expected:
        raise AssertionError(f"{where} holds {found}, not {expected}")

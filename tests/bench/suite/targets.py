"""What weir is to reach: to add a target, add a row."""
from dataclasses import dataclass
from typing import Callable

from measure import median
from rows import CORES
from stages import limit_share
from weir import OneWorker

MIB = 1024 * 1024


@dataclass(frozen=True)
class Target:
    """`reached(bench)` is None where the run has no such figure."""
    text: str
    reached: Callable
    wanted: float
    unit: str = " times"
    at_most: bool = False

    def verdict(self, bench):
        """The reached value and whether it meets the target."""
        value = self.reached(bench)
        if value is None:
            return None, None
        return value, value <= self.wanted if self.at_most else value >= self.wanted


def faster(case, peer, wanted):
    return Target(f"{case}: faster than {peer}", lambda bench: bench.ratio(case, peer), wanted)


def cpu_share(bench):
    ratio = bench.ratio("load", "DuckDB", "cpu")
    return ratio and 1 / ratio


def growth(bench):
    small, large = bench.line("load", "weir"), bench.line("load 10 times", "weir")
    return large and small and large.cpu() / small.cpu()


def decode_scaling(bench):
    """How much faster all workers decode than one: applying is one worker's in both."""
    lines = [bench.line("decode", engine) for engine in (OneWorker.name, "weir")]
    if None in lines:
        return None
    return median(decoding_seconds(one) / decoding_seconds(all_of_them)
                  for one, all_of_them in zip(*(line.measures for line in lines)))


def decoding_seconds(measure):
    return measure.seconds - (measure.times["apply"] + measure.times["commit"]) / 1000


def peak(case, of_measure):
    def reached(bench):
        line = bench.line(case, "weir")
        return line and max(map(of_measure, line.measures)) / MIB
    return reached


def rows_a_second(case):
    def reached(bench):
        line = bench.line(case, "weir")
        return line and line.rows / line.seconds()
    return reached


def slower_than_disk(case, percent):
    def reached(bench):
        latency = bench.latency(case)
        return latency and latency.ratio(percent)
    return reached


def all_processes(measure):
    return measure.peak


def decoding_worker(measure):
    """One worker goes on to apply what all have decoded; the others only decode."""
    return min(peak for role, peak in measure.peaks.items()
               if role.startswith("worker") and role != "worker express")


def at_most(text, reached, wanted, unit):
    return Target(text, reached, wanted, unit, at_most=True)


TARGETS = [
    faster("load", "DuckDB", 4),
    at_most("load: CPU beside DuckDB", cpu_share, 0.30, " of it"),
    faster("load", "DuckDB staging", 7),
    faster("load", "PostgreSQL", 8),
    faster("load", "sqlite3", 5),
    Target("load: of the speed of its stages", limit_share, 65, " %"),
    faster("upsert", "DuckDB", 2),
    faster("upsert", "DuckDB staging", 3),
    faster("update", "DuckDB", 3.5),
    faster("history", "DuckDB", 3),
    at_most("small: p50 beside a raw fdatasync", slower_than_disk("small", 50), 6, " times"),
    at_most("small under load: p99 beside that of a raw fdatasync under that load",
            slower_than_disk("small under load", 99), 6, " times"),
    *[at_most(f"{case}: private memory of a worker that decodes", peak(case, decoding_worker), 128,
              " MiB") for case in ("load", "load 10 times", "long")],
    *[at_most(f"{case}: private memory of all processes", peak(case, all_processes), 1024, " MiB")
      for case in ("load", "load 10 times", "long")],
    at_most("load: CPU for 10 times the rows", growth, 11, " times"),
    Target(f"decode without applying: faster than {OneWorker.name}", decode_scaling,
           0.85 * CORES),
    Target("dump jsonl: rows a second", rows_a_second("dump jsonl"), 1e6, ""),
]

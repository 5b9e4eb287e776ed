"""What a row costs in each step of a worker, measured on the files of a workload: the least time
in which the cores could do them all, if nothing else took any."""
import re
import subprocess

from folders import scratch
from rows import CORES, TOOLS

STEP = re.compile(r"^ +(.+?) +(\d+) ns a row$", re.MULTILINE)

# Sorting and writing runs, and committing, are weir's own way, and not part of the limit.
LIMIT = ("read, decrypt, decompress", "scan CSV", "convert and encode", "read and merge runs",
         "put")


def measure_stages(stage, bench):
    """For a case that is one load."""
    table, files = stage.workload.table, stage.batch["replace"]
    columns = ",".join(f"{name}:{kind}" for name, kind in table.types().items())
    with scratch(stage.folder) as folder:
        output = subprocess.run([TOOLS / "bench_pipeline", folder, columns, *files.paths],
                                check=True, stdout=subprocess.PIPE, text=True).stdout
    bench.stages = {step: int(ns) for step, ns in STEP.findall(output)}


def limit_seconds(bench, rows):
    return sum(bench.stages[step] for step in LIMIT) * 1e-9 * rows / CORES


def limit_share(bench):
    """How much of the speed of its stages weir reaches in the case load, or None."""
    line = bench.line("load", "weir")
    return line and 100 * limit_seconds(bench, line.rows) / line.seconds()

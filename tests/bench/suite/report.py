"""What a run found, as Markdown."""
import os
import platform
import re
from datetime import datetime, timezone
from pathlib import Path

from stages import LIMIT
from targets import MIB, TARGETS
from weir import Weir, run

INTRODUCTION = """\
# Benchmarks

Written by `{command}`, which repeats it. A real server is spoken to over gRPC; the batch files are
made by the suite (seeded; zstd level 3, AES-256) and opened by every engine itself. After every
run the table's rows and columns are summed up and compared with what the files were made from.
Seconds are medians of {repetitions} turns of all engines (load 10 times: of one); "weir is faster"
is the median of the ratios within the turns. CPU and private memory are those of all processes.
"""

LATENCY = """\
Beside a 4 KB write with fdatasync that the client makes after each batch, to the same disk, and a
call that the server answers at once. "times" is the batch beside the write.

"""


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(map(str, cells)) + " |\n" for cells in lines)


def times(value):
    return "" if value is None else f"{value:.2f}"


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def case_row(bench, line):
    peer = line.engine != "weir"
    peaks = max(measure.peak for measure in line.measures)
    return [line.case, line.engine, f"{line.rows:,}", f"{line.seconds():.2f}",
            f"{line.rows / line.seconds():,.0f}", f"{line.cpu():.2f}", f"{line.system():.2f}",
            f"{peaks / MIB:.0f}" if peaks else "",
            times(bench.ratio(line.case, line.engine)) if peer else ""]


def case_table(bench):
    return table(["case", "engine", "rows", "seconds", "rows/s", "CPU s", "of it kernel s",
                  "private MiB", "weir is faster"], [case_row(bench, line) for line in bench.lines])


def milliseconds(seconds):
    return f"{1000 * seconds:.2f}"


def latency_row(latency):
    return [latency.case, latency.clients, f"{len(latency.batches):,}",
            *[milliseconds(latency.batch(percent)) for percent in (50, 99)],
            *[milliseconds(latency.write(percent)) for percent in (50, 99)],
            milliseconds(latency.call(50)),
            *[times(latency.ratio(percent)) for percent in (50, 99)]]


def latency_table(bench):
    return table(["case", "clients", "batches", "p50 ms", "p99 ms", "fdatasync p50 ms",
                  "fdatasync p99 ms", "empty call p50 ms", "times p50", "times p99"],
                 map(latency_row, bench.latencies))


def times_table(bench):
    """Of the last repetition. Workers decode at the same time: their times are added up."""
    lines = [line for line in bench.lines if line.measures[-1].times]
    steps = list(dict.fromkeys(step for line in lines for step in line.measures[-1].times))
    return table(["case", "engine", *[f"{step} ms" for step in steps], "all ms"],
                 [[line.case, line.engine,
                   *[line.measures[-1].times.get(step, "") for step in steps],
                   f"{1000 * line.measures[-1].seconds:.0f}"] for line in lines])


def stage_table(bench):
    """What the limit of the target is made of."""
    rows = [[step, ns, "x" if step in LIMIT else ""] for step, ns in bench.stages.items()]
    return table(["step of a worker", "CPU ns a row", "counts for the limit"], rows)


def target_row(target, bench):
    value, met = target.verdict(bench)
    bound = "at most" if target.at_most else "at least"
    wanted = f"{bound} {number(target.wanted)}{target.unit}"
    if value is None:
        return [target.text, wanted, "", "not measured"]
    return [target.text, wanted, number(value), "met" if met else "**missed**"]


def target_table(bench):
    return table(["target", "wanted", "reached", ""],
                 [target_row(target, bench) for target in TARGETS])


def machine(folder):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    disk = run("findmnt", "-n", "-o", "FSTYPE", "-T", folder)
    return (f"{os.cpu_count()} cores ({cpu.group(1) if cpu else platform.machine()}), "
            f"{memory / 2**30:.0f} GiB of memory, data on {disk}, Linux {platform.release()}")


def versions(bench):
    return ", ".join(dict.fromkeys(engine.version() for engine in [Weir, *bench.peers]))


def show(bench, command, left_out):
    now = datetime.now(timezone.utc)
    sections = [
        INTRODUCTION.format(command=command, repetitions=bench.repetitions),
        f"- date: {now:%Y-%m-%d %H:%M} UTC\n- machine: {machine(bench.folder)}\n"
        f"- versions: {versions(bench)}\n",
        "".join(f"{sentence}\n\n" for sentence in left_out).strip(),
        "## Batches\n\n" + case_table(bench) if bench.lines else "",
        "## One-row batches\n\n" + LATENCY + latency_table(bench) if bench.latencies else "",
        "## What weir tells of its time\n\n" + times_table(bench)
        if any(line.measures[-1].times for line in bench.lines) else "",
        "## Stages\n\n" + stage_table(bench) if bench.stages else "",
        "## Targets\n\n" + target_table(bench),
    ]
    return "\n".join(section.rstrip() + "\n" for section in sections if section)

"""What a run found, as Markdown."""
import os
import platform
import re
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import weir
from stages import LIMIT
from targets import MIB, TARGETS

INTRODUCTION = """\
# Benchmarks

Written by `{command}`, which repeats it. A real server is spoken to over gRPC; the batch files are
made by the suite (seeded; zstd level 3, AES-256) and opened by every engine itself. After every
run the table's rows and columns are summed up and compared with what the files were made from.
Seconds are medians of {repetitions} run(s), the engines taking turns; "weir is faster" is the
median of the ratios within the turns. CPU is that of all processes.
"""


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(map(str, cells)) + " |\n" for cells in lines)


def times(value):
    return "" if value is None else f"{value:.2f}"


def case_row(bench, line):
    peer = line.engine != "weir"
    peaks = max(measure.peak for measure in line.measures)
    return [line.case, line.engine, f"{line.rows:,}", f"{line.seconds():.2f}",
            f"{line.rows / line.seconds():,.0f}", f"{line.cpu():.2f}",
            f"{peaks / MIB:.0f}" if peaks else "",
            times(bench.ratio(line.case, line.engine)) if peer else ""]


def case_table(bench):
    return table(["case", "engine", "rows", "seconds", "rows/s", "CPU s", "private MiB",
                  "weir is faster"], [case_row(bench, line) for line in bench.lines])


def stage_table(bench):
    """What the limit of the target is made of."""
    rows = [[step, ns, "x" if step in LIMIT else ""] for step, ns in bench.stages.items()]
    return table(["step of a worker", "CPU ns a row", "counts for the limit"], rows)


def target_row(target, bench):
    value, met = target.verdict(bench)
    bound = "at most" if target.at_most else "at least"
    wanted = f"{bound} {target.wanted:g}{target.unit}"
    if value is None:
        return [target.text, wanted, "", "not measured"]
    return [target.text, wanted, f"{value:.2f}", "met" if met else "**missed**"]


def target_table(bench):
    return table(["target", "wanted", "reached", ""],
                 [target_row(target, bench) for target in TARGETS])


def first_line(command):
    if shutil.which(command[0]) is None:
        return None
    return subprocess.run(command, stdout=subprocess.PIPE, text=True,
                          check=True).stdout.split("\n")[0]


def machine(folder):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    kind = first_line(["stat", "-f", "-c", "%T", folder])
    return (f"{os.cpu_count()} cores ({cpu.group(1) if cpu else platform.machine()}), "
            f"{memory / 2**30:.0f} GiB of memory, data on {kind}, Linux {platform.release()}")


def versions(bench):
    revision = first_line(["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"])
    peers = dict.fromkeys(peer.version() for peer in bench.peers)
    return ", ".join([f"{weir.version()} ({revision})", *peers])


def show(bench, command, left_out):
    now = datetime.now(timezone.utc)
    sections = [
        INTRODUCTION.format(command=command, repetitions=bench.repetitions),
        f"- date: {now:%Y-%m-%d %H:%M} UTC\n- machine: {machine(bench.folder)}\n"
        f"- versions: {versions(bench)}\n",
        "".join(f"{sentence}\n\n" for sentence in left_out).strip(),
        "## Cases\n\n" + case_table(bench),
        "## Stages\n\n" + stage_table(bench) if bench.stages else "",
        "## Targets\n\n" + target_table(bench),
    ]
    return "\n".join(section.rstrip() + "\n" for section in sections if section)

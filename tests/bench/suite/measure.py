"""What something costs: seconds, CPU seconds and peak private memory of those who do it."""
import os
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from server import private_memory

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_SECONDS = 0.02


@dataclass
class Measure:
    seconds: float
    user: float                                # seconds of CPU in programs
    system: float                              # and in the kernel for them
    peaks: dict = field(default_factory=dict)  # {role: bytes}
    peak: int = 0                              # of all together
    times: dict = field(default_factory=dict)  # {step: milliseconds}, as the engine tells

    @property
    def cpu(self):
        return self.user + self.system

    def peak_of(self, role):
        return max((peak for name, peak in self.peaks.items() if name.startswith(role)), default=0)


def median(values):
    return statistics.median(values)


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def cpu_of(pid):
    """User and system time of a process, of its threads, and of the children that it outlived."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    user, system, children_user, children_system = map(int, fields[11:15])
    return (user + children_user) / TICKS, (system + children_system) / TICKS


def cpu_of_own_children():
    times = os.times()
    return times.children_user, times.children_system


class Watch:
    """While it is entered: the cost of processes {role: pid} and of programs that we run."""

    def __init__(self, processes):
        self.pids = processes
        self.peaks = dict.fromkeys(self.pids, 0)
        self.peak = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.sample)

    def cpu_now(self):
        return map(sum, zip(cpu_of_own_children(), *map(cpu_of, self.pids.values())))

    def sample(self):
        while not self.stop.wait(SAMPLE_SECONDS):
            now = {role: private_memory(pid) for role, pid in self.pids.items()}
            self.peaks = {role: max(peak, now[role]) for role, peak in self.peaks.items()}
            self.peak = max(self.peak, sum(now.values()))

    def __enter__(self):
        self.user, self.system = self.cpu_now()
        self.started = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        seconds = time.monotonic() - self.started
        self.stop.set()
        self.thread.join()
        user, system = self.cpu_now()
        self.measure = Measure(seconds, user - self.user, system - self.system, self.peaks,
                               self.peak)

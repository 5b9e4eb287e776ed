"""The cases of one-row batches: how long each takes, beside a raw write of the same disk.

Between two batches the client writes 4 KB to a file and waits for fdatasync, so that both see the
same disk at the same time; and it makes a call that costs the server nothing, for what gRPC takes.
"""
import os
import subprocess
import threading
import time
from dataclasses import dataclass, replace

from batchfile import aes, zstd
from folders import scratch
from measure import percentile
from rows import KEY, Files, Rows, make_files, sums_of_part, sums_of_rows
from server import HEALTH_CHECK
from tables import ORDERS
from weir import CALL_SECONDS, Weir, batch_request, expect_success

CLIENTS = 32
PROBE_BYTES = 4096
PROBE_BLOCKS = 256
FIRST_CALLS = 5  # not counted: the connection is made, files are opened


@dataclass
class Latency:
    """Seconds of each batch, and of each raw write and each empty call beside it."""
    case: str
    clients: int
    batches: list
    writes: list
    calls: list

    def batch(self, percent):
        return percentile(self.batches, percent)

    def write(self, percent):
        return percentile(self.writes, percent)

    def call(self, percent):
        return percentile(self.calls, percent)

    def ratio(self, percent):
        return self.batch(percent) / self.write(percent)


class Probe:
    """A raw 4 KB write and its fdatasync, within a file that has all its blocks."""

    def __init__(self, folder):
        self.file = os.open(os.path.join(folder, f"probe-{threading.get_ident()}"),
                            os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(self.file, bytes(PROBE_BYTES * PROBE_BLOCKS), 0)
        os.fsync(self.file)
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.file)

    def write(self):
        place = self.count * 7919 % PROBE_BLOCKS
        self.count += 1
        os.pwrite(self.file, os.urandom(PROBE_BYTES), place * PROBE_BYTES)
        os.fdatasync(self.file)


def timed(function, *arguments):
    started = time.monotonic()
    function(*arguments)
    return time.monotonic() - started


def one_row_files(table, rows, folder):
    """A list of files, one for each row."""
    csv = subprocess.run(rows.command(table, 0, rows.count), check=True,
                         stdout=subprocess.PIPE).stdout
    header, *lines = csv.splitlines(keepends=True)
    files = []
    for number, line in enumerate(lines):
        path = os.path.join(folder, f"{table.name}-{number}.csv.zst.aes")
        packed = aes(zstd(header + line), KEY)
        with open(path, "wb") as file:
            file.write(packed)
        files.append(Files([path], table.names(), len(line), len(packed)))
    return files


class OneRowClient:
    """Sends one-row batches to a table of its own, one after the other."""

    def __init__(self, weir, number, count, folder):
        self.table = replace(ORDERS, name=f"small_{number}")
        self.rows = Rows(count + FIRST_CALLS)
        self.client = weir.server.client()
        self.folder = folder
        self.files = one_row_files(self.table, self.rows, folder)
        self.sent = 0
        self.batches, self.writes, self.calls = [], [], []
        weir.create(self.table)

    def send(self, files):
        expect_success(self.client.write(batch_request(self.table, {"replace": files}),
                                         timeout=CALL_SECONDS))

    def run(self, go_on=lambda: True):
        with Probe(self.folder) as probe:
            for files in self.files:
                if not go_on():
                    break
                self.batches.append(timed(self.send, files))
                self.writes.append(timed(probe.write))
                self.calls.append(timed(self.client.raw, HEALTH_CHECK, b""))
                self.sent += 1
        self.client.channel.close()

    def check(self, weir):
        expected = sums_of_part(self.table, self.rows, 0, self.sent)
        found = weir.sums(self.table)
        if found != expected:
            raise AssertionError(f"{self.sent} one-row batches left {found}, not {expected}")


def latency(case, clients):
    return Latency(case, len(clients), *(
        [seconds for client in clients for seconds in getattr(client, what)[FIRST_CALLS:]]
        for what in ("batches", "writes", "calls")))


def run(bench, name, clients):
    """`clients` at once, each on a table of its own."""
    with scratch(bench.folder) as folder, Weir(os.path.join(folder, "weir")) as weir:
        senders = [OneRowClient(weir, number, bench.small_batches // (1 if clients == 1 else 8),
                                folder) for number in range(clients)]
        threads = [threading.Thread(target=sender.run) for sender in senders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for sender in senders:
            sender.check(weir)
        bench.latencies.append(latency(name, senders))


def run_under_load(bench, name):
    """One client while a large load of another table runs, until the load ends."""
    with scratch(bench.folder) as folder, Weir(os.path.join(folder, "weir")) as weir:
        rows = Rows(bench.rows * 5 // 2)
        files = {"replace": make_files(ORDERS, rows, folder)}
        sender = OneRowClient(weir, 0, bench.small_batches * 8, folder)
        weir.create(ORDERS)
        load = threading.Thread(target=weir.apply, args=(ORDERS, files))
        load.start()
        sender.run(go_on=load.is_alive)
        load.join()
        sender.check(weir)
        if weir.sums(ORDERS) != sums_of_rows(ORDERS, [rows]):
            raise AssertionError("the load left something else than its rows")
        bench.latencies.append(latency(name, [sender]))

#!/usr/bin/python3
"""The end-to-end benchmark: one encrypted sync into weir, beside the same rows into sqlite3.

Run by `make bench`. BENCH_ROWS sets the number of rows; BENCH_DIR the folder of the data (default:
a temporary one), whose disk is what is measured.
"""
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import destination_sdk_pb2 as sdk
from batchfile import aes, zstd
from model import Column, Table
from server import Server, private_memory

ROWS = int(os.environ.get("BENCH_ROWS", "4000000"))
FILES = 8
TOOLS = Path(os.environ["BENCH_TOOLS"])
KEY = bytes(range(32))
MIB = 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")

COLUMNS = [Column("id", "LONG", key=True), Column("customer", "STRING"), Column("email", "STRING"),
           Column("amount", "DECIMAL", precision=18, scale=2), Column("quantity", "INT"),
           Column("weight", "DOUBLE"), Column("active", "BOOLEAN"), Column("day", "NAIVE_DATE"),
           Column("created", "UTC_DATETIME"), Column("country", "STRING"),
           Column("notes", "STRING"), Column("_fivetran_synced", "UTC_DATETIME")]


def cpu_seconds(pid):
    """User and system time of a process, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Watch:
    """Peak private memory and CPU time of every process of a server while it is entered."""

    def __init__(self, server):
        self.pids = {"supervisor": server.process.pid, **server.roles()}
        self.peaks = dict.fromkeys(self.pids, 0)
        self.before = {name: cpu_seconds(pid) for name, pid in self.pids.items()}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.sample)

    def sample(self):
        while not self.stop.is_set():
            for name, pid in self.pids.items():
                self.peaks[name] = max(self.peaks[name], private_memory(pid))
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.cpu = {name: cpu_seconds(pid) - self.before[name] for name, pid in self.pids.items()}


def make_input(order, folder):
    """Writes FILES plain files and their encrypted twins; returns both lists of paths."""
    def make(number):
        plain = subprocess.run([TOOLS / "bench_sync_data", order, str(ROWS), str(number),
                                str(FILES)], check=True, stdout=subprocess.PIPE).stdout
        paths = [os.path.join(folder, f"{order}-{number}.csv{end}") for end in ("", ".zst.aes")]
        Path(paths[0]).write_bytes(plain)
        Path(paths[1]).write_bytes(aes(zstd(plain), KEY))
        return paths

    with ThreadPoolExecutor(2) as pool:
        return map(list, zip(*pool.map(make, range(FILES))))


def run_weir(encrypted, folder):
    """Returns the seconds of the WriteBatch and its Watch."""
    data_dir = os.path.join(folder, "weir")
    with Server("--batch-dir", folder, data_dir=data_dir) as server, server.client() as client:
        table = Table("bench", "orders", COLUMNS)
        client.create("bench", table.message())
        request = sdk.WriteBatchRequest(
            schema_name="bench", table=table.message(), keys=dict.fromkeys(encrypted, KEY),
            replace_files=encrypted,
            file_params=sdk.FileParams(compression=sdk.ZSTD, encryption=sdk.AES,
                                       null_string="null-", unmodified_string="unmod-"))
        with Watch(server) as watch:
            started = time.monotonic()
            response = client.write(request, timeout=3600)
            seconds = time.monotonic() - started
        if response.WhichOneof("response") != "success":
            sys.exit(f"the batch failed: {response}")
        check_rows(server)
    subprocess.run(["rm", "-rf", data_dir], check=True)
    return seconds, watch


def check_rows(server):
    line = server.weir("tables", "--format", "jsonl").stdout
    if f'"rows":{ROWS}' not in line.replace(" ", ""):
        sys.exit(f"the table holds something else than {ROWS} rows: {line}")


def run_sqlite(plain, folder):
    """Returns seconds and CPU seconds."""
    database = os.path.join(folder, "sqlite.db")
    before = os.times()
    started = time.monotonic()
    subprocess.run([TOOLS / "bench_sync_sqlite", database, *plain], check=True)
    seconds = time.monotonic() - started
    after = os.times()
    for path in Path(folder).glob("sqlite.db*"):
        path.unlink()
    return seconds, sum(after[2:4]) - sum(before[2:4])


def run_pipeline(encrypted, folder):
    """Prints what each step of a worker costs."""
    data_dir = os.path.join(folder, "pipeline")
    subprocess.run([TOOLS / "bench_pipeline", data_dir, *encrypted], check=True)
    subprocess.run(["rm", "-rf", data_dir], check=True)


def report(name, seconds, size):
    print(f"  {name:8} {seconds:7.2f} s {ROWS / seconds:12,.0f} rows/s "
          f"{size / seconds / 1e6:8.0f} MB/s of CSV")


def measure(order, folder):
    plain, encrypted = make_input(order, folder)
    size = sum(os.path.getsize(path) for path in plain)
    packed = sum(os.path.getsize(path) for path in encrypted)
    print(f"{order} keys: {ROWS:,} rows, {len(COLUMNS)} columns, {FILES} files, "
          f"{size / 1e6:,.0f} MB of CSV ({size / ROWS:.0f} bytes a row), "
          f"{packed / 1e6:,.0f} MB compressed and encrypted", flush=True)

    weir_seconds, watch = run_weir(encrypted, folder)
    report("weir", weir_seconds, size)
    for name in watch.pids:
        print(f"    {name:16} {watch.cpu[name]:7.2f} CPU s {watch.peaks[name] / MIB:7.0f} MiB")
    sqlite_seconds, sqlite_cpu = run_sqlite(plain, folder)
    report("sqlite3", sqlite_seconds, size)
    print(f"    {'one process':16} {sqlite_cpu:7.2f} CPU s")
    print(f"  weir takes {weir_seconds / sqlite_seconds:.2f} times as long as sqlite3: "
          f"{sqlite_seconds / weir_seconds:.2f} times its rows/s", flush=True)
    run_pipeline(encrypted, folder)
    for path in plain + encrypted:
        os.unlink(path)


def main():
    with tempfile.TemporaryDirectory(prefix="weir-bench-",
                                     dir=os.environ.get("BENCH_DIR")) as folder:
        for order in ("shuffled", "ascending"):
            measure(order, folder)


main()

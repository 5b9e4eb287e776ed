"""The case of many tables that are loaded by many clients at once."""
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from folders import scratch
from measure import Watch
from rows import Rows, in_parallel, make_files, sums_of_rows
from tables import ORDERS
from weir import CALL_SECONDS, Weir, batch_request, expect_success
from workload import check_sums

TABLES = 100
CLIENTS = 16


def run(bench, name):
    rows = Rows(bench.rows // 2 // TABLES)
    measures = []
    with scratch(bench.folder) as folder:
        files = {"replace": make_files(ORDERS, rows, folder)}
        expected = sums_of_rows(ORDERS, [rows])
        for _ in range(bench.repetitions):
            measures.append(measure(files, expected, folder))
    bench.add(name, Weir.name, TABLES * rows.count, measures)


def measure(files, expected, folder):
    """Every table gets the same files."""
    tables = [replace(ORDERS, name=f"orders_{number}") for number in range(TABLES)]

    def load(table):
        expect_success(weir.client.write(batch_request(table, files), timeout=CALL_SECONDS))

    def check(table):
        check_sums(weir.sums(table), expected, table.name)

    with scratch(folder) as data_dir, Weir(os.path.join(data_dir, "weir")) as weir:
        in_parallel(weir.create, [(table,) for table in tables])
        with Watch(weir.processes()) as watch, ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(load, tables))
        in_parallel(check, [(table,) for table in tables])
    return watch.measure

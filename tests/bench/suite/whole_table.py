"""The cases that go over a whole table: each starts on a copy of a loaded one."""
import subprocess
from dataclasses import dataclass, replace
from typing import Callable

import destination_sdk_pb2 as sdk
from folders import copy_of, scratch
from google.protobuf.timestamp_pb2 import Timestamp
from measure import Watch
from migration import Kind, change_mode, migrate_request
from rows import Rows, sums_of_rows
from tables import MIGRATED, ORDERS, SCHEMA, SOFT, BenchTable
from weir import CALL_SECONDS, Weir, expect_success
from workload import Stage, Workload, check_sums

AFTER_ALL_ROWS = 2_000_000_000  # seconds since 1970


@dataclass(frozen=True)
class Operation:
    """`act(weir)` makes a table of other rows and columns out of one that was loaded."""
    act: Callable
    table: BenchTable = ORDERS
    table_after: BenchTable = ORDERS
    what_after: str = "full"
    is_empty_after: bool = False
    form: str = "csv"  # in which the table is looked at

    def after(self, rows):
        return [] if self.is_empty_after else [replace(rows, what=self.what_after)]


def int_to_long(weir):
    kinds = {"i": "l"}
    wished = replace(ORDERS, columns=tuple((name, kinds.get(kind, kind))
                                           for name, kind in ORDERS.columns))
    call(weir, "AlterTable", sdk.AlterTableRequest(schema_name=SCHEMA, table=wished.message()))


def soft_delete_to_history(weir):
    operation = change_mode(Kind.Value("SOFT_DELETE_TO_HISTORY"),
                            soft_deleted_column="_fivetran_deleted")
    call(weir, "Migrate", migrate_request(SCHEMA, SOFT.name, **operation))


def truncate(weir):
    call(weir, "Truncate", sdk.TruncateRequest(
        schema_name=SCHEMA, table_name=ORDERS.name, synced_column="_fivetran_synced",
        utc_delete_before=Timestamp(seconds=AFTER_ALL_ROWS)))


def dump(form):
    """Its output is read by a program that is faster than it."""
    def act(weir):
        with subprocess.Popen(weir.dump_command(ORDERS, form), stdout=subprocess.PIPE) as dumping:
            subprocess.run(["wc", "-l"], stdin=dumping.stdout, stdout=subprocess.PIPE, check=True)
    return act


def call(weir, rpc, request):
    expect_success(weir.client.call(rpc, request, timeout=CALL_SECONDS))


OPERATIONS = {
    "dump jsonl": Operation(dump("jsonl"), form="jsonl"),
    "dump csv": Operation(dump("csv")),
    "alter": Operation(int_to_long),
    "to history": Operation(soft_delete_to_history, SOFT, MIGRATED, "migrated"),
    "truncate": Operation(truncate, is_empty_after=True),
}


def run(bench, name):
    operation = OPERATIONS[name]
    rows = Rows(bench.rows)
    workload = Workload(operation.table, {}, [], before={"replace": rows})
    expected = sums_of_rows(operation.table_after, operation.after(rows))
    with scratch(bench.folder) as folder:
        stage = Stage(workload, folder)
        stage.prepare(Weir)
        measures = [measure(stage, operation, expected) for _ in range(bench.repetitions)]
    bench.add(name, Weir.name, rows.count, measures)


def measure(stage, operation, expected):
    with copy_of(stage.base(Weir), stage.folder) as folder, Weir(folder) as weir:
        with Watch(weir.processes()) as watch:
            operation.act(weir)
        check_sums(weir.sums(operation.table_after, operation.form), expected, weir.name)
    return watch.measure

"""A worker killed at every call that changes the data folder or answers, in every kind of
operation: what was acknowledged is there, what was not is whole or absent, and can be repeated.

The steps of the commit protocol are named in STEPS. Where a step is among the calls of an operation
is seen in a run that is not disturbed; then a worker is killed there, which its record must show.
WEIR_TEST_ALL=1 kills at every call beside them instead of at some; WEIR_TEST_SEED repeats which.
"""
import os
import random
import re
import unittest

import destination_sdk_pb2 as sdk
from faults import DAY, ID, SYNCED, TEXT, FaultCase
from history import HistoryBatch
from injection import Injection
from migration import add_column, copy_table, drop_table, migrate_request, rename_table
from model import END_OF_TIME, SYSTEM_COLUMNS, Column, HistoryTable, Table

SEED = int(os.environ.get("WEIR_TEST_SEED", random.SystemRandom().randrange(2**32)))
ALL = os.environ.get("WEIR_TEST_ALL", "") != ""

# Calls on the way to a commit, and how many of each there may be in one operation.
KILLED_AT = {"openat": 24, "write": 4, "pwrite64": 8, "writev": 8, "fdatasync": 6, "fsync": 10,
             "mkdir": 4, "unlink": 8, "rmdir": 2, "sendmsg": 8}

# Patterns of calls as strace writes them, with the paths of descriptors.
RUN, TABLE, REGISTRY = r"/data/runs/\w+/\w+\.run", r"/data/tables/\d+/\d+\.mdb", \
    r"/data/registry\.mdb"
VISIBLE_TABLE = rf"pwrite64\(\d+<\S*{TABLE}>, .*, 120, \d+"  # LMDB's page that names the new root
VISIBLE_REGISTRY = rf"pwrite64\(\d+<\S*{REGISTRY}>, .*, 120, \d+"
ANSWER = r"sendmsg\("

# Of each operation the steps: what has not happened yet when the worker dies, the call that would
# do it, and the calls before it.
STEPS = {
    "large batch": [
        ("its folder for runs is made", r'mkdir\("\S*/data/runs/\w+"', []),
        ("a run is made", rf'openat\(.*"\S*{RUN}"', []),
        ("a run is written", rf"write\(\d+<\S*{RUN}>", []),
        ("the decoding is answered", ANSWER, [rf"write\(\d+<\S*{RUN}>"]),
        ("the transaction is begun", rf'openat\(.*"\S*{TABLE}", O_RDWR', []),
        ("its begin is answered", ANSWER, [rf'openat\(.*"\S*{TABLE}", O_RDWR']),
        ("replace is answered", ANSWER, [rf'openat\(.*"\S*{TABLE}", O_RDWR', ANSWER]),
        ("update is answered", ANSWER, [rf'openat\(.*"\S*{TABLE}", O_RDWR', ANSWER, ANSWER]),
        ("delete is answered", ANSWER,
         [rf'openat\(.*"\S*{TABLE}", O_RDWR', ANSWER, ANSWER, ANSWER]),
        ("its pages are written", rf"writev\(\d+<\S*{TABLE}>", []),
        ("its pages are synced", rf"fdatasync\(\d+<\S*{TABLE}>", []),
        ("it is visible", VISIBLE_TABLE, []),
        ("the commit is answered", ANSWER, [VISIBLE_TABLE]),
    ],
    "batch": [
        ("the transaction is begun", rf'openat\(.*"\S*{TABLE}", O_RDWR', []),
        ("its pages are written", rf"p?writev?(64)?\(\d+<\S*{TABLE}>", []),
        ("its pages are synced", rf"fdatasync\(\d+<\S*{TABLE}>", []),
        ("it is visible", VISIBLE_TABLE, []),
        ("it is answered", ANSWER, [VISIBLE_TABLE]),
    ],
    "create": [
        ("its folder is made", r'mkdir\("\S*/data/tables/\d+"', []),
        ("its folder is sure", r"fsync\(\d+<\S*/data/tables>", []),
        ("its file is made", rf'openat\(.*"\S*{TABLE}", O_RDWR', []),
        ("its file's name is sure", r"fsync\(\d+<\S*/data/tables/\d+>", []),
        ("the registry names it", VISIBLE_REGISTRY, []),
        ("it is answered", ANSWER, [VISIBLE_REGISTRY]),
    ],
    "alter of a type": [
        ("the new generation has its number", VISIBLE_REGISTRY, []),
        ("its file is made", rf'openat\(.*"\S*{TABLE}", O_RDWR', [VISIBLE_REGISTRY]),
        ("its file's name is sure", r"fsync\(\d+<\S*/data/tables/\d+>", []),
        ("its rows are there", VISIBLE_TABLE, [r"fsync\(\d+<\S*/data/tables/\d+>"]),
        ("the registry switches", VISIBLE_REGISTRY, [VISIBLE_REGISTRY]),
        ("the old generation is removed", rf'unlink\("\S*{TABLE}"', []),
        ("it is answered", ANSWER, [rf'unlink\("\S*{TABLE}"']),
    ],
    "alter in the registry": [
        ("the registry switches", VISIBLE_REGISTRY, []),
        ("it is answered", ANSWER, [VISIBLE_REGISTRY]),
    ],
    "drop": [
        ("the registry forgets it", VISIBLE_REGISTRY, []),
        ("its file is removed", rf'unlink\("\S*{TABLE}"', [VISIBLE_REGISTRY]),
        ("it is answered", ANSWER, [rf'unlink\("\S*{TABLE}"']),
    ],
}

TRIES = 60  # one in six is enough for the rarest step

# What the steps are found among.
STEP_CALLS = "openat,write,pwrite64,writev,fdatasync,fsync,mkdir,unlink,sendmsg"


class Step:
    """Where a worker is to die: before the first `call` behind the first `behind`, each behind the
    one before it, among the calls of one thread."""

    def __init__(self, call, behind):
        self.patterns = [re.compile(pattern) for pattern in (*behind, call)]
        self.call = call

    def paths(self, data_dir):
        """The files whose calls alone are counted, or none for all calls: how many writes a commit
        takes depends on which pages are free, so those of the other files are left out."""
        if self.call == VISIBLE_REGISTRY:
            return [os.path.join(data_dir, "registry.mdb")]
        if self.call == VISIBLE_TABLE:
            return newest_table(data_dir)
        return []

    def find(self, record):
        """(thread, name of the call, its number among those of the thread), or None."""
        for thread, calls in calls_of_threads(record).items():
            found = self.find_in(calls)
            if found is not None:
                return thread, *found
        return None

    def find_in(self, calls):
        at = -1
        for pattern in self.patterns:
            at = next((i for i in range(at + 1, len(calls)) if pattern.match(calls[i])), None)
            if at is None:
                return None
        name = calls[at].split("(", 1)[0]
        return name, sum(call.startswith(name + "(") for call in calls[:at + 1])

    def is_last(self, record):
        """Whether a thread ends there, and with it its process."""
        return "+++ killed by SIGKILL" in record and any(
            self.patterns[-1].match(calls[-1]) and self.find_in(calls)
            for calls in calls_of_threads(record).values())


def newest_table(data_dir):
    """The folder of the table that was made last, its file, and the one that a new generation of it
    will get; one counter numbers tables and generations."""
    tables = os.path.join(data_dir, "tables")
    folder = os.path.join(tables, str(max(map(int, os.listdir(tables)))))
    newest = max(int(name.removesuffix(".mdb")) for name in os.listdir(folder)
                 if name.endswith(".mdb"))
    return [folder, *(os.path.join(folder, f"{number}.mdb") for number in (newest, newest + 1))]


def calls_of_threads(record):
    """{thread: its calls}, without what strace says in between."""
    threads = {}
    for line in record.splitlines():
        thread, call = line.split(None, 1)
        if call[0].islower():
            threads.setdefault(int(thread), []).append(call)
    return threads


class Killing(FaultCase):
    """A worker dies at a call; whatever has become of the operation, it can be repeated."""

    def operations(self):
        """(name, function that makes (rpc, request)), each call on tables of its own."""
        yield "create", lambda: ("CreateTable", sdk.CreateTableRequest(
            schema_name=self.SCHEMA, table=Table(self.SCHEMA, self.new_name(), [ID]).message()))
        yield "batch", lambda: ("WriteBatch", self.rows_of(self.filled(), 1))
        yield "history batch", lambda: ("WriteHistoryBatch", self.history_request())
        yield "large batch", self.large_batch
        yield "alter in the registry", lambda: self.altered(ID, TEXT, SYNCED, Column("a", "INT"))
        yield "alter of a type", lambda: self.altered(
            Column("id", "DECIMAL", key=True), TEXT, SYNCED)
        yield "truncate", self.truncate
        yield "add a column", lambda: self.migrated(add_column("more", "STRING", "value"))
        yield "copy", lambda: self.migrated(lambda name: copy_table(name, self.new_name()))
        yield "rename", lambda: self.migrated(lambda name: rename_table(name, self.new_name()))
        yield "drop", lambda: self.migrated(drop_table())

    def new_name(self):
        return f"new_{next(self.table_numbers)}"

    def history_request(self):
        table = HistoryTable(self.SCHEMA, self.new_name(), [ID, TEXT, *SYSTEM_COLUMNS])
        self.assert_success(self.client.create(self.SCHEMA, table.message()))
        batch = HistoryBatch(self.server.batch_dir, table)
        batch.earliest([["1", DAY]], ["id", "_fivetran_start"])
        batch.replace([["1", "one", DAY, END_OF_TIME, "true", DAY]])
        return batch.request()

    def large_batch(self):
        table = self.filled(10)
        batch = self.batch(table, compression=sdk.OFF, encryption=sdk.NONE)
        batch.replace([[str(row), "y" * 300, DAY] for row in range(30_000)])
        batch.update([["1", "updated", DAY]])
        batch.delete([["2", "", ""]])
        return "WriteBatch", batch.request()

    def altered(self, *columns):
        table = Table(self.SCHEMA, self.filled().name, columns)
        return "AlterTable", sdk.AlterTableRequest(schema_name=self.SCHEMA, table=table.message())

    def truncate(self):
        request = sdk.TruncateRequest(schema_name=self.SCHEMA, table_name=self.filled(1500).name,
                                      synced_column=SYNCED.name)
        request.utc_delete_before.FromJsonString("2025-01-01T00:00:00Z")
        return "Truncate", request

    def migrated(self, operation):
        name = self.filled().name
        operation = operation(name) if callable(operation) else operation
        return "Migrate", migrate_request(self.SCHEMA, name, **operation)

    def kill_at(self, make, call, number, workers=None, paths_of=lambda data_dir: []):
        """The calls up to the death; without one if the operation makes fewer such calls."""
        rpc, request = make()
        paths = paths_of(self.server.data_dir)
        before = self.held()
        with Injection(workers or self.workers(), f"{call}:signal=KILL:when={number}",
                       paths=paths, follow=workers is None) as injection:
            kind, text = self.call(rpc, request)
        after = self.held()
        self.assertIn(kind, ("success", "UNAVAILABLE"), text)
        again, text = self.call(rpc, request)
        if rpc == "CreateTable" and after != before:
            self.assertIn("already exists", text)
        else:
            self.assertEqual(again, "success", text)
        done = self.held()
        self.assertTrue(after == done or (after == before and kind != "success"))
        self.assertEqual(os.listdir(os.path.join(self.server.data_dir, "runs")), [])
        self.clear(done)
        return injection

    def clear(self, names):
        """So that the next operation finds what the first one did; and waits for new workers."""
        for _ in range(3):
            self.call("Migrate", migrate_request(self.SCHEMA, "none", **drop_table()))
        for name in names:
            self.call("Migrate", migrate_request(self.SCHEMA, name, **drop_table()))


class KilledAtEveryStep(Killing):
    SERVER_OPTIONS = ("--workers", "1", "--run-budget", "1MiB")  # each job always on the same one

    def test_each_is_hit(self):
        print(f"WEIR_TEST_SEED={SEED}", flush=True)
        self.chance = random.Random(SEED)
        operations, hits = dict(self.operations()), 0
        for name, steps in STEPS.items():
            for what, call, behind in steps:
                with self.subTest(operation=name, before=what):
                    self.hit(operations[name], Step(call, behind))
                    hits += 1
        self.assertEqual(self.server.weir("check", check=False).stdout, "")
        print(f"{hits} of {sum(map(len, STEPS.values()))} steps hit, nothing lost", flush=True)

    def hit(self, make, step):
        """Tries again where a worker died elsewhere: pages are written in one call or in several,
        by turns."""
        for _ in range(TRIES):
            found = step.find(self.record(make, step.paths))
            self.assertIsNotNone(found, "the operation has no such step")
            thread, call, number = found  # the only thread that runs jobs: its process has its id
            number = max(1, number + self.chance.choice([0, 0, 1, -1]))
            died = self.kill_at(make, call, number, [thread], step.paths)
            if step.is_last(died.calls):
                return
        self.fail(f"died elsewhere: {died.calls[-3000:]}")

    def record(self, make, paths_of):
        """What an operation does that is not disturbed."""
        rpc, request = make()
        with Injection(self.workers(), trace=STEP_CALLS,
                       paths=paths_of(self.server.data_dir)) as injection:
            self.assertEqual(self.call(rpc, request)[0], "success")
        self.clear(self.held())
        return injection.calls


class KilledAtEveryCall(Killing):
    def test_every_operation_is_whole_or_absent(self):
        print(f"WEIR_TEST_SEED={SEED}", flush=True)
        chance, kills = random.Random(SEED), 0
        for name, make in self.operations():
            for call, most in KILLED_AT.items():
                if not ALL and chance.random() < 0.5:
                    continue
                numbers = range(1, most + 1) if ALL else [chance.choice([1, 1, 2, 3])]
                for number in numbers:
                    with self.subTest(operation=name, call=call, number=number):
                        hit = self.kill_at(make, call, number).hit()
                        kills += hit
                    if not hit:
                        break
        self.assertEqual(self.server.weir("check", check=False).stdout, "")
        print(f"{kills} kills, nothing lost", flush=True)


if __name__ == "__main__":
    unittest.main()

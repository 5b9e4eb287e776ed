"""Power cuts: a server starts on whatever the disk may hold, with every acknowledged batch whole.

A workload runs on a recorded server. At moments drawn from the record, images of what a power cut
could have left are made, and a server is started on each: every table must hold what its last
acknowledged operation left, or what the one under way would have left. WEIR_TEST_SEED repeats the
draw, WEIR_TEST_IMAGES sets the number of images.
"""
import itertools
import os
import random
import shutil
import subprocess
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import destination_sdk_pb2 as sdk
from batch import Batch
from history import HistoryBatch
from migration import Kind, add_column, change_mode, copy_table, drop_table, migrate_request, \
    rename_table
from model import END_OF_TIME, SYSTEM_COLUMNS, Column, HistoryTable, Table
from powercut import FATES, Disk, RecordedServer, holds_data, read_record
from patience import SANITIZED
from server import Server

SEED = int(os.environ.get("WEIR_TEST_SEED", random.SystemRandom().randrange(2**32)))
IMAGES = int(os.environ.get("WEIR_TEST_IMAGES", "60" if SANITIZED else "160"))
IMAGES_OF_A_RECORD = 500

ID, TEXT = Column("id", "LONG", key=True), Column("text", "STRING")
NUMBER, SYNCED = Column("number", "INT"), Column("_fivetran_synced", "UTC_DATETIME")


class Step:
    """What the tables hold after an operation: {table: lines, or None where there is none}."""

    def __init__(self, began, acknowledged, tables):
        self.began = began
        self.acknowledged = acknowledged
        self.tables = tables


class Workload:
    """Operations one after the other, each seen in `steps`."""

    names = ("live", "large", "history", "copy", "renamed")

    def __init__(self, server, chance):
        self.server = server
        self.chance = chance
        self.client = server.client()
        self.steps = [Step(0, 0, self.held())]

    def held(self):
        return {name: contents(self.server, name) for name in self.names}

    def do(self, rpc, request):
        began = time.time()
        response = self.client.call(rpc, request)
        acknowledged = time.time()
        assert response.WhichOneof("response") == "success", response
        self.steps.append(Step(began, acknowledged, self.held()))

    def create(self, name, columns, kind=Table):
        table = kind("shop", name, columns)
        self.do("CreateTable", sdk.CreateTableRequest(schema_name="shop", table=table.message()))
        return table

    def batch(self, table, rows, deletes=(), **options):
        batch = Batch(self.server.batch_dir, table, **options)
        batch.replace(rows)
        batch.delete([[key] for key in deletes], ["id"])
        self.do("WriteBatch", batch.request())

    def alter(self, *columns, table="live"):
        self.do("AlterTable", sdk.AlterTableRequest(
            schema_name="shop", table=Table("shop", table, columns).message()))

    def truncate(self, before):
        request = sdk.TruncateRequest(schema_name="shop", table_name="live",
                                      synced_column=SYNCED.name)
        request.utc_delete_before.FromJsonString(before)
        self.do("Truncate", request)

    def migrate(self, table, operation):
        self.do("Migrate", migrate_request("shop", table, **operation))

    def rows(self, count, day, width=20):
        return [[str(self.chance.randrange(500)), "x" * self.chance.randrange(width), str(day),
                 f"2024-01-{day:02}T00:00:00Z"] for _ in range(count)]

    def run(self):
        live = self.create("live", [ID, TEXT, NUMBER, SYNCED])
        for day in range(1, 13):
            self.batch(live, self.rows(self.chance.choice([1, 10, 60]), day),
                       [str(self.chance.randrange(500))
                        for _ in range(self.chance.choice([0, 20]))])
        self.truncate("2024-01-04T00:00:00Z")
        self.alter(ID, TEXT, NUMBER, SYNCED, Column("added", "INT"))
        self.alter(ID, TEXT, Column("number", "LONG"), SYNCED, Column("added", "INT"))
        self.migrate("live", copy_table("live", "copy"))
        self.migrate("copy", rename_table("copy", "renamed"))
        self.migrate("live", add_column("more", "STRING", "something"))
        self.run_history()
        self.truncate("2024-02-01T00:00:00Z")
        self.migrate("renamed", drop_table())
        self.run_large()

    def run_large(self):
        """Batches over 8 MiB: the first fills an empty table, the second a new generation."""
        large = self.create("large", [ID, TEXT, NUMBER, SYNCED])
        for day in (1, 2):
            self.batch(large, [[str(row), "y" * 3000, str(day), NULL_TIME] for row in range(2900)])

    def run_history(self):
        table = self.create("history", [ID, TEXT, *SYSTEM_COLUMNS], HistoryTable)
        for day in range(1, 5):
            start = f"2024-01-{day:02}T00:00:00Z"
            batch = HistoryBatch(self.server.batch_dir, table)
            batch.earliest([[str(row), start] for row in range(40)], ["id", "_fivetran_start"])
            batch.replace([[str(row), f"of {day}", start, END_OF_TIME, "true", start]
                           for row in range(40)])
            self.do("WriteHistoryBatch", batch.request())
        self.migrate("history", change_mode(Kind.HISTORY_TO_SOFT_DELETE))


class Beside(Workload):
    """Runs at the same time, on a table of its own: the registry and the disk are shared."""

    names = ("beside",)

    def run(self):
        for number in range(3):
            table = self.create("beside", [ID, TEXT, NUMBER, SYNCED])
            for day in range(1, 6):
                self.batch(table, self.rows(self.chance.choice([1, 30]), day))
            self.alter(ID, TEXT, NUMBER, SYNCED, Column(f"added_{number}", "INT"), table="beside")
            self.migrate("beside", drop_table())


NULL_TIME = "2024-01-01T00:00:00Z"


def contents(server, name):
    """What `weir dump` prints; None: there is no such table."""
    result = server.weir("dump", "shop", name, check=False)
    assert result.returncode == 0 or "does not exist" in result.stderr, result.stderr
    return result.stdout if result.returncode == 0 else None


def files_of(root):
    """{path: content} of the data files in a folder."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in filter(holds_data, names):
            with open(os.path.join(folder, name), "rb") as file:
                found[os.path.relpath(file.name, root)] = file.read()
    return found


def can_record():
    return shutil.which("strace") is not None and \
        subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True,
                       check=False).returncode == 0


@unittest.skipIf(SANITIZED, "a sanitizer opens files of its own, in its own ways")
@unittest.skipUnless(can_record(), "needs strace, and to be allowed to use it")
class Power(unittest.TestCase):
    def test_a_server_starts_on_every_image_with_whole_batches(self):
        done = 0
        for seed in itertools.count(SEED):
            with self.subTest(seed=seed), \
                    tempfile.TemporaryDirectory(prefix="weir-power-") as self.folder:
                print(f"WEIR_TEST_SEED={seed}", flush=True)
                self.where = f"WEIR_TEST_SEED={seed}"
                count = min(IMAGES - done, IMAGES_OF_A_RECORD)
                done += count  # of a record that fails, too: there is an end
                self.check_images(random.Random(seed), count)
            print(f"{done} images", flush=True)
            if done >= IMAGES:
                return

    def record(self, chance):
        """Runs the workloads; returns the steps of each, the events of the record, and the data
        folder."""
        with RecordedServer("--workers", "2", "--run-budget", "1MiB",
                            data_dir=os.path.join(self.folder, "data")) as server:
            workloads = [kind(server, random.Random(chance.random()))
                         for kind in (Workload, Beside)]
            with ThreadPoolExecutor(len(workloads)) as pool:
                for run in [pool.submit(workload.run) for workload in workloads]:
                    run.result()
            for workload in workloads:
                workload.client.channel.close()
            self.assertEqual(server.stop(), 0)
            return ([workload.steps for workload in workloads],
                    list(read_record(server.record_path)), server.data_dir)

    def check_images(self, chance, count):
        histories, events, root = self.record(chance)
        disk = Disk(root)
        moments = [number for number, event in enumerate(events) if disk.apply(event)]
        self.assert_same_files(disk.files(), files_of(root))
        disk, at = Disk(root), 0
        with ThreadPoolExecutor(2) as pool:
            checks = []
            for image, moment in enumerate(sorted(chance.choices(moments, k=count))):
                while at <= moment:
                    disk.apply(events[at])
                    at += 1
                path = os.path.join(self.folder, f"image{image}")
                fate = chance.choice(FATES)
                disk.image(path, fate, chance)
                cut = (events[moment].ended,
                       events[at].ended if at < len(events) else time.time())
                checks.append(pool.submit(self.check, path, cut, histories,
                                          f"{self.where}, event {moment}, unsynced: {fate}"))
                if len(checks) > 4:  # so that images do not pile up
                    checks.pop(0).result()
            for check in checks:
                check.result()

    def check(self, path, cut, histories, where):
        """`cut`: when the last event before it ended, and when the next one would have."""
        try:
            with Server("--workers", "1", data_dir=path) as server:
                held = [{name: contents(server, name) for name in steps[0].tables}
                        for steps in histories]
                checked = server.weir("check", check=False)
                self.assertEqual(checked.returncode, 0, f"{where}: {checked.stdout}")
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
        for steps, tables in zip(histories, held):
            self.check_tables(tables, cut, steps, where)
        shutil.rmtree(path)

    def check_tables(self, held, cut, steps, where):
        """What was acknowledged before the next event is there, what began before the last one may
        be."""
        last = max(i for i, step in enumerate(steps) if step.acknowledged < cut[1])
        allowed = [steps[last].tables,
                   *(step.tables for step in steps[last + 1:] if step.began < cut[0])]
        for name, lines in held.items():
            self.assertTrue(any(lines == tables[name] for tables in allowed),
                            f"{where}: table {name} after operation {last}")
        self.assertIn(held, allowed, f"{where}: tables of different moments")

    def assert_same_files(self, recorded, real):
        """Nothing that the server wrote has escaped the record."""
        self.assertEqual(sorted(recorded), sorted(real))
        for path, content in real.items():
            self.assertTrue(recorded[path] == content, f"{path} differs from its record")


if __name__ == "__main__":
    unittest.main()

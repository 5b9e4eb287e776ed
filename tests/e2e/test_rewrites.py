"""Rewrites of a table: killed, cancelled, read and waited for; the space that they take and give.

WEIR_TEST_SEED repeats the choice of moments.
"""
import json
import os
import random
import signal
import subprocess
import threading
import time
import unittest
from pathlib import Path

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

import destination_sdk_pb2 as sdk
from case import ServerCase
from migration import (Kind, add_column, change_mode, copy_table, drop_table, migrate_request,
                       rename_table, update_column)
from model import Column, Table
from patience import PATIENCE
from server import WEIR, wait_until

SEED = int(os.environ.get("WEIR_TEST_SEED", random.SystemRandom().randrange(2**32)))

COLUMNS = [Column("id", "LONG", key=True), Column("text", "STRING"),
           Column("_fivetran_deleted", "BOOLEAN"), Column("_fivetran_synced", "UTC_DATETIME")]


class RewriteCase(ServerCase):
    SERVER_OPTIONS = ("--workers", "2", "--run-budget", "1MiB")
    ROWS = 60_000

    def setUp(self):
        """Row i was synced in second i."""
        self.table = self.new_table(COLUMNS)
        self.fill(lambda row: row)

    def fill(self, second_of):
        batch = self.batch(self.table)
        batch.replace([[str(i), f"text {i:060}", "false",
                        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second_of(i)))]
                       for i in range(self.ROWS)])
        self.assert_success(self.client.write(batch.request()))

    def tearDown(self):
        self.assert_success(self.migrate(self.table, **drop_table()))

    def start(self, table, **operation):
        return self.client.start("Migrate", migrate_request(self.SCHEMA, table.name, **operation))

    def migrate(self, table, **operation):
        return self.start(table, **operation).result()

    def rows(self, name):
        return self.server.dump(self.SCHEMA, name)

    def text(self, name):
        """The same unparsed: of many rows."""
        return self.server.weir("dump", self.SCHEMA, name).stdout

    def files(self):
        """{path: size} of all generations."""
        return {path: path.stat().st_size
                for path in Path(self.server.data_dir, "tables").glob("*/*.mdb")}

    def tables(self):
        output = self.server.weir("tables", "--format", "jsonl").stdout
        return [json.loads(line)["table"] for line in output.splitlines()]

    def assert_nothing_is_left_behind(self):
        self.assertEqual(len(self.files()), len(self.tables()))
        self.assertEqual(os.listdir(Path(self.server.data_dir, "runs")), [])


class Space(RewriteCase):
    def truncate(self, seconds, soft=None):
        request = sdk.TruncateRequest(
            schema_name=self.SCHEMA, table_name=self.table.name, synced_column="_fivetran_synced",
            utc_delete_before=Timestamp(seconds=seconds))
        if soft is not None:
            request.soft.deleted_column = soft
        self.assert_success(self.client.call("Truncate", request))

    def test_a_truncate_of_most_rows_gives_their_space_back(self):
        before = self.files()
        self.truncate(self.ROWS - 10)
        self.assertEqual([row["id"] for row in self.rows(self.table.name)],
                         list(range(self.ROWS - 10, self.ROWS)))
        after = self.files()
        self.assertEqual(len(after), len(before))
        self.assertLess(sum(after.values()), sum(before.values()) / 10)

    def test_a_truncate_of_few_rows_does_not_rewrite_the_table(self):
        before = self.files()
        self.truncate(2000)
        self.assertEqual(len(self.rows(self.table.name)), self.ROWS - 2000)
        self.assertEqual(set(self.files()), set(before))

    def test_a_truncate_of_rows_on_most_pages_takes_no_further_space(self):
        """Deleted in place, they would leave a new copy of each page beside the former one. Of the
        portions that fill a new file each leaves a few free pages."""
        for soft, left in ((None, self.ROWS * 9 // 10), ("_fivetran_deleted", self.ROWS)):
            with self.subTest(soft=soft):
                self.assert_success(self.migrate(self.table, **drop_table()))
                self.assert_success(self.client.create(self.SCHEMA, self.table.message()))
                self.fill(lambda row: row % 10)
                before = self.files()
                self.truncate(1, soft)
                self.assertEqual(len(self.rows(self.table.name)), left)
                self.assertLess(sum(self.files().values()), sum(before.values()) * 1.05)

    def test_a_soft_truncate_of_most_rows(self):
        self.truncate(self.ROWS - 10, soft="_fivetran_deleted")
        deleted = [row["_fivetran_deleted"] for row in self.rows(self.table.name)]
        self.assertEqual(deleted, [True] * (self.ROWS - 10) + [False] * 10)
        self.assert_nothing_is_left_behind()

    def test_a_rewritten_or_dropped_table_gives_its_space_back_at_once(self):
        before = self.files()
        self.assert_success(self.migrate(self.table, **update_column("text", "NULL")))
        after = self.files()
        self.assertEqual(len(after), len(before))
        self.assertLess(sum(after.values()), sum(before.values()))
        self.assert_success(self.migrate(self.table, **drop_table()))
        self.assertEqual(len(self.files()), len(before) - 1)

    def test_a_reader_finishes_undisturbed(self):
        before = self.rows(self.table.name)
        command = [WEIR, "dump", "--data-dir", self.server.data_dir, self.SCHEMA, self.table.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
            first = reader.stdout.readline()  # it has begun, and the pipe is soon full
            self.assert_success(self.migrate(self.table, **update_column("text", "new")))
            self.assert_success(self.migrate(self.table, **drop_table()))
            read = [json.loads(line) for line in [first, *reader.stdout]]
        self.assertEqual(reader.returncode, 0)
        self.assertEqual(read, before)


class Waiting(RewriteCase):
    ROWS = 300_000

    def test_a_long_rewrite_delays_no_other_table(self):
        other = self.new_table()
        rewrite = self.start(self.table, **update_column("text", "new"))
        for number in range(3):
            batch = self.batch(other)
            batch.replace([[str(number), "one", "1"]])
            started = time.monotonic()
            self.assert_success(self.client.write(batch.request()))
            self.assertLess(time.monotonic() - started, 1.0 * PATIENCE)
        self.assertFalse(rewrite.done())
        self.assert_success(rewrite.result())

    def test_requests_on_one_table_go_in_order_of_arrival(self):
        calls = [self.start(self.table, **update_column("text", "new"))]
        time.sleep(0.1)
        batch = self.batch(self.table)
        batch.replace([["0", "newer", "false", "2024-01-01T00:00:00Z"]])
        calls.append(self.client.start("WriteBatch", batch.request()))
        time.sleep(0.1)
        calls.append(self.start(self.table, **add_column("count", "INT", "5")))
        time.sleep(0.1)
        calls.append(self.start(self.table, **rename_table(self.table.name, "renamed")))
        for call in calls:
            self.assert_success(call.result())
        rows = self.rows("renamed")
        self.assertEqual([(row["text"], row["count"]) for row in rows],
                         [("newer", 5)] + [("new", 5)] * (self.ROWS - 1))
        self.assert_success(self.migrate(self.table, **rename_table("renamed", self.table.name)))

    def test_a_cancelled_rewrite_stops_within_a_second_and_leaves_nothing(self):
        before = self.text(self.table.name)
        for name, rpc, request in self.rewrites():
            for moment in (0.01, 0.04):
                with self.subTest(name, moment=moment):
                    call = self.client.start(rpc, request)
                    time.sleep(moment)
                    call.cancel()
                    started = time.monotonic()
                    # This queues behind the cancelled one, which holds the table's lease; it
                    # changes nothing, and so waits for no disk.
                    self.assert_success(self.client.call("AlterTable", self.alter(COLUMNS)))
                    self.assertLess(time.monotonic() - started, 1.0 * PATIENCE)
                    self.assertTrue(call.cancelled())
                    self.assertTrue(self.text(self.table.name) == before)
                    self.assertNotIn("copy", self.tables())
                    self.assert_nothing_is_left_behind()

    def rewrites(self):
        """(name, RPC, request) of what goes over all rows."""
        number, text, *others = COLUMNS
        for name, operation in [("set", update_column("text", "new")),
                                ("history", change_mode(Kind.SOFT_DELETE_TO_HISTORY)),
                                ("copy", copy_table(self.table.name, "copy"))]:
            yield name, "Migrate", migrate_request(self.SCHEMA, self.table.name, **operation)
        for name, columns in [("type", [number.with_(type_name="STRING"), text]),
                              ("key", [number.with_(key=False), text.with_(key=True)])]:
            yield name, "AlterTable", self.alter(columns + others)
        for name, seconds in (("few", self.ROWS // 10), ("most", self.ROWS)):
            yield name, "Truncate", sdk.TruncateRequest(
                schema_name=self.SCHEMA, table_name=self.table.name,
                synced_column="_fivetran_synced", utc_delete_before=Timestamp(seconds=seconds))

    def alter(self, columns):
        wished = Table(self.SCHEMA, self.table.name, columns)
        return sdk.AlterTableRequest(schema_name=self.SCHEMA, table=wished.message())


class Kills(RewriteCase):
    """kill -9 at random moments while rows are rewritten."""
    ROWS = 40_000

    def setUp(self):
        super().setUp()
        print(f"WEIR_TEST_SEED={SEED}", flush=True)
        self.random = random.Random(SEED)

    def kill_soon(self, role):
        """One of them: a job is tried on three workers, and all at once would be three."""
        pids = [pid for name, pid in sorted(self.server.roles().items()) if name.startswith(role)]
        moment = threading.Timer(self.random.uniform(0, 0.25), os.kill,
                                 [self.random.choice(pids), signal.SIGKILL])
        moment.start()
        return moment

    def test_a_killed_worker_goes_unnoticed(self):
        copy = "copy_of_" + self.table.name
        before = self.rows(self.table.name)
        for operation in (update_column("text", "new"), change_mode(Kind.SOFT_DELETE_TO_HISTORY),
                          change_mode(Kind.HISTORY_TO_SOFT_DELETE),
                          copy_table(self.table.name, copy)):
            with self.subTest(operation=operation):
                moment = self.kill_soon("worker")
                self.assert_success(self.migrate(self.table, **operation))
                moment.join()
        expected = [{**row, "text": "new"} for row in before]
        for name in (self.table.name, copy):
            self.assertEqual([dict(sorted(row.items())) for row in self.rows(name)],
                             [dict(sorted(row.items())) for row in expected])
        self.assertEqual(len(self.files()), len(self.tables()))

    def test_a_killed_frontend_leaves_the_old_table_or_the_new(self):
        for number in range(3):
            before = self.rows(self.table.name)
            after = [{**row, "text": f"new {number}"} for row in before]
            moment = self.kill_soon("frontend")
            try:
                self.migrate(self.table, **update_column("text", f"new {number}"))
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
            moment.join()
            wait_until(self.server.is_serving, 20, "the frontend")
            self.assertIn(self.rows(self.table.name), (before, after))


if __name__ == "__main__":
    unittest.main()

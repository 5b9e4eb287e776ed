"""Faults of the machine, really caused: calls to the kernel that fail. The operation fails with a
message that says what and what to do, the tables are as they were, and everything works when the
fault is gone.
"""
import os
import time
import unittest

import grpc

import destination_sdk_pb2 as sdk
from bigbatch import ROWS, BigBatch, create_big_table, versions_of
from faults import ID, SYNCED, TEXT, FaultCase
from injection import Injection, can_inject
from migration import drop_table, migrate_request
from model import Column, Table
from patience import PATIENCE, SANITIZED
from server import Server, wait_until

WRITES = "pwrite64,pwritev,writev"


class Failing(FaultCase):
    def check(self, expression, code, *words, paths=()):
        """The batch fails so while the calls fail, and succeeds when they do not."""
        table = self.filled()
        before = self.held()
        request = self.rows_of(table, 1)
        with Injection(self.workers(), expression, paths=paths) as injection:
            answer = self.call("WriteBatch", request)
        self.assertTrue(injection.hit())
        self.assertEqual(answer[0], code, answer)
        for word in words:
            self.assertIn(word, answer[1])
        self.assertEqual(self.held(), before)
        self.assertEqual(self.call("WriteBatch", request)[0], "success")
        self.assertIn("version 1", self.held()[table.name])
        return answer[1]

    def test_a_sync_that_fails(self):
        self.check("fdatasync:error=EIO", "UNAVAILABLE", "could not commit: Input/output error",
                   "table_", "Look at the disk")

    def test_writes_that_fail(self):
        self.check(f"{WRITES}:error=EIO", "UNAVAILABLE", "could not commit: Input/output error",
                   "table_", "Look at the disk")

    def test_a_full_disk(self):
        self.check(f"{WRITES}:error=ENOSPC", "RESOURCE_EXHAUSTED", "table_", "No space left",
                   "Free space on the disk")

    def test_too_many_open_files(self):
        self.check("openat:error=EMFILE", "UNAVAILABLE", "Too many open files",
                   "Raise the limit of open files")

    @unittest.skipIf(SANITIZED, "a sanitizer does not do without memory")
    def test_a_map_that_cannot_be_made(self):
        self.check("mmap:error=ENOMEM", "UNAVAILABLE", "Cannot allocate memory", "--map-size")

    @unittest.skipIf(SANITIZED, "a sanitizer does not do without memory")
    def test_memory_that_cannot_be_had_ends_the_worker_and_the_job_is_tried_again(self):
        table = self.filled()
        answers = []
        for first in range(1, 12):
            with Injection(self.workers(), f"brk,mmap:error=ENOMEM:when={first}"):
                answers.append(self.call("WriteBatch", self.rows_of(table, first)))
            kind, text = answers[-1]
            self.assertTrue(kind == "success" or kind == "UNAVAILABLE", text)
            held = self.held()[table.name]
            self.assertTrue(f"version {first}" in held or kind != "success", text)
            self.assertEqual(len(set(line.split('"text"')[1] for line in held.splitlines())), 1)
        self.assertIn("success", [kind for kind, _ in answers])

    def test_a_runs_folder_that_cannot_be_written(self):
        _, request = self.large_request()
        runs = os.path.join(self.server.data_dir, "runs")
        os.rename(runs, runs + ".away")
        with open(runs, "w", encoding="utf-8"):
            kind, text = self.call("WriteBatch", request)
        os.remove(runs)
        os.rename(runs + ".away", runs)
        self.assertEqual(kind, "UNAVAILABLE", text)
        self.assertIn("runs", text)
        self.assertEqual(self.call("WriteBatch", request)[0], "success")
        self.assertEqual(self.runs(), [])

    def large_request(self):
        table = self.new_table([ID, Column("version", "INT"), Column("notes", "STRING")])
        batch = BigBatch(self.server.batch_dir, 1, rows=60_000)
        return batch.path, batch.request(table, 4)

    def runs(self):
        return os.listdir(os.path.join(self.server.data_dir, "runs"))

    def test_a_folder_for_runs_that_has_no_room(self):
        _, request = self.large_request()
        with Injection(self.workers(), "mkdir:error=ENOSPC") as injection:
            kind, text = self.call("WriteBatch", request)
        self.assertTrue(injection.hit())
        self.assertEqual(kind, "RESOURCE_EXHAUSTED", text)
        self.assertIn("Free space on the disk", text)
        self.assertEqual(self.call("WriteBatch", request)[0], "success")

    def test_a_batch_file_that_cannot_be_read(self):
        path, request = self.large_request()
        with Injection(self.workers(), "read:error=EIO", paths=[path]) as injection:
            kind, text = self.call("WriteBatch", request)
        self.assertTrue(injection.hit())
        self.assertEqual(kind, "UNAVAILABLE", text)
        self.assertIn(f'batch file "{path}": could not read it: Input/output error', text)
        self.assertEqual(self.call("WriteBatch", request)[0], "success")
        self.assertEqual(self.runs(), [])

    def test_no_run_is_left_by_a_frontend_without_descriptors(self):
        _, request = self.large_request()
        with Injection([self.server.roles()["frontend"]], "openat:error=EMFILE") as injection:
            kind, text = self.call("WriteBatch", request)
        self.assertTrue(injection.hit())
        self.assertEqual(kind, "success", text)
        self.assertEqual(self.runs(), [])

    def test_a_registry_that_cannot_be_written(self):
        table = self.filled()
        before = self.held()
        request = sdk.AlterTableRequest(schema_name=self.SCHEMA, table=Table(
            self.SCHEMA, table.name, [ID, TEXT, SYNCED, Column("more", "INT")]).message())
        registry = os.path.join(self.server.data_dir, "registry.mdb")
        with Injection(self.workers(), "fdatasync:error=EIO", paths=[registry]) as injection:
            kind, text = self.call("AlterTable", request)
        self.assertTrue(injection.hit())
        self.assertEqual(kind, "UNAVAILABLE", text)
        self.assertIn("could not write to the registry", text)
        self.assertIn(table.name, text)
        self.assertEqual(self.held(), before)
        self.assertEqual(self.call("AlterTable", request)[0], "success")
        self.assertIn('"more"', self.held()[table.name])

    def test_folders_that_cannot_be_synced(self):
        table = Table(self.SCHEMA, f"new_{next(self.table_numbers)}", [ID])
        request = sdk.CreateTableRequest(schema_name=self.SCHEMA, table=table.message())
        with Injection(self.workers(), "fsync:error=EIO") as injection:
            kind, text = self.call("CreateTable", request)
        self.assertTrue(injection.hit())
        self.assertEqual(kind, "UNAVAILABLE", text)
        self.assertIn("could not sync folder", text)
        self.assertNotIn(table.name, self.held())
        self.assertEqual(self.call("CreateTable", request)[0], "success")

    def test_a_bad_page_names_the_table(self):
        table = self.filled(5000)
        path = self.file_of(table)
        with open(path, "rb") as file:
            whole = file.read()
        os.truncate(path, 4 * 4096)
        kind, text = self.call("WriteBatch", self.rows_of(table, 1, 5000))
        self.assertEqual(kind, "UNAVAILABLE", text)
        self.assertIn(f'table "{self.SCHEMA}.{table.name}"', text)
        self.assertIn("could not be read", text)
        self.assertNotIn("batch file", text)
        self.assertNotIn("workers died", text)
        with open(path, "wb") as file:
            file.write(whole)
        self.assertEqual(self.call("WriteBatch", self.rows_of(table, 1, 5000))[0], "success")

    def file_of(self, table):
        """The newest: the test has just made it."""
        tables = os.path.join(self.server.data_dir, "tables")
        folder = max(os.listdir(tables), key=int)
        return os.path.join(tables, folder, next(
            name for name in os.listdir(os.path.join(tables, folder)) if name.endswith(".mdb")))


class Frontend(unittest.TestCase):
    @unittest.skipUnless(can_inject(), "needs strace, and to be allowed to use it")
    @unittest.skipIf(SANITIZED, "a sanitizer does not do without memory")
    def test_memory_that_cannot_be_had_ends_it_and_it_is_back_within_two_seconds(self):
        with Server("--workers", "1") as server, server.client() as client:
            table = Table("shop", "wide", [ID] + [Column(f"column {i} " + "x" * 200, "STRING")
                                                   for i in range(4000)])
            request = sdk.CreateTableRequest(schema_name="shop", table=table.message())
            with Injection([server.roles()["frontend"]], "brk,mmap:error=ENOMEM"):
                with self.assertRaises(grpc.RpcError) as caught:
                    for _ in range(50):
                        client.call("CreateTable", request)
                        client.call("Migrate", migrate_request("shop", "wide", **drop_table()))
                self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
                ended = time.monotonic()
            wait_until(server.is_serving, 20, "the server to serve again")
            self.assertLess(time.monotonic() - ended, 2 * PATIENCE)
            self.assertIn("frontend was killed by signal 6", server.log())


    @unittest.skipUnless(can_inject(), "needs strace, and to be allowed to use it")
    def test_connections_that_cannot_be_accepted_are_again_when_what_runs_is_done(self):
        with Server("--workers", "2") as server, server.client() as client:
            table = create_big_table(client, "orders")
            running = client.start("WriteBatch", BigBatch(server.batch_dir, 1).request(table, 3),
                                   timeout=60)
            with Injection([server.roles()["frontend"]], "accept,accept4:error=EMFILE"):
                self.assertFalse(server.is_serving())
            self.assertEqual(running.result().WhichOneof("response"), "success")
            server.wait_serving()
            self.assertIn("Too many open files", server.log())
            self.assertIn("no client can connect any more", server.log())
            self.assertEqual(versions_of(server, table), {1: ROWS})
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()

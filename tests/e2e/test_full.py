"""No room: a full map or disk fails the batch that meets it, and nothing else."""
import contextlib
import os
import subprocess
import tempfile
import unittest

import grpc

import destination_sdk_pb2 as sdk
from bigbatch import BigBatch, create_big_table, versions_of
from migration import drop_table, migrate_request
from model import Column, Table
from server import Server


class Full(unittest.TestCase):
    def assert_big_fails_and_small_works(self, server):
        with server.client() as client:
            table = create_big_table(client, "orders")
            small = BigBatch(server.batch_dir, 1, rows=10).request(table, 1)
            self.assertEqual(client.write(small).WhichOneof("response"), "success")

            with self.assertRaises(grpc.RpcError) as caught:
                client.write(BigBatch(server.batch_dir, 2, rows=400_000).request(table, 1))

            self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED,
                             caught.exception.details())
            self.assertEqual(versions_of(server, table), {1: 10})
            again = BigBatch(server.batch_dir, 3, rows=10).request(table, 1)
            self.assertEqual(client.write(again).WhichOneof("response"), "success")
            self.assertEqual(versions_of(server, table), {3: 10})
            self.assertEqual(os.listdir(os.path.join(server.data_dir, "runs")), [])

    def test_a_full_map(self):
        with Server("--map-size", "16MiB") as server:
            self.assert_big_fails_and_small_works(server)

    def test_a_reserve_is_left_for_tables_to_be_altered_and_dropped(self):
        with small_disk("96m") as disk, \
                Server("--disk-reserve", "48MiB", data_dir=os.path.join(disk, "data")) as server, \
                server.client() as client:
            table = create_big_table(client, "orders")
            with self.assertRaises(grpc.RpcError) as caught:
                for version in range(1, 20):
                    batch = BigBatch(server.batch_dir, version, rows=30_000 * version)
                    client.write(batch.request(table, 1))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertRegex(caught.exception.details(), "48 are kept in reserve|MiB are free")
            self.assertEqual(len(versions_of(server, table)), 1)
            columns = [*table.columns, Column("more", "INT")]
            answer = client.call("AlterTable", sdk.AlterTableRequest(
                schema_name="shop", table=Table("shop", "orders", columns).message()))
            self.assertEqual(answer.WhichOneof("response"), "success")
            answer = client.call("Migrate", migrate_request("shop", "orders", **drop_table()))
            self.assertEqual(answer.WhichOneof("response"), "success")
            table = create_big_table(client, "orders")
            small = BigBatch(server.batch_dir, 1, rows=10).request(table, 1)
            self.assertEqual(client.write(small).WhichOneof("response"), "success")

    def test_a_full_disk(self):
        with small_disk("24m") as disk, \
                Server("--disk-reserve", "0", data_dir=os.path.join(disk, "data")) as server:
            self.assert_big_fails_and_small_works(server)


@contextlib.contextmanager
def small_disk(size):
    with tempfile.TemporaryDirectory(prefix="weir-full-") as disk:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            raise unittest.SkipTest("only who may mount can make a small disk")
        try:
            yield disk
        finally:
            subprocess.run(["umount", "-l", disk], check=True)


if __name__ == "__main__":
    unittest.main()

"""No room: a full map or disk fails the batch that meets it, and nothing else."""
import os
import subprocess
import tempfile
import unittest

import grpc

from bigbatch import BigBatch, create_big_table, versions_of
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

    def test_a_full_disk(self):
        with tempfile.TemporaryDirectory(prefix="weir-full-") as disk:
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk],
                                     capture_output=True, check=False)
            if mounted.returncode != 0:
                self.skipTest("only who may mount can make a small disk")
            try:
                with Server(data_dir=os.path.join(disk, "data")) as server:
                    self.assert_big_fails_and_small_works(server)
            finally:
                subprocess.run(["umount", "-l", disk], check=True)


if __name__ == "__main__":
    unittest.main()

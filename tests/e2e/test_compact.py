"""`weir compact` gives back the space that deleted rows and dropped columns have left."""
import os
import threading
import unittest
from pathlib import Path

import grpc

import admin_pb2 as admin
import destination_sdk_pb2 as sdk
from batch import Batch
from model import Column, Table
from server import Server, run_weir

COMPACT = "/weir.Admin/Compact"
COLUMNS = [Column("id", "LONG", key=True), Column("text", "STRING"), Column("wide", "STRING")]
ROWS = 20_000


class Compact(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Server())
        self.client = self.enterContext(self.server.client())
        self.table = self.make_table("orders")

    def make_table(self, name):
        table = Table("shop", name, COLUMNS)
        self.client.create("shop", table.message())
        self.write(table, "replace", range(ROWS))
        return table

    def write(self, table, kind, numbers):
        batch = Batch(self.server.batch_dir, table)
        rows = [[str(number), f"text {number}", "x" * 200] for number in numbers]
        getattr(batch, kind)(rows)
        self.assertEqual(self.client.write(batch.request()).WhichOneof("response"), "success")

    def dump(self, name="orders"):
        return self.server.weir("dump", "shop", name).stdout

    def file_bytes(self):
        files = Path(self.server.data_dir).glob("tables/*/*.mdb")
        return sum(file.stat().st_size for file in files)

    def compact(self, *names, check=True):
        return run_weir("compact", "--data-dir", self.server.data_dir, *names, check=check)

    def test_the_space_of_deleted_rows_goes_back_to_the_disk(self):
        self.write(self.table, "delete", [number for number in range(ROWS) if number % 10 != 0])
        before, rows = self.file_bytes(), self.dump()
        line = self.compact("shop", "orders").stdout
        after = self.file_bytes()
        self.assertEqual(line, f"shop.orders  {before} -> {after}\n")
        self.assertLess(after, before / 5)
        self.assertEqual(self.dump(), rows)
        self.assertEqual(len(rows.splitlines()), ROWS / 10)
        self.assertIn("shop.orders: sound", run_weir("check", "--data-dir",
                                                     self.server.data_dir).stdout)

    def test_the_space_of_a_dropped_column_goes_back_to_the_disk(self):
        narrow = Table("shop", "orders", COLUMNS[:2])
        self.client.call("AlterTable", sdk.AlterTableRequest(
            schema_name="shop", table=narrow.message(), drop_columns=True))
        before, rows = self.file_bytes(), self.dump()
        self.compact("shop", "orders")
        self.assertLess(self.file_bytes(), before / 3)
        self.assertEqual(self.dump(), rows)

    def test_all_tables_go_one_after_the_other(self):
        self.make_table("customers")
        lines = self.compact().stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["shop.customers", "shop.orders"])

    def test_batches_go_on_meanwhile(self):
        stop, counts = threading.Event(), [0]

        def write_on():
            while not stop.is_set():
                self.write(self.table, "replace", [ROWS + counts[0]])
                counts[0] += 1

        thread = threading.Thread(target=write_on)
        thread.start()
        for _ in range(5):
            self.compact("shop", "orders")
        stop.set()
        thread.join()
        self.assertGreater(counts[0], 0)
        self.assertEqual(len(self.dump().splitlines()), ROWS + counts[0])

    def test_a_table_that_does_not_exist_is_named(self):
        result = self.compact("shop", "none", check=False)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn('table "shop.none" does not exist', result.stderr)

    def test_one_name_alone_is_too_few(self):
        self.assertEqual(self.compact("shop", check=False).returncode, 2)

    def test_without_a_server_it_says_so(self):
        data_dir = self.server.data_dir
        self.assertEqual(self.server.stop(), 0)
        result = run_weir("compact", "--data-dir", data_dir, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f'no server has data folder "{data_dir}"', result.stderr)

    def test_clients_over_the_network_cannot_ask_for_it(self):
        request = admin.CompactRequest(schema_name="shop", table_name="orders")
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.raw(COMPACT, request.SerializeToString())
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_its_socket_is_for_the_user_of_the_server_alone(self):
        folder = Path(self.server.data_dir, "LOCK").read_text(encoding="utf-8").splitlines()[1]
        self.assertTrue(os.path.exists(os.path.join(folder, "admin")))
        self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)


if __name__ == "__main__":
    unittest.main()

"""Many clients at once, and messages as large as the protocol allows."""
import threading
import unittest

import grpc

import common_pb2 as common
import destination_sdk_pb2 as sdk
from batchfile import NULL, UNMODIFIED
from case import ServerCase
from client import MESSAGE_BYTES_MAX
from patience import PATIENCE


class Concurrency(ServerCase):
    SERVER_OPTIONS = ("--workers", "2")

    def run_threads(self, count, work):
        failures = []

        def guarded(number):
            try:
                work(number)
            except Exception as error:  # reported by the main thread
                failures.append(error)

        threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_batches_on_many_tables_at_once(self):
        tables = [self.new_table() for _ in range(8)]

        def work(number):
            table = tables[number]
            with self.server.client() as client:
                for i in range(15):
                    batch = self.batch(table)
                    batch.replace([[str(row), f"{number}/{i}", "1"] for row in range(i, i + 50)])
                    batch.update([[str(i), UNMODIFIED, "2"]])
                    batch.delete([[str(i + 1), NULL, NULL]])
                    self.assert_success(client.write(batch.request()))
                    batch.apply_to_model()

        self.run_threads(8, work)

        for table in tables:
            self.assert_table(table)

    def test_batches_on_one_table_run_one_after_the_other(self):
        table = self.new_table()

        def work(number):
            with self.server.client() as client:
                for i in range(5):
                    batch = self.batch(table)
                    batch.replace([[str(row), f"{number}/{i}", "1"] for row in range(200)])
                    self.assert_success(client.write(batch.request()))

        self.run_threads(8, work)

        rows = self.server.dump(table.schema, table.name)
        self.assertEqual(len(rows), 200)
        self.assertEqual(len({row["name"] for row in rows}), 1)

    def test_readers_see_whole_batches(self):
        table = self.new_table()
        stop = threading.Event()
        seen = []

        def read():
            while not stop.is_set():
                rows = self.server.dump(table.schema, table.name)
                seen.append({row["name"] for row in rows})

        reader = threading.Thread(target=read)
        reader.start()
        for i in range(20):
            batch = self.batch(table)
            batch.replace([[str(row), f"batch {i}", "1"] for row in range(3000)])
            self.assert_success(self.client.write(batch.request()))
        stop.set()
        reader.join()

        self.assertTrue(seen)
        for names in seen:
            self.assertLessEqual(len(names), 1)

    def test_a_batch_of_twenty_thousand_files(self):
        """A fifth of them for a sanitized server."""
        table = self.new_table()
        batch = self.batch(table)
        path = batch.files.add(table.names(), [["1", "one", "1"]])
        request = batch.request()
        request.replace_files.extend([path] * (20_000 // PATIENCE))

        self.assert_success(self.client.write(request))

        self.assertEqual(len(self.server.dump(table.schema, table.name)), 1)

    def test_a_message_just_under_the_limit_is_accepted(self):
        size = MESSAGE_BYTES_MAX - 1000
        request = sdk.DescribeTableRequest(configuration={"user": "x" * size},
                                           schema_name="shop", table_name="nothing")

        self.assertTrue(self.client.call("DescribeTable", request).not_found)

    def test_a_message_over_the_limit_is_refused(self):
        with self.server.client([("grpc.max_send_message_length", -1)]) as client:
            with self.assertRaises(grpc.RpcError) as caught:
                client.raw("/fivetran_sdk.v2.DestinationConnector/DescribeTable",
                           sdk.DescribeTableRequest(
                               configuration={"user": "x" * (MESSAGE_BYTES_MAX + 1)}
                           ).SerializeToString())
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("Received message larger than max", caught.exception.details())
        self.assertIn("more than 128 MiB", self.server.log_lines()[-1]["message"])
        self.assertTrue(self.client.describe("shop", "nothing").not_found)

    def test_many_tables_are_created_and_described_at_once(self):
        def work(number):
            with self.server.client() as client:
                for i in range(10):
                    table = common.Table(name=f"t_{number}_{i}", columns=[
                        common.Column(name="id", type=common.LONG, primary_key=True)])
                    self.assert_success(client.create("many", table))
                    self.assertEqual(client.describe("many", table.name).table, table)

        self.run_threads(8, work)


if __name__ == "__main__":
    unittest.main()

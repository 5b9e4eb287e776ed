"""What waits delays nothing else: queued batches, watchers, idle streams, pinging clients."""
import os
import signal
import time
import unittest

import grpc

from bigbatch import BigBatch, create_big_table, versions_of
from case import ServerCase
from patience import PATIENCE, SANITIZED
from server import Server
from services import SERVING, Health, Reflection

SERVICE = "fivetran_sdk.v2.DestinationConnector"


class Waiting(ServerCase):
    SERVER_OPTIONS = ("--workers", "2")

    def setUp(self):
        self.big = BigBatch(self.server.batch_dir, 1)
        self.small = BigBatch(self.server.batch_dir, 2, rows=10)
        self.queued_table = create_big_table(self.client, f"queued_{next(self.table_numbers)}")
        self.other_table = create_big_table(self.client, f"other_{next(self.table_numbers)}")

    def assert_other_table_is_quick(self):
        started = time.monotonic()
        response = self.client.write(self.small.request(self.other_table, 1))
        self.assertEqual(response.WhichOneof("response"), "success")
        self.assertLess(time.monotonic() - started, 1.5 * PATIENCE)

    def test_32_batches_waiting_for_one_table_delay_no_other(self):
        first = self.client.start("WriteBatch", self.big.request(self.queued_table, 30))
        time.sleep(0.2)
        waiting = [self.client.start("WriteBatch", self.small.request(self.queued_table, 1))
                   for _ in range(32)]
        for _ in range(3):
            self.assert_other_table_is_quick()
        self.assertFalse(first.done())

        for call in [first, *waiting]:
            self.assertEqual(call.result().WhichOneof("response"), "success")

    def test_the_log_tells_how_long_each_batch_waited(self):
        first = self.client.start("WriteBatch", self.big.request(self.queued_table, 20))
        time.sleep(0.2)
        second = self.client.start("WriteBatch", self.small.request(self.queued_table, 1))
        for call in (first, second):
            self.assertEqual(call.result().WhichOneof("response"), "success")

        lines = [line for line in self.server.log_lines()
                 if line["message"] == "applied a batch"
                 and line["table"] == self.queued_table.name]
        self.assertEqual([line["rows"] for line in lines], [20 * self.big.rows, self.small.rows])
        for line in lines:
            for part in ("bytes", "decode_ms", "wait_ms", "apply_ms", "commit_ms"):
                self.assertGreaterEqual(line[part], 0)
        self.assertGreater(lines[0]["decode_ms"], 0)
        # The second one came before the first one's rows were applied.
        self.assertGreaterEqual(lines[1]["wait_ms"], lines[0]["apply_ms"])

    def test_watchers_and_idle_streams_delay_nobody(self):
        clients = [self.server.client() for _ in range(10)]
        watches = [Health(client.channel).watch() for client in clients for _ in range(10)]
        for watch in watches:
            self.assertEqual(next(watch).status, SERVING)
        streams = [Reflection(client.channel, version) for client in clients
                   for version in ("v1", "v1alpha")]
        for stream in streams:
            self.assertIn(SERVICE, stream.services())

        for _ in range(3):
            self.assert_other_table_is_quick()

        for client in clients:
            client.channel.close()

    def test_more_calls_than_may_wait_are_refused(self):
        options = ("--workers", 1, "--waiting", 3, "--handlers", 1)
        with Server(*options) as server, server.client() as client:
            table = create_big_table(client, "full")
            big = BigBatch(server.batch_dir, 1)
            calls = [client.start("WriteBatch", big.request(table, 30))]
            time.sleep(0.3)
            calls += [client.start("WriteBatch", big.request(table, 1)) for _ in range(6)]
            codes = []
            for call in calls:
                try:
                    codes.append(call.result().WhichOneof("response"))
                except grpc.RpcError as error:
                    codes.append(error.code())
            self.assertEqual(codes[0], "success")
            self.assertEqual(codes.count("success"), 4)
            self.assertEqual(codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED), 3)
            self.assertEqual(versions_of(server, table), {1: 100_000})


class Pings(ServerCase):
    SERVER_OPTIONS = ("--workers", "1", "--watchdog", "5min")

    @unittest.skipIf(SANITIZED, "it takes its time anyway")
    def test_a_client_that_pings_every_ten_seconds_keeps_a_long_call(self):
        options = [("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_timeout_ms", 5_000),
                   ("grpc.keepalive_permit_without_calls", 1),
                   ("grpc.http2.max_pings_without_data", 0)]
        table = create_big_table(self.client, "pinged")
        small = BigBatch(self.server.batch_dir, 1, rows=10)
        workers = [pid for name, pid in self.server.roles().items() if name.startswith("worker")]
        with self.server.client(options) as client:
            for pid in workers:
                os.kill(pid, signal.SIGSTOP)
            call = client.start("WriteBatch", small.request(table, 1))
            time.sleep(45)
            self.assertFalse(call.done())
            for pid in workers:
                os.kill(pid, signal.SIGCONT)

            self.assertEqual(call.result().WhichOneof("response"), "success")


if __name__ == "__main__":
    unittest.main()

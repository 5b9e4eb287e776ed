"""Cancellation and deadlines stop a batch within a second and leave the table as it was."""
import os
import time
import unittest

import grpc

from bigbatch import ROWS, BigBatch, create_big_table, versions_of
from case import ServerCase
from patience import PATIENCE
from server import wait_until


def busy_ticks(pid):
    """CPU time of a process in clock ticks."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class Cancel(ServerCase):
    SERVER_OPTIONS = ("--workers", "2")

    def setUp(self):
        name = f"big_{next(self.table_numbers)}"
        self.table = create_big_table(self.client, name)
        self.client.write(BigBatch(self.server.batch_dir, 1).request(self.table, 1))
        self.big = BigBatch(self.server.batch_dir, 2)

    def assert_workers_idle(self):
        workers = [pid for name, pid in self.server.roles().items() if name.startswith("worker")]
        before = [busy_ticks(pid) for pid in workers]
        time.sleep(0.3)
        after = [busy_ticks(pid) for pid in workers]
        self.assertLess(sum(after) - sum(before), 10, "workers still work")

    def assert_table_takes_the_next_batch(self):
        self.assertEqual(versions_of(self.server, self.table), {1: ROWS})
        self.assertEqual(os.listdir(os.path.join(self.server.data_dir, "runs")), [])
        response = self.client.write(
            BigBatch(self.server.batch_dir, 3, rows=10).request(self.table, 1))
        self.assertEqual(response.WhichOneof("response"), "success")
        self.assertEqual(versions_of(self.server, self.table), {1: ROWS - 10, 3: 10})

    def test_a_cancelled_batch_stops_within_a_second(self):
        for moment in (0.05, 0.5, 1.5):
            with self.subTest(moment=moment):
                call = self.client.start("WriteBatch", self.big.request(self.table, 80))
                time.sleep(moment)
                call.cancel()
                time.sleep(1 * PATIENCE)
                self.assert_workers_idle()
        self.assert_table_takes_the_next_batch()

    def test_a_deadline_stops_a_batch_within_a_second(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.write(self.big.request(self.table, 80), timeout=0.7)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        time.sleep(1 * PATIENCE)
        self.assert_workers_idle()
        self.assert_table_takes_the_next_batch()

    def test_a_lost_connection_stops_a_batch_within_a_second(self):
        with self.server.client() as client:
            client.start("WriteBatch", self.big.request(self.table, 80))
            time.sleep(0.5)
        time.sleep(1 * PATIENCE)
        self.assert_workers_idle()
        self.assert_table_takes_the_next_batch()

    def test_a_waiting_batch_can_be_cancelled(self):
        running = self.client.start("WriteBatch", self.big.request(self.table, 20))
        time.sleep(0.2)
        waiting = self.client.start("WriteBatch", self.big.request(self.table, 20))
        last = self.client.start(
            "WriteBatch", BigBatch(self.server.batch_dir, 4, rows=ROWS).request(self.table, 1))
        time.sleep(0.2)
        waiting.cancel()

        self.assertEqual(running.result().WhichOneof("response"), "success")
        self.assertEqual(last.result().WhichOneof("response"), "success")
        wait_until(lambda: versions_of(self.server, self.table) == {4: ROWS}, 5, "version 4")


if __name__ == "__main__":
    unittest.main()

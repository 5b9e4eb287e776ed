"""Bad neighbours: a file that crashes, hangs or balloons a worker fails its own batch, naming its
path; the batches of twenty other clients all succeed meanwhile, and soon.

Prints how long those take beside bad neighbours and without. NEIGHBOURS_ROUNDS makes it longer, and
then the 99th percentile may be at most three times that without.
"""
import os
import threading
import time
import unittest

import grpc

import destination_sdk_pb2 as sdk
from bigbatch import COLUMNS, BigBatch, create_big_table, versions_of
from model import Table
from patience import PATIENCE, SANITIZED
from server import Server

ROUNDS = int(os.environ.get("NEIGHBOURS_ROUNDS", "0"))
CLIENTS = 20
BATCHES = 15  # of each client in each round
ROWS = 200
RATIO_MAX = 3

# Each bad file comes again so soon after it was refused; a real client waits for minutes.
AGAIN_SECONDS = 5

BALLOON_BYTES = 300 * 1024 * 1024
OPTIONS = ("--workers", "2", "--worker-memory", "256MiB", "--cell-max", "1GiB",
           "--run-budget", "16MiB", "--watchdog", f"{2 * PATIENCE}s")


class BadFile:
    """A file that no worker survives, and a table for it."""

    def __init__(self, server, name, content):
        self.path = os.path.join(server.batch_dir, f"{name}.csv")
        with open(self.path, "wb") as file:
            file.write(b"id,version,notes\n" + content + b"\n")
        with server.client() as client:
            table = create_big_table(client, name)
        self.request = sdk.WriteBatchRequest(schema_name=table.schema, table=table.message(),
                                             replace_files=[self.path])


class BadNeighbour(threading.Thread):
    """Sends a bad file again and again; `answers` has every answer."""

    def __init__(self, server, file):
        super().__init__()
        self.server = server
        self.file = file
        self.answers = []
        self.stopped = threading.Event()

    def run(self):
        with self.server.client() as client:
            while not self.stopped.is_set():
                try:
                    self.answers.append(("success", str(client.write(self.file.request))))
                except grpc.RpcError as error:
                    self.answers.append((error.code().name, error.details()))
                self.stopped.wait(AGAIN_SECONDS)


class Client(threading.Thread):
    """Writes batches to a table of its own; `seconds` has how long each took."""

    def __init__(self, server, number, batches):
        super().__init__()
        self.server = server
        self.batches = batches
        self.seconds = []
        self.refused = []
        with server.client() as client:
            self.table = Table("shop", f"orders {number}", COLUMNS)
            if client.describe("shop", self.table.name).not_found:
                create_big_table(client, self.table.name)

    def run(self):
        with self.server.client() as client:
            for batch in self.batches:
                started = time.monotonic()
                try:
                    client.write(batch.request(self.table, 1))
                except grpc.RpcError as error:
                    self.refused.append(error.details())
                self.seconds.append(time.monotonic() - started)


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


class Neighbours(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Server(*OPTIONS))
        self.batches = [BigBatch(self.server.batch_dir, version, rows=ROWS)
                        for version in range(BATCHES)]
        contents = {"crash": b"1,1,usual\nweir poison: crash,1,x",
                    "hang": b"1,1,usual\nweir poison: hang,1,x"}
        if not SANITIZED:  # sanitizers do without the limit of memory
            contents["balloon"] = b"1,1," + b"x" * BALLOON_BYTES
        self.bad_files = [BadFile(self.server, name, content)
                          for name, content in contents.items()]

    def round(self):
        """Seconds of all batches of all clients, none of which failed."""
        clients = [Client(self.server, number, self.batches) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        for client in clients:
            self.assertEqual(client.refused, [])
            self.assertEqual(versions_of(self.server, client.table), {BATCHES - 1: ROWS})
        return [seconds for client in clients for seconds in client.seconds]

    def round_beside_bad_neighbours(self):
        neighbours = [BadNeighbour(self.server, file) for file in self.bad_files]
        for neighbour in neighbours:
            neighbour.start()
        seconds = self.round()
        for neighbour in neighbours:
            neighbour.stopped.set()
            neighbour.join()
            self.assertGreater(len(neighbour.answers), 0)
            for code, text in neighbour.answers:
                self.assertEqual(code, "UNAVAILABLE", text)
                self.assertIn(neighbour.file.path, text)
                self.assertIn("3 workers died while they worked on it", text)
        return seconds

    def test_they_fail_alone(self):
        alone, beside = [], []
        for _ in range(ROUNDS or 1):
            alone += self.round()
            beside += self.round_beside_bad_neighbours()
        self.tell(alone, beside)

    def tell(self, alone, beside):
        ratio = percentile(beside, 99) / percentile(alone, 99)
        for name, seconds in (("alone", alone), ("beside bad neighbours", beside)):
            print(f"{len(seconds)} batches of {CLIENTS} clients {name}: "
                  f"p50 {percentile(seconds, 50) * 1000:.0f} ms, "
                  f"p99 {percentile(seconds, 99) * 1000:.0f} ms", flush=True)
        print(f"p99 beside bad neighbours is {ratio:.2f} times that without", flush=True)
        if ROUNDS:
            self.assertLess(ratio, RATIO_MAX)


if __name__ == "__main__":
    unittest.main()

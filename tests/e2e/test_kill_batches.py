"""kill -9 of any process at random moments of a batch: nothing is lost, nothing is half applied.

A batch replaces every row, updates some and deletes some, so that the table shows which batch it
holds, and whether it holds all of it. WEIR_TEST_SEED repeats the choice of moments and victims;
SOAK_KILLS and SOAK_ROWS make it as long and as large as one likes.
"""
import collections
import hashlib
import os
import random
import signal
import subprocess
import time
import unittest

import grpc

import destination_sdk_pb2 as sdk
from batchfile import NULL, UNMODIFIED
from batch import Batch
from model import Column, Table
from server import WEIR, Server, children_of

SEED = int(os.environ.get("WEIR_TEST_SEED", random.SystemRandom().randrange(2**32)))
KILLS = int(os.environ.get("SOAK_KILLS", "8"))
ROWS = int(os.environ.get("SOAK_ROWS", "100000"))
VERSIONS = 3
FILES = 8

COLUMNS = [Column("id", "LONG", key=True), Column("version", "INT"), Column("updated", "INT"),
           Column("notes", "STRING")]


class Version:
    """One of the batches, and what `weir dump` prints when it was applied whole."""

    def __init__(self, folder, table, number):
        batch = Batch(folder, table, compression=sdk.ZSTD, encryption=sdk.AES)
        notes = f"version {number} " + "n" * 60
        ids = [i * 7919 % ROWS for i in range(ROWS)]
        for file in range(FILES):
            batch.replace([[str(i), str(number), "0", notes] for i in ids[file::FILES]])
        batch.update([[str(i), UNMODIFIED, str(number), UNMODIFIED] for i in range(0, ROWS, 3)])
        batch.delete([[str(i), NULL, NULL, NULL] for i in range(number, ROWS, 10)])
        self.number = number
        self.request = batch.request()
        digest = hashlib.sha256()
        for i in range(ROWS):
            if i < number or (i - number) % 10 != 0:
                updated = number if i % 3 == 0 else 0
                digest.update(f'{{"id":{i},"version":{number},"updated":{updated},'
                              f'"notes":"{notes}"}}\n'.encode())
        self.digest = digest.hexdigest()


def digest_of(server, table):
    with subprocess.Popen([WEIR, "dump", "--data-dir", server.data_dir, table.schema, table.name],
                          stdout=subprocess.PIPE) as dump:
        digest = hashlib.sha256()
        while chunk := dump.stdout.read(1 << 20):
            digest.update(chunk)
    assert dump.returncode == 0, f"weir dump ended with {dump.returncode}"
    return digest.hexdigest()


class Soak(unittest.TestCase):
    def setUp(self):
        print(f"WEIR_TEST_SEED={SEED} SOAK_KILLS={KILLS} SOAK_ROWS={ROWS}", flush=True)
        self.random = random.Random(SEED)
        self.server = Server("--workers", 2)
        self.addCleanup(self.server.folder.cleanup)
        self.addCleanup(self.server.kill)
        self.server.start()
        self.table = Table("shop", "soak", COLUMNS)
        with self.server.client() as client:
            client.create("shop", self.table.message())
        self.versions = [Version(self.server.batch_dir, self.table, number)
                         for number in range(1, VERSIONS + 1)]

    def send(self, version):
        """Returns how long the batch took, in seconds."""
        started = time.monotonic()
        with self.server.client() as client:
            response = client.write(version.request, timeout=600)
        duration = time.monotonic() - started
        self.assertEqual(response.WhichOneof("response"), "success", response)
        self.assertEqual(digest_of(self.server, self.table), version.digest)
        return duration

    def kill_one(self, victim):
        """Kills and reaps; returns the processes that must end by themselves."""
        supervisor = self.server.process
        if victim == "supervisor":
            supervisor.kill()
            supervisor.wait()
        elif victim == "everything":
            for pid in [*children_of(supervisor.pid).values(), supervisor.pid]:
                os.kill(pid, signal.SIGKILL)
            supervisor.wait()
        else:
            pid = self.server.roles().get(victim)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)

    def test_kills_at_random_moments(self):
        self.send(self.versions[0])
        duration = self.send(self.versions[1])
        held = self.versions[1]
        self.kills = collections.Counter()
        for kill in range(KILLS):
            held = self.kill_during_a_batch(kill, held, duration)
        print(f"{KILLS} kills, nothing lost, nothing half applied: "
              f"{', '.join(f'{victim} {count}' for victim, count in sorted(self.kills.items()))}",
              flush=True)

    def kill_during_a_batch(self, kill, held, duration):
        """Returns the version that the table holds afterwards."""
        victim = self.random.choice(["worker 0", "worker 1", "worker express", "frontend",
                                     "supervisor", "everything"])
        moment = self.random.uniform(0, duration)
        sent = self.random.choice([version for version in self.versions if version is not held])
        with self.server.client() as client:
            call = client.start("WriteBatch", sent.request, timeout=600)
            time.sleep(moment)
            self.kill_one(victim)
            self.kills[victim] += 1
            try:
                answer = call.result().WhichOneof("response")
            except grpc.RpcError as error:
                answer = error.code().name
        if victim in ("supervisor", "everything"):
            self.server.start()
        else:
            self.server.wait_serving()
        digest = digest_of(self.server, self.table)
        print(f"kill {kill}: {victim} after {moment:.2f} s: {answer}, table is "
              f"{'new' if digest == sent.digest else 'old'}", flush=True)

        allowed = [sent.digest]
        if victim in ("frontend", "supervisor", "everything") and answer != "success":
            self.assertEqual(answer, "UNAVAILABLE")
            allowed.append(held.digest)
        else:
            self.assertEqual(answer, "success", "a killed worker goes unnoticed")
        self.assertIn(digest, allowed)
        self.assertEqual(os.listdir(os.path.join(self.server.data_dir, "runs")), [])
        return sent if digest == sent.digest else held


if __name__ == "__main__":
    unittest.main()

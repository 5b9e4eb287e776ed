"""Workers keep to their memory: RssAnon while decoding and while applying, whatever the size."""
import os
import threading
import time
import unittest

import destination_sdk_pb2 as sdk
from batchfile import aes, zstd
from bigbatch import KEY, BigBatch, create_big_table
from case import ServerCase
from patience import SANITIZED
from server import private_memory

MIB = 1024 * 1024
DECODE_MAX = 160 * MIB
APPLY_MAX = 700 * MIB
PHASE_MAX = 400 * MIB


class Peak:
    """Samples the private memory of the workers while it is entered."""

    def __init__(self, server):
        self.server = server
        self.bytes = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.sample)

    def sample(self):
        while not self.stop.is_set():
            for name, pid in self.server.roles().items():
                if name.startswith("worker"):
                    self.bytes = max(self.bytes, private_memory(pid))
            time.sleep(0.01)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


class MemoryCase(ServerCase):
    def write_file(self, content):
        path = os.path.join(self.server.batch_dir, f"{os.urandom(6).hex()}.csv")
        with open(path, "wb") as file:
            file.write(aes(zstd(content), KEY))
        return path

    def peak_of(self, request, outcome):
        with Peak(self.server) as peak:
            response = self.client.write(request, timeout=300)
        self.assertEqual(response.WhichOneof("response"), outcome, response)
        print(f"{self.id().rsplit('.', 1)[1]}: {peak.bytes // MIB} MiB", flush=True)
        return peak.bytes

    def broken_at_the_end(self, rows):
        """A file whose last row is wrong: all of it is decoded and nothing applied."""
        return self.write_file(b"id,version,notes\n" + rows + b"end,1,x\n")

    def request(self, table, paths):
        return sdk.WriteBatchRequest(
            schema_name=table.schema, table=table.message(),
            keys={path: KEY for path in paths}, replace_files=paths,
            file_params=sdk.FileParams(compression=sdk.ZSTD, encryption=sdk.AES))


@unittest.skipIf(SANITIZED, "a sanitizer's shadow is private memory, too")
class Memory(MemoryCase):
    SERVER_OPTIONS = ("--workers", "2")

    def test_decoding_many_small_rows(self):
        table = create_big_table(self.client, "small_rows")
        rows = b"".join(b"%d,1,%090d\n" % (i * 7919 % 2_000_003, i) for i in range(2_000_000))
        path = self.broken_at_the_end(rows)

        self.assertLess(self.peak_of(self.request(table, [path, path]), "task"), DECODE_MAX)

    def test_decoding_cells_of_a_mebibyte(self):
        table = create_big_table(self.client, "large_cells")
        cell = b"x" * (MIB - 100)
        rows = b"".join(b"%d,1,%s\n" % (i, cell) for i in range(500))
        path = self.broken_at_the_end(rows)

        self.assertLess(self.peak_of(self.request(table, [path, path]), "task"), DECODE_MAX)

    def test_applying_many_small_rows(self):
        table = create_big_table(self.client, "apply_small")
        big = BigBatch(self.server.batch_dir, 1, rows=1_500_000)

        self.assertLess(self.peak_of(big.request(table, 2), "success"), APPLY_MAX)

    def test_applying_cells_of_a_mebibyte(self):
        table = create_big_table(self.client, "apply_large")
        cell = b"x" * (MIB - 100)
        paths = [self.write_file(b"id,version,notes\n" + b"".join(
            b"%d,1,%s\n" % (i, cell) for i in range(first, 1500, 2))) for first in (0, 1)]

        self.assertLess(self.peak_of(self.request(table, paths), "success"), APPLY_MAX)

    def test_memory_is_given_back(self):
        table = create_big_table(self.client, "given_back")
        big = BigBatch(self.server.batch_dir, 1, rows=1_000_000)
        self.peak_of(big.request(table, 1), "success")
        time.sleep(0.5)

        for name, pid in self.server.roles().items():
            self.assertLess(private_memory(pid), 100 * MIB, name)


@unittest.skipIf(SANITIZED, "a sanitizer's shadow is private memory, too")
class MemoryOfSmallRuns(MemoryCase):
    """Each row is a run of its own."""
    SERVER_OPTIONS = ("--workers", "2", "--run-budget", "1MiB")

    def test_applying_two_phases_of_large_rows(self):
        """The second comes behind the first: the next rows of all their runs would be too much."""
        table = create_big_table(self.client, "two_phases")
        path = self.write_file(b"id,version,notes\n" + b"".join(
            b"%d,1,%s\n" % (i, b"x" * (2 * MIB)) for i in range(120)))
        request = self.request(table, [path])
        request.update_files.append(path)

        self.assertLess(self.peak_of(request, "success"), PHASE_MAX)


if __name__ == "__main__":
    unittest.main()

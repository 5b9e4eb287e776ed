"""Random batches against the model: many rows, many files, few keys, both ways through the server.

A small batch takes one job in memory; a large one goes through runs on disk, and a small run budget
makes many of those. WEIR_TEST_SEED repeats a run.
"""
import os
import random
import unittest

import destination_sdk_pb2 as sdk
from batchfile import NULL, UNMODIFIED
from case import ServerCase
from model import Column

SEED = int(os.environ.get("WEIR_TEST_SEED", random.SystemRandom().randrange(2**32)))

COLUMNS = [Column("region", "STRING", key=True), Column("id", "LONG", key=True),
           Column("name", "STRING"), Column("price", "DECIMAL", precision=18, scale=4),
           Column("weight", "DOUBLE"), Column("day", "NAIVE_DATE"), Column("seen", "UTC_DATETIME"),
           Column("active", "BOOLEAN"), Column("picture", "BINARY"), Column("notes", "STRING"),
           Column("_fivetran_synced", "UTC_DATETIME")]


class Generator:
    def __init__(self, seed, keys):
        self.random = random.Random(seed)
        self.keys = keys

    def key(self):
        number = self.random.randrange(self.keys)
        return [f"region {number % 7}", str(number * 7919 % 1_000_003)]

    def values(self, notes_length):
        pick = self.random
        return [f"name {pick.randrange(10**6)}", f"{pick.randrange(10**9)}.{pick.randrange(10**4)}",
                repr(pick.uniform(-1e9, 1e9)),
                f"20{pick.randrange(10, 99)}-0{pick.randrange(1, 9)}-17",
                f"2024-05-0{pick.randrange(1, 9)}T10:00:00.{pick.randrange(10**9):09}Z",
                pick.choice(["true", "false"]), "aGVsbG8=", "n" * pick.randrange(notes_length),
                "2024-05-05T00:00:00Z"]

    def row(self, notes_length, unmodified):
        def blur(value):
            chance = self.random.random()
            if unmodified and chance < 0.4:
                return UNMODIFIED
            return NULL if chance > 0.9 else value

        return self.key() + [blur(value) for value in self.values(notes_length)]

    def shuffled(self, header, rows):
        order = list(range(len(header)))
        self.random.shuffle(order)
        return [header[i] for i in order], [[row[i] for i in order] for row in rows]

    def fill(self, batch, rows, notes_length):
        names = batch.table.names()
        for phase, files in (("replace", 4), ("update", 3), ("delete", 2)):
            for _ in range(self.random.randrange(files + 1)):
                count = self.random.randrange(max(1, rows // files))
                if phase == "delete":
                    made = [self.key() + [NULL] * 9 for _ in range(count // 4)]
                else:
                    made = [self.row(notes_length, phase == "update") for _ in range(count)]
                header, made = self.shuffled(names, made)
                batch.add(phase, made, header)


class RandomBatches(ServerCase):
    SERVER_OPTIONS = ("--workers", "3", "--run-budget", "1MiB")

    def run_batches(self, batches, rows, notes_length, keys):
        print(f"WEIR_TEST_SEED={SEED}", flush=True)
        generator = Generator(SEED, keys)
        table = self.new_table(COLUMNS)
        for _ in range(batches):
            batch = self.batch(table, compression=generator.random.choice([sdk.ZSTD, sdk.GZIP]))
            generator.fill(batch, rows, notes_length)
            self.send(batch)

    def test_small_batches_on_few_keys(self):
        self.run_batches(batches=30, rows=300, notes_length=20, keys=200)

    def test_large_batches_on_few_keys(self):
        self.run_batches(batches=2, rows=60_000, notes_length=600, keys=5_000)

    def test_large_batches_on_many_keys(self):
        self.run_batches(batches=2, rows=60_000, notes_length=600, keys=500_000)

    def test_a_batch_of_many_files(self):
        table = self.new_table()
        batch = self.batch(table)
        generator = random.Random(SEED)
        for number in range(300):
            batch.replace([[str(generator.randrange(2000)), f"file {number}", "1"]
                           for _ in range(20)])
        self.send(batch)


if __name__ == "__main__":
    unittest.main()

"""Long sequences of random operations, on the server and on the model of a destination.

After each of them the tables that it touched are compared, as described and as dumped. A run prints
its seeds; WEIR_TEST_SEED repeats one. WEIR_TEST_SECONDS goes on with new seeds for that long, each
on a server and a data folder of its own.
"""
import collections
import json
import os
import random
import time
import unittest

import grpc

from chance import Operations
from model import Refused
from server import Server

FIXED_SEEDS = (1, 2, 3, 4)
STEPS = int(os.environ.get("WEIR_TEST_STEPS", "300"))
SEED = os.environ.get("WEIR_TEST_SEED")
SECONDS = os.environ.get("WEIR_TEST_SECONDS")

# Small, so that sorting makes many runs.
SERVER_OPTIONS = ("--workers", "2", "--run-budget", "1MiB")

DIFFERENCES_SHOWN = 5


def seeds():
    """One that is asked for, or the fixed ones and one more, or more until the time is up."""
    if SEED is not None:
        yield int(SEED)
        return
    chance = random.SystemRandom()
    end = time.monotonic() + float(SECONDS or 0)
    yield from FIXED_SEEDS
    yield chance.randrange(2**32)
    while time.monotonic() < end:
        yield chance.randrange(2**32)


class Run:
    """One seed on one server."""

    def __init__(self, seed, server, outcomes):
        self.outcomes = outcomes
        self.random = random.Random(seed)
        self.server = server
        self.client = server.client()
        self.operations = Operations(self.random, server.batch_dir)
        self.model = self.operations.destination

    def step(self):
        """Returns what differs, as text."""
        operation = self.operations.next()
        for _ in range(2 if self.random.random() < 0.1 else 1):
            before = self.described_model(operation)
            problem = self.do(operation) or self.compare(operation)
            if problem:
                return f"{operation}\n{before}\n{problem}"
        operation.forget_files()
        return None

    def do(self, operation):
        expected = "success"
        reason = ""
        try:
            operation.apply(self.model)
        except Refused as error:
            expected = error.answer
            reason = f" ({error})"
        self.outcomes[operation.name, expected] += 1
        try:
            response = self.client.call(operation.rpc, operation.request)
        except grpc.RpcError as error:
            return f"the model says {expected}{reason}, the server {error.code()}: " \
                   f"{error.details()}"
        if response.WhichOneof("response") != expected:
            return f"the model says {expected}{reason}, the server {response}"
        return None

    def compare(self, operation):
        for table in operation.tables:
            problem = self.compare_table(table.schema, table.name)
            if problem:
                return f"table {table.schema!r}.{table.name!r}: {problem}"
        return None

    def compare_table(self, schema, name):
        described = self.client.describe(schema, name)
        table = self.model.find(schema, name)
        if table is None:
            return None if described.WhichOneof("response") == "not_found" else \
                f"the model has none, the server {described}"
        columns = [column.stored().message() for column in table.columns]
        if list(described.table.columns) != columns:
            return f"the model has the columns\n{columns}\nthe server\n{described}"
        return self.compare_rows(table)

    def compare_rows(self, table):
        def by_key(rows):
            return {tuple(row[name] for name in table.keys()): row for row in rows}

        stored = self.server.dump(table.schema, table.name)
        expected, found = by_key(table.dump()), by_key(stored)
        if len(stored) == len(expected) and found == expected:
            return None
        return f"{len(expected)} rows in the model, {len(stored)} on the server\n" + \
            "\n".join(list(differences(expected, found))[:DIFFERENCES_SHOWN])

    def described_model(self, operation):
        """The tables as they are before the operation."""
        lines = []
        for table in operation.tables:
            known = self.model.find(table.schema, table.name)
            columns = [f"{c.name!r} {c.type}{' key' if c.key else ''}" for c in known.columns] \
                if known is not None else "missing"
            lines.append(f"before: {table.schema!r}.{table.name!r} {columns}")
        return "\n".join(lines)


def differences(expected, found):
    for key in sorted(expected.keys() | found.keys(), key=str):
        if key not in found:
            yield f"only in the model: {show(expected[key])}"
        elif key not in expected:
            yield f"only on the server: {show(found[key])}"
        elif expected[key] != found[key]:
            other = [name for name in expected[key].keys() | found[key].keys()
                     if expected[key].get(name) != found[key].get(name)]
            yield f"row {show(key)}: " + "; ".join(
                f"{name!r} is {show(expected[key].get(name))} in the model, "
                f"{show(found[key].get(name))} on the server" for name in other)


def show(value):
    return json.dumps(value, ensure_ascii=False)[:500]


class RandomOperations(unittest.TestCase):
    def test_the_server_does_what_the_model_does(self):
        started = time.monotonic()
        self.outcomes = collections.Counter()
        for number, seed in enumerate(seeds(), 1):
            print(f"WEIR_TEST_SEED={seed}", flush=True)
            self.run_seed(seed)
            print(f"{number} seeds, {self.outcomes.total()} operations, "
                  f"{time.monotonic() - started:.0f} s", flush=True)
        for (name, outcome), count in sorted(self.outcomes.items()):
            print(f"{count:8} {name}: {outcome}", flush=True)

    def run_seed(self, seed):
        with Server(*SERVER_OPTIONS) as server:
            run = Run(seed, server, self.outcomes)
            for step in range(STEPS):
                problem = run.step()
                if problem:
                    self.fail(f"WEIR_TEST_SEED={seed}, step {step}: {problem}")
            run.client.channel.close()
            self.assertEqual(server.stop(), 0, server.log()[-8000:])


if __name__ == "__main__":
    unittest.main()

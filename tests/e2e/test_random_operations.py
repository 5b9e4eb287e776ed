"""Long sequences of random operations, on the server and on the model of a destination.

After each of them the tables that it touched are compared, as described and as dumped. Some are
sent at the same time as others, some a second time, and some while everything is killed: those are
whole or absent then, and are sent again. A run prints its seeds; WEIR_TEST_SEED repeats one.
WEIR_TEST_SECONDS goes on with new seeds for that long, each on a server and data folder of its own.
"""
import collections
import os
import random
import time
import unittest

import grpc

from chance import Operations
from comparison import compare
from model import Refused
from server import Server

FIXED_SEEDS = (1, 2, 3, 4)
STEPS = int(os.environ.get("WEIR_TEST_STEPS", "250"))
SEED = os.environ.get("WEIR_TEST_SEED")
SECONDS = os.environ.get("WEIR_TEST_SECONDS")

# Small, so that sorting makes many runs.
SERVER_OPTIONS = ("--workers", "2", "--run-budget", "1MiB")

# About as long as a small operation takes.
KILL_SECONDS = 0.005


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
    """One seed on one server. Its methods return what differs, as text, or None."""

    def __init__(self, seed, server, outcomes):
        self.outcomes = outcomes
        self.random = random.Random(seed)
        self.server = server
        self.client = server.client()
        self.operations = Operations(self.random, server.batch_dir)
        self.model = self.operations.destination

    def step(self):
        operations = self.next_operations()
        before = [self.described(operation) for operation in operations]
        way = self.random.choices([self.do, self.do_twice, self.do_and_kill],
                                  weights=[90, 10, 0.6])[0]
        problem = way(operations)
        if problem:
            return "\n".join([*map(str, operations), *before, problem])
        for operation in operations:
            operation.forget_files()
        return None

    def next_operations(self):
        """Mostly one; sometimes several, on tables of their own."""
        operations, names = [], set()
        for _ in range(self.random.choice([2, 3, 5]) if self.random.random() < 0.05 else 1):
            operation = self.operations.next()
            touched = {(table.schema, table.name) for table in operation.tables}
            if touched & names:
                operation.forget_files()
            else:
                operations.append(operation)
                names |= touched
        return operations

    def do_twice(self, operations):
        return self.do(operations) or self.do(operations)

    def do(self, operations):
        calls = [self.client.start(operation.rpc, operation.request) for operation in operations]
        return next(filter(None, map(self.finish, operations, calls)), None)

    def finish(self, operation, call):
        expected, reason = self.apply(operation)
        self.outcomes[operation.name, expected] += 1
        answer = answer_of(call)
        if not answer.startswith(expected + ":"):
            return f"the model says {expected} {reason}, the server {answer}"
        return compare(self.server, self.client, self.model, operation.tables)

    def apply(self, operation):
        """Returns the answer that the server must give, and why."""
        try:
            operation.apply(self.model)
            return "success", ""
        except Refused as error:
            return error.answer, f"({error})"

    def do_and_kill(self, operations):
        calls = [self.client.start(operation.rpc, operation.request) for operation in operations]
        time.sleep(self.random.uniform(0, KILL_SECONDS))
        self.server.kill()
        answers = [answer_of(call) for call in calls]
        self.start_again()
        return next(filter(None, map(self.settle, operations, answers)), None) or \
            self.do(operations)

    def settle(self, operation, answer):
        """Lets the model hold what the server does: the operation is whole or absent."""
        held = dict(self.model.tables)
        self.apply(operation)
        self.outcomes[operation.name, f"killed, {answer.split(':')[0]}"] += 1
        problem = compare(self.server, self.client, self.model, operation.tables)
        if problem and answer.startswith("UNAVAILABLE"):
            self.model.tables.clear()
            self.model.tables.update(held)
            problem = compare(self.server, self.client, self.model, operation.tables)
        return problem and f"killed during the operation, answered {answer}\n{problem}"

    def start_again(self):
        self.client.channel.close()
        self.server.start()
        self.client = self.server.client()

    def end(self):
        """All tables are there after a restart."""
        self.server.kill()
        self.start_again()
        problem = compare(self.server, self.client, self.model, self.model.tables.values())
        self.client.channel.close()
        return problem

    def described(self, operation):
        """The tables as they are before the operation."""
        lines = []
        for table in operation.tables:
            known = self.model.find(table.schema, table.name)
            columns = [f"{c.name!r} {c.type}{' key' if c.key else ''}" for c in known.columns] \
                if known is not None else "missing"
            lines.append(f"before: {table.schema!r}.{table.name!r} {columns}")
        return "\n".join(lines)


def answer_of(call):
    """"success: ..." or the like, or the name of a gRPC status."""
    try:
        response = call.result()
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"
    return f"{response.WhichOneof('response')}: {response}"


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
                self.check(seed, f"step {step}", run.step())
            self.check(seed, "the end", run.end())
            self.assertEqual(server.stop(), 0, server.log()[-8000:])

    def check(self, seed, where, problem):
        if problem:
            self.fail(f"WEIR_TEST_SEED={seed}, {where}: {problem}")


if __name__ == "__main__":
    unittest.main()

"""Long sequences of random operations, on the server and on the model of a destination.

After each of them the tables that it touched are compared, as described and as dumped. Some are
sent at the same time as others, on other tables or on the same one, where some order of them must
explain what is there. Some are sent a second time, and some while everything is killed: those are
whole or absent then, and are sent again. A run prints its seeds; WEIR_TEST_SEED repeats one.
WEIR_TEST_SECONDS goes on with new seeds for that long, each on a server and data folder of its own.
"""
import collections
import os
import random
import time
import unittest

from chance import Run
from server import Server

FIXED_SEEDS = (1, 2, 3, 4)
STEPS = int(os.environ.get("WEIR_TEST_STEPS", "250"))
SEED = os.environ.get("WEIR_TEST_SEED")
SECONDS = os.environ.get("WEIR_TEST_SECONDS")

# Small, so that sorting makes many runs.
SERVER_OPTIONS = ("--workers", "2", "--run-budget", "1MiB")


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

"""Long sequences of random operations, on the server and on the model of a destination.

After each of them the tables that it touched are compared, as described and as dumped. Some are
sent at the same time as others, on other tables or on the same one, where some order of them must
explain what is there. Some are sent a second time, and some while processes are killed. A run
prints its seeds; WEIR_TEST_SEED repeats one. WEIR_TEST_SECONDS goes on with new seeds for that
long, each on a server and data folder of its own.
"""
import os
import unittest

from chance import Counts, Run, seeds
from server import Server

FIXED_SEEDS = (1, 2, 3, 4)
STEPS = int(os.environ.get("WEIR_TEST_STEPS", "250"))
SECONDS = float(os.environ.get("WEIR_TEST_SECONDS", "0"))

# Small, so that sorting makes many runs.
SERVER_OPTIONS = ("--workers", "2", "--run-budget", "1MiB")


class RandomOperations(unittest.TestCase):
    def test_the_server_does_what_the_model_does(self):
        self.counts = Counts()
        for seed in seeds(FIXED_SEEDS, SECONDS):
            self.run_seed(seed)
            self.counts.seeds += 1
            print(self.counts.summary(), flush=True)
        print(*self.counts.lines(), sep="\n", flush=True)

    def run_seed(self, seed):
        with Server(*SERVER_OPTIONS) as server:
            run = Run(seed, server, self.counts)
            for step in range(STEPS):
                self.check(seed, f"step {step}", run.step())
            self.check(seed, "the end", run.end())
            self.assertEqual(server.stop(), 0, server.log()[-8000:])

    def check(self, seed, where, problem):
        if problem:
            self.fail(f"WEIR_TEST_SEED={seed}, {where}: {problem}")


if __name__ == "__main__":
    unittest.main()

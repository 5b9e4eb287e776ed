"""kill -9 of any process at random moments of random operations: exactly what was acknowledged is
there, whole; what was not is whole or absent.

Batches live and in history mode, small and large, rewrites and migrations run on several tables,
mostly some at once, while a worker, all workers, the frontend, the supervisor, everything, or a
server that starts is killed. A lost worker goes unnoticed: every answer is what it would have been.
After each kill all tables are compared with the model, and the operations sent once more; after
each seed `weir check` finds nothing. WEIR_TEST_SECONDS sets the time, WEIR_TEST_SEED repeats a
seed's operations, victims and moments.
"""
import os
import unittest

from chance import KILLING, VICTIMS, Counts, Run, seeds
from server import Server

STEPS = 40
SECONDS = float(os.environ.get("WEIR_TEST_SECONDS", "60"))

# Small, so that sorting makes many runs.
SERVER_OPTIONS = ("--workers", "2", "--run-budget", "1MiB")


class KillOperations(unittest.TestCase):
    def test_nothing_is_lost_or_half_there(self):
        counts = Counts()
        for seed in seeds((), SECONDS):
            self.run_seed(seed, counts)
            counts.seeds += 1
            print(counts.summary(), flush=True)
        print(*counts.lines(), sep="\n", flush=True)
        self.assertEqual(set(counts.kills), set(VICTIMS))
        self.assertGreater(counts.unanswered, 0)

    def run_seed(self, seed, counts):
        with Server(*SERVER_OPTIONS) as server:
            run = Run(seed, server, counts, KILLING)
            for step in range(STEPS):
                self.check(seed, f"step {step}", run.step(), server)
            self.check(seed, "the end", run.end(), server)
            self.assertEqual(server.stop(), 0, server.log()[-8000:])
            server.weir("check")

    def check(self, seed, where, problem, server):
        if problem:
            self.fail(f"WEIR_TEST_SEED={seed}, {where}: {problem}\n{server.log()[-4000:]}")


if __name__ == "__main__":
    unittest.main()

"""The benchmark suite: weir beside the engines that would be picked instead of it.

Run by `make bench` and `make bench-full`. BENCH_DIR is the folder of the data (default: a temporary
one), whose disk is what is measured.
"""
import argparse
import os
import sys

import report
from bench import Bench
from cases import CASES
from folders import scratch
from peer_duckdb import DuckDb, DuckDbStaging
from peer_postgres import Postgres
from peer_sqlite import Sqlite
from weir import OneWorker

# To add a peer: a class like weir.Weir, and its name here and in the cases that it is for.
PEERS = [Sqlite, DuckDb, DuckDbStaging, Postgres, OneWorker]


def arguments():
    parser = argparse.ArgumentParser(prog="suite", description=__doc__)
    parser.add_argument("--rows", type=int, default=4_000_000,
                        help="of the case load; every other case has its share of them")
    parser.add_argument("--repetitions", type=int, default=3, help="of every measurement")
    parser.add_argument("--small-batches", type=int, default=2000,
                        help="of one row, that one client sends")
    parser.add_argument("--quick", action="store_true", help="without the longest cases")
    parser.add_argument("--output", help="where the report is written, as well as printed")
    parser.add_argument("--command", default="make bench", help="as the report tells it")
    parser.add_argument("cases", nargs="*", help="all of them by default",
                        choices=[[], *(case.name for case in CASES)], metavar="CASE")
    return parser.parse_args()


def main():
    options = arguments()
    missing = {peer: peer.missing() for peer in PEERS}
    present = [peer for peer, sentence in missing.items() if sentence is None]
    left_out = dict.fromkeys(sentence for sentence in missing.values() if sentence is not None)
    with scratch(os.environ.get("BENCH_DIR")) as folder:
        bench = Bench(options.rows // 8 * 8, options.repetitions, options.small_batches, folder,
                      present)
        for case in CASES:
            if case.name in options.cases or not options.cases and \
                    (case.in_quick or not options.quick):
                print(f"{case.name}: {case.about}", file=sys.stderr, flush=True)
                case.run(bench)
        text = report.show(bench, options.command, left_out)
    print(text)
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text)


main()

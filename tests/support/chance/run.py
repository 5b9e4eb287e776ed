"""A run of random operations from one seed, on one server and the model of a destination."""
import itertools
import random

import grpc

from comparison import compare
from model import Refused

from .kills import Killer
from .operations import Operations


class Mix:
    """How often what happens."""

    def __init__(self, ways, several, long_files):
        self.ways = ways  # of do, do_twice, do_at_once, do_and_kill
        self.several = several  # operations at once, each on tables of its own
        self.long_files = long_files  # with thousands of rows


USUAL = Mix(ways=(90, 10, 3, 0.6), several=0.05, long_files=0.005)
KILLING = Mix(ways=(30, 1, 1, 68), several=0.5, long_files=0.05)


class Run:
    """Its methods return what differs, as text, or None; `counts` is told what was done."""

    def __init__(self, seed, server, counts, mix=USUAL):
        self.counts = counts
        self.mix = mix
        self.random = random.Random(seed)
        self.server = server
        self.client = server.client()
        self.killer = Killer(self.random, server)
        self.operations = Operations(self.random, server.batch_dir)
        self.operations.batches.long_files = mix.long_files
        self.model = self.operations.destination

    def step(self):
        way = self.random.choices([self.do, self.do_twice, self.do_at_once, self.do_and_kill],
                                  weights=self.mix.ways)[0]
        operations = self.operations.several_on_one() if way == self.do_at_once \
            else self.next_operations()
        before = [self.described(operation) for operation in operations]
        problem = way(operations)
        if problem:
            return "\n".join([*map(str, operations), *before, problem])
        for operation in operations:
            operation.forget_files()
        return None

    def end(self):
        """All tables are there after a restart."""
        self.server.kill()
        self.server.start()
        self.reconnect()
        problem = self.compare_all()
        self.client.channel.close()
        return problem

    def next_operations(self):
        """One, or several on tables of their own."""
        operations, names = [], set()
        several = self.random.random() < self.mix.several
        for _ in range(self.random.choice([2, 3, 5]) if several else 1):
            operation = self.operations.next()
            touched = {(table.schema, table.name) for table in operation.tables}
            if touched & names:
                operation.forget_files()
            else:
                operations.append(operation)
                names |= touched
        return operations

    def described(self, operation):
        """The tables as they are before the operation."""
        lines = []
        for table in operation.tables:
            known = self.model.find(table.schema, table.name)
            columns = [f"{c.name!r} {c.type}{' key' if c.key else ''}" for c in known.columns] \
                if known is not None else "missing"
            lines.append(f"before: {table.schema!r}.{table.name!r} {columns}")
        return "\n".join(lines)

    def do(self, operations):
        calls = self.start(operations)
        return next(filter(None, map(self.finish, operations, calls)), None)

    def do_twice(self, operations):
        return self.do(operations) or self.do(operations)

    def do_at_once(self, operations):
        """On one table: in some order they give what the server answers and holds."""
        calls = self.start(operations)
        results = list(zip(operations, map(self.answer, operations, calls)))
        held = dict(self.model.tables)
        problems = []
        for order in itertools.permutations(results):
            self.restore(held)
            problems.append(self.explain(order))
            if problems[-1] is None:
                return None
        return "\n".join(["in no order:", *problems])

    def explain(self, results):
        problems = [self.check_answer(operation, answer) for operation, answer in results]
        problems += [self.compare(operation) for operation, _ in results]
        return next(filter(None, problems), None)

    def do_and_kill(self, operations):
        self.killer.aim()
        calls = self.start(operations)
        self.killer.wait(calls)
        self.counts.kill(self.killer.victim, calls)
        self.killer.kill()
        answers = list(map(self.answer, operations, calls))
        self.killer.start_again()
        self.reconnect()
        return next(filter(None, map(self.settle, operations, answers)), None) or \
            self.compare_all() or self.do(operations)

    def settle(self, operation, answer):
        """Lets the model hold what the server does: the operation is whole, or absent if its answer
        was lost."""
        held = dict(self.model.tables)
        problem = self.check_answer(operation, answer)
        lost = answer.startswith("UNAVAILABLE") and not self.killer.goes_unnoticed()
        if lost or not problem:
            problem = self.compare(operation)
        if lost:
            self.counts.lost_answers["absent" if problem else "whole"] += 1
        if lost and problem:
            self.restore(held)
            problem = self.compare(operation)
        return problem and \
            f"killed {self.killer.victim}, the operation was answered {answer}\n{problem}"

    def reconnect(self):
        self.client.channel.close()
        self.client = self.server.client()

    def start(self, operations):
        return [self.client.start(operation.rpc, operation.request) for operation in operations]

    def finish(self, operation, call):
        return self.check_answer(operation, self.answer(operation, call)) or \
            self.compare(operation)

    def check_answer(self, operation, answer):
        expected, reason = self.apply(operation)
        if not answer.startswith(expected + ":"):
            return f"the model says {expected} {reason}, the server {answer}"
        return None

    def apply(self, operation):
        """Returns the answer that the server must give, and why."""
        try:
            operation.apply(self.model)
            return "success", ""
        except Refused as error:
            return error.answer, f"({error})"

    def answer(self, operation, call):
        """"success: ..." or the like, or the name of a gRPC status."""
        try:
            response = call.result()
            kind, text = response.WhichOneof("response"), response
        except grpc.RpcError as error:
            kind, text = error.code().name, error.details()
        self.counts.answers[operation.name, kind] += 1
        return f"{kind}: {text}"

    def restore(self, tables):
        self.model.tables.clear()
        self.model.tables.update(tables)

    def compare(self, operation):
        return compare(self.server, self.client, self.model, operation.tables)

    def compare_all(self):
        return compare(self.server, self.client, self.model, self.model.tables.values())

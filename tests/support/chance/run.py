"""A run of random operations from one seed, on one server and the model of a destination."""
import itertools
import random
import time

import grpc

from comparison import compare
from model import Refused

from .operations import Operations

# About as long as a small operation takes.
KILL_SECONDS = 0.005


class Run:
    """Its methods return what differs, as text, or None. `outcomes` counts the answers."""

    def __init__(self, seed, server, outcomes):
        self.outcomes = outcomes
        self.random = random.Random(seed)
        self.server = server
        self.client = server.client()
        self.operations = Operations(self.random, server.batch_dir)
        self.model = self.operations.destination

    def step(self):
        way = self.random.choices([self.do, self.do_twice, self.do_at_once, self.do_and_kill],
                                  weights=[90, 10, 3, 0.6])[0]
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
        self.start_again()
        problem = compare(self.server, self.client, self.model, self.model.tables.values())
        self.client.channel.close()
        return problem

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
        calls = self.start(operations)
        time.sleep(self.random.uniform(0, KILL_SECONDS))
        self.server.kill()
        answers = list(map(self.answer, operations, calls))
        self.start_again()
        return next(filter(None, map(self.settle, operations, answers)), None) or \
            self.do(operations)

    def settle(self, operation, answer):
        """Lets the model hold what the server does: the operation is whole, or absent if its answer
        was lost."""
        held = dict(self.model.tables)
        problem = self.check_answer(operation, answer)
        lost = answer.startswith("UNAVAILABLE")
        if lost or not problem:
            problem = self.compare(operation)
        if lost and problem:
            self.restore(held)
            problem = self.compare(operation)
        return problem and f"killed during the operation, answered {answer}\n{problem}"

    def start_again(self):
        self.client.channel.close()
        self.server.start()
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
        self.outcomes[operation.name, kind] += 1
        return f"{kind}: {text}"

    def restore(self, tables):
        self.model.tables.clear()
        self.model.tables.update(tables)

    def compare(self, operation):
        return compare(self.server, self.client, self.model, operation.tables)

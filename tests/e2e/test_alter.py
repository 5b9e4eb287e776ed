"""AlterTable: every rule, as a client sees it."""
import os
import random
import signal
import threading
import unittest
from pathlib import Path

import grpc

import common_pb2 as common
import destination_sdk_pb2 as sdk
from batchfile import NULL
from case import ServerCase
from model import Column, Table
from server import wait_until

SEED = int(os.environ.get("WEIR_TEST_SEED", random.SystemRandom().randrange(2**32)))

ID, NAME, AMOUNT = Column("id", "LONG", key=True), Column("name", "STRING"), Column("amount", "INT")


class AlterCase(ServerCase):
    def table_with(self, columns, *rows):
        table = self.new_table(columns)
        batch = self.batch(table)
        batch.replace(rows)
        self.send(batch)
        return table

    def alter(self, table, *columns, drop=False):
        wished = Table(table.schema, table.name, list(columns))
        return self.client.call("AlterTable", sdk.AlterTableRequest(
            schema_name=table.schema, table=wished.message(), drop_columns=drop))

    def rows(self, table):
        return self.server.dump(table.schema, table.name)

    def described(self, table):
        columns = self.client.describe(table.schema, table.name).table.columns
        return [(c.name, common.DataType.Name(c.type), c.primary_key) for c in columns]

    def generation_files(self):
        return sorted(Path(self.server.data_dir, "tables").glob("*/*.mdb"))

    def assert_refused(self, table, response, *words):
        self.assert_task(response, table.name, *words)
        self.assertEqual(self.described(table), self.before[0])
        self.assertEqual(self.rows(table), self.before[1])

    def remember(self, table):
        self.before = (self.described(table), self.rows(table))


class Columns(AlterCase):
    def test_a_new_column_is_null_in_existing_rows(self):
        table = self.table_with([ID, NAME], ["1", "one"])
        files = self.generation_files()
        self.assert_success(self.alter(table, ID, NAME, AMOUNT))
        self.assertEqual(self.rows(table), [{"id": 1, "name": "one", "amount": None}])
        self.assertEqual(self.generation_files(), files)  # the registry alone

    def test_absent_columns_stay_with_their_data(self):
        table = self.table_with([ID, NAME, AMOUNT], ["1", "one", "5"])
        self.assert_success(self.alter(table, AMOUNT, ID))
        self.assertEqual(self.rows(table), [{"id": 1, "name": "one", "amount": 5}])

    def test_drop_columns_drops_and_a_column_that_comes_again_is_null(self):
        table = self.table_with([ID, NAME, AMOUNT], ["1", "one", "5"])
        self.assert_success(self.alter(table, ID, AMOUNT, drop=True))
        self.assertEqual(self.rows(table), [{"id": 1, "amount": 5}])
        self.assert_success(self.alter(table, ID, NAME, AMOUNT))
        self.assertEqual(self.rows(table), [{"id": 1, "amount": 5, "name": None}])

    def test_nothing_to_change_is_a_success(self):
        table = self.table_with([ID, NAME], ["1", "one"])
        self.assert_success(self.alter(table, NAME, ID))
        self.assertEqual(self.described(table), [("id", "LONG", True), ("name", "STRING", False)])

    def test_params_change_and_stay_where_the_request_leaves_them_out(self):
        price = Column("price", "DECIMAL", precision=10, scale=2)
        table = self.table_with([ID, price], ["1", "5.25"])
        for wished, params in [(Column("price", "DECIMAL", precision=43, scale=15), (38, 15)),
                               (Column("price", "DECIMAL"), (38, 15))]:
            self.assert_success(self.alter(table, ID, wished))
            decimal = self.client.describe(table.schema, table.name).table.columns[1].params.decimal
            self.assertEqual((decimal.precision, decimal.scale), params)
        self.assertEqual(self.rows(table), [{"id": 1, "price": "5.25"}])

    def test_a_missing_table_is_a_task(self):
        self.assert_task(self.alter(Table(self.SCHEMA, "missing", []), ID), "missing")

    def test_no_key_column_is_a_task(self):
        table = self.table_with([ID, NAME], ["1", "one"])
        self.remember(table)
        self.assert_refused(table, self.alter(table, Column("id", "LONG"), NAME), "primary_key")


class Types(AlterCase):
    def converted(self, before, after, *texts):
        table = self.table_with([ID, Column("v", before)],
                                *([str(i), text] for i, text in enumerate(texts)))
        self.remember(table)
        return table, self.alter(table, ID, Column("v", after))

    def test_values_that_fit_are_converted(self):
        for before, after, texts, values in [
                ("SHORT", "LONG", ["-5", NULL], [-5, None]),
                ("LONG", "SHORT", ["7"], [7]),
                ("INT", "DECIMAL", ["12"], ["12"]),
                ("DECIMAL", "INT", ["12.00"], [12]),
                ("DECIMAL", "DOUBLE", ["0.5"], [0.5]),
                ("DOUBLE", "LONG", ["1e3"], [1000]),
                ("FLOAT", "DOUBLE", ["0.1"], [0.10000000149011612]),
                ("DOUBLE", "FLOAT", ["0.1"], [0.1]),
                ("LONG", "STRING", ["42"], ["42"]),
                ("BOOLEAN", "STRING", ["true"], ["true"]),
                ("NAIVE_DATE", "NAIVE_DATETIME", ["2024-02-29"], ["2024-02-29T00:00:00"]),
                ("NAIVE_DATETIME", "UTC_DATETIME", ["2024-02-29T10:00:00.5"],
                 ["2024-02-29T10:00:00.5Z"]),
                ("UTC_DATETIME", "NAIVE_DATE", ["2024-02-29T00:00:00Z"], ["2024-02-29"]),
                ("STRING", "JSON", ["{}"], ["{}"]), ("XML", "STRING", ["<a/>"], ["<a/>"]),
                ("STRING", "INT", ["17"], [17])]:
            with self.subTest(before=before, after=after):
                table, response = self.converted(before, after, *texts)
                self.assert_success(response)
                self.assertEqual([row["v"] for row in self.rows(table)], values)
                self.assertEqual(self.described(table)[1], ("v", after, False))

    def test_texts_change_among_each_other_in_the_registry_alone(self):
        key = Column("key", "STRING", key=True)
        table = self.table_with([key, NAME], ["one", "<a/>"])
        files = self.generation_files()
        for type_name in ("XML", "JSON", "STRING"):
            self.assert_success(self.alter(table, Column("key", type_name, key=True),
                                           Column("name", type_name)))
            self.assertEqual(self.described(table),
                             [("key", type_name, True), ("name", type_name, False)])
            self.assertEqual(self.rows(table), [{"key": "one", "name": "<a/>"}])
        self.assertEqual(self.generation_files(), files)

    def test_values_that_do_not_fit_are_counted_and_nothing_changes(self):
        for before, after, texts in [("LONG", "SHORT", ["1", "70000", "70001"]),
                                     ("DECIMAL", "INT", ["1", "1.5", "2.5"]),
                                     ("STRING", "INT", ["x", "y", "3"]),
                                     ("DOUBLE", "DECIMAL", ["NaN", "Infinity", "1"])]:
            with self.subTest(before=before, after=after):
                table, response = self.converted(before, after, *texts)
                self.assert_refused(table, response, '"v"', "2 values", after)

    def test_the_old_generation_is_gone_at_once(self):
        files = self.generation_files()
        _, response = self.converted("INT", "STRING", "1")
        self.assert_success(response)
        self.assertEqual(len(self.generation_files()), len(files) + 1)

    def test_a_batch_goes_on_with_the_new_type(self):
        table, response = self.converted("INT", "STRING", "1")
        self.assert_success(response)
        wished = Table(table.schema, table.name, [ID, Column("v", "STRING")])
        batch = self.batch(wished)
        batch.replace([["5", "text"]])
        self.assert_success(self.client.write(batch.request()))
        self.assertEqual([row["v"] for row in self.rows(table)], ["1", "text"])


class Keys(AlterCase):
    SERVER_OPTIONS = ("--run-budget", "1MiB")

    def test_rows_get_their_new_key_and_order(self):
        table = self.table_with([ID, NAME], ["1", "c"], ["2", "a"], ["3", "b"])
        self.assert_success(self.alter(table, Column("id", "LONG"),
                                       Column("name", "STRING", key=True)))
        self.assertEqual([row["name"] for row in self.rows(table)], ["a", "b", "c"])
        self.assertEqual([c[2] for c in self.described(table)], [False, True])

    def test_many_rows_go_through_run_files(self):
        table = self.table_with([ID, AMOUNT],
                                *([str(i), str(i * 7919 % 50_021)] for i in range(50_000)))
        self.assert_success(self.alter(table, Column("id", "LONG"),
                                       Column("amount", "INT", key=True)))
        amounts = [row["amount"] for row in self.rows(table)]
        self.assertEqual(len(amounts), 50_000)
        self.assertEqual(amounts, sorted(amounts))

    def test_a_key_column_changes_its_type(self):
        table = self.table_with([ID, NAME], ["9", "a"], ["10", "b"])
        self.assert_success(self.alter(table, Column("id", "STRING", key=True), NAME))
        self.assertEqual([row["id"] for row in self.rows(table)], ["10", "9"])

    def test_a_key_column_whose_values_do_not_fit_is_refused(self):
        for before, after, text in [("UTC_DATETIME", "SHORT", "2024-02-29T00:00:00Z"),
                                    ("STRING", "DECIMAL", ""), ("STRING", "DECIMAL", "x" * 400),
                                    ("STRING", "UTC_DATETIME", "x"), ("STRING", "DOUBLE", "NaN")]:
            with self.subTest(before=before, after=after):
                table = self.table_with([Column("k", before, key=True), NAME], [text, "a"])
                self.remember(table)
                response = self.alter(table, Column("k", after, key=True), NAME)
                self.assert_refused(table, response, '"k"', "1 value", after)

    def test_a_column_new_to_the_table_that_joins_the_key_is_zero(self):
        table = self.table_with([ID, NAME], ["1", "a"])
        new = [Column("text", "STRING", key=True), Column("day", "NAIVE_DATE", key=True),
               Column("utc", "UTC_DATETIME", key=True), Column("flag", "BOOLEAN", key=True),
               Column("time", "NAIVE_TIME", key=True), Column("number", "DECIMAL", key=True)]
        self.assert_success(self.alter(table, ID, NAME, *new))
        self.assertEqual(self.rows(table), [{
            "id": 1, "name": "a", "text": "", "day": "0001-01-01", "utc": "0001-01-01T00:00:00Z",
            "flag": False, "time": "00:00:00", "number": "0"}])

    def test_rows_that_would_share_a_key_are_counted_and_nothing_changes(self):
        table = self.table_with([ID, NAME], ["1", "a"], ["2", "a"], ["3", "a"], ["4", "b"])
        self.remember(table)
        response = self.alter(table, Column("id", "LONG"), Column("name", "STRING", key=True))
        self.assert_refused(table, response, "2 rows")

    def test_nulls_that_would_join_the_key_are_counted_and_nothing_changes(self):
        table = self.table_with([ID, NAME], ["1", "a"], ["2", NULL], ["3", NULL])
        self.remember(table)
        response = self.alter(table, ID, Column("name", "STRING", key=True))
        self.assert_refused(table, response, '"name"', "2 rows")

    def test_an_absent_key_column_leaves_the_key_and_stays(self):
        two_keys = [ID, Column("region", "STRING", key=True), NAME]
        table = self.table_with(two_keys, ["1", "eu", "a"], ["2", "us", "b"])
        self.assert_success(self.alter(table, ID, NAME))
        self.assertEqual([row["region"] for row in self.rows(table)], ["eu", "us"])
        self.assertEqual([c[2] for c in self.described(table)], [True, False, False])


class Kills(AlterCase):
    """kill -9 while rows are rewritten. WEIR_TEST_SEED repeats the choice of moments."""
    ROWS = 60_000

    def setUp(self):
        print(f"WEIR_TEST_SEED={SEED}", flush=True)
        self.random = random.Random(SEED)
        self.table = self.table_with([ID, AMOUNT], *([str(i), str(i)] for i in range(self.ROWS)))

    def kill_soon(self, roles):
        pids = [pid for name, pid in sorted(self.server.roles().items())
                if name.startswith(roles)]
        # One of them: a job is tried on three workers, and all at once would be three.
        moment = threading.Timer(self.random.uniform(0, 0.3), os.kill,
                                 [self.random.choice(pids), signal.SIGKILL])
        moment.start()
        return moment

    def assert_whole(self, type_names):
        """Every row is there, and of one of the types."""
        wished = dict(zip(("INT", "STRING"), (int, str)))
        name = self.described(self.table)[1][1]
        self.assertIn(name, type_names)
        self.assertEqual([row["amount"] for row in self.rows(self.table)],
                         [wished[name](i) for i in range(self.ROWS)])
        return name

    def test_a_killed_worker_goes_unnoticed(self):
        for type_name in ("STRING", "INT", "STRING"):
            moment = self.kill_soon("worker")
            self.assert_success(self.alter(self.table, ID, Column("amount", type_name)))
            moment.join()
            self.assert_whole([type_name])

    def test_a_killed_frontend_leaves_the_old_table_or_the_new(self):
        before = "INT"
        for _ in range(3):
            after = "STRING" if before == "INT" else "INT"
            moment = self.kill_soon("frontend")
            try:
                self.alter(self.table, ID, Column("amount", after))
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
            moment.join()
            wait_until(self.answers, 20, "the frontend")
            before = self.assert_whole([before, after])
        tables = self.server.weir("tables", "--format", "jsonl").stdout.splitlines()
        self.assertEqual(len(self.generation_files()), len(tables))

    def answers(self):
        try:
            return self.client.test("connect").success
        except grpc.RpcError:
            return False


if __name__ == "__main__":
    unittest.main()

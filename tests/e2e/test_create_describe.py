"""CreateTable and DescribeTable: what was created is what is described."""
import threading
import unittest

import grpc

import common_pb2 as common
import destination_sdk_pb2 as sdk
from case import ServerCase
from model import READ

ODD_NAMES = ['"', " ", "'", "\\", "a.b", "id", "ü", "表", "a\nb", "%s", "../x", "x" * 200]


def column(name, type_name, key=False, **decimal):
    message = common.Column(name=name, type=common.DataType.Value(type_name), primary_key=key)
    if decimal:
        message.params.decimal.precision = decimal["precision"]
        message.params.decimal.scale = decimal["scale"]
    return message


class CreateDescribe(ServerCase):
    def create(self, name, *columns, schema="shop"):
        return self.client.create(schema, common.Table(name=name, columns=columns))

    def describe(self, name, schema="shop"):
        return self.client.describe(schema, name)

    def test_a_missing_table_is_not_found(self):
        for schema, name in [("shop", "nothing"), ("nowhere", "nothing")]:
            response = self.describe(name, schema)
            self.assertEqual(response.WhichOneof("response"), "not_found", response)
            self.assertTrue(response.not_found)

    def test_every_type_comes_back_as_it_was_sent(self):
        columns = [column("id", "LONG", key=True)] + \
            [column(f"c_{name}", name) for name in READ]

        self.assert_success(self.create("every_type", *columns))

        self.assertEqual(list(self.describe("every_type").table.columns), columns)

    def test_decimal_params_come_back_and_precision_is_capped(self):
        self.assert_success(self.create(
            "decimals", column("id", "INT", key=True),
            column("plain", "DECIMAL"),
            column("narrow", "DECIMAL", precision=6, scale=3),
            column("wide", "DECIMAL", precision=43, scale=15)))

        described = {c.name: c for c in self.describe("decimals").table.columns}

        self.assertFalse(described["plain"].HasField("params"))
        self.assertEqual(described["narrow"].params.decimal,
                         common.DecimalParams(precision=6, scale=3))
        self.assertEqual(described["wide"].params.decimal,
                         common.DecimalParams(precision=38, scale=15))

    def test_string_byte_length_is_kept_but_not_reported(self):
        text = common.Column(name="text", type=common.STRING,
                             params=common.DataTypeParams(string_byte_length=256))

        self.assert_success(self.create("lengths", column("id", "INT", key=True), text))

        self.assertFalse(self.describe("lengths").table.columns[1].HasField("params"))
        self.assertIn("(256)", self.server.weir("describe", self.SCHEMA, "lengths").stdout)

    def test_system_columns_are_described_and_fivetran_id_is_the_key(self):
        self.assert_success(self.create(
            "no_key", column("_fivetran_id", "STRING"), column("name", "STRING"),
            column("_fivetran_synced", "UTC_DATETIME")))

        described = self.describe("no_key").table.columns

        self.assertEqual([(c.name, c.primary_key) for c in described],
                         [("_fivetran_id", True), ("name", False), ("_fivetran_synced", False)])

    def test_no_key_at_all_is_a_task(self):
        self.assert_task(self.create("keyless", column("name", "STRING")), "keyless", "key")
        self.assertTrue(self.describe("keyless").not_found)

    def test_an_unspecified_or_unknown_type_is_a_task_that_names_the_column(self):
        for number in [0, 16, 999, -1]:
            bad = common.Column(name="strange")
            bad.type = number
            with self.subTest(number=number):
                self.assert_task(self.create("types", column("id", "INT", key=True), bad),
                                 "strange")

    def test_duplicate_columns_are_a_task(self):
        self.assert_task(self.create("twins", column("id", "INT", key=True),
                                     column("name", "STRING"), column("name", "INT")), "name")

    def test_columns_that_differ_in_case_are_two(self):
        self.assert_success(self.create("cases", column("id", "INT", key=True),
                                        column("a", "STRING"), column("A", "INT")))

    def test_no_columns_is_a_task(self):
        self.assert_task(self.create("bare"), "bare")

    def test_an_existing_table_is_a_task(self):
        self.assert_success(self.create("twice", column("id", "INT", key=True)))

        response = self.create("twice", column("id", "INT", key=True))

        self.assert_task(response, "shop.twice", "already exists")

    def test_any_name_is_a_name(self):
        for name in ODD_NAMES:
            with self.subTest(name=name):
                self.assert_success(self.create(name, column(name, "INT", key=True),
                                                schema=name))
                described = self.describe(name, schema=name).table
                self.assertEqual(described.name, name)
                self.assertEqual(described.columns[0].name, name)

    def test_dots_do_not_join_schema_and_table(self):
        self.assert_success(self.create("c", column("x", "INT", key=True), schema="a.b"))

        self.assertTrue(self.describe("b.c", schema="a").not_found)

    def test_a_name_that_is_too_long_is_refused_with_the_limit(self):
        self.assert_task(self.create("n" * 2000, column("id", "INT", key=True)), "480")

    def test_an_empty_name_is_a_task(self):
        self.assert_task(self.create("", column("id", "INT", key=True)))
        self.assert_task(self.create("x", column("id", "INT", key=True), schema=""))

    def test_of_many_creators_exactly_one_succeeds(self):
        for attempt in range(5):
            responses = []
            clients = [self.server.client() for _ in range(8)]
            table = common.Table(name=f"race_{attempt}", columns=[column("id", "INT", key=True)])
            threads = [threading.Thread(
                target=lambda c=client: responses.append(c.create("race", table)))
                for client in clients]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for client in clients:
                client.channel.close()

            outcomes = sorted(r.WhichOneof("response") for r in responses)
            self.assertEqual(outcomes, ["success"] + ["task"] * 7)

    def test_a_table_of_a_thousand_columns_comes_back(self):
        columns = [column("id", "LONG", key=True)] + \
            [column(f"column_{i}", "STRING") for i in range(999)]

        self.assert_success(self.create("wide", *columns))

        self.assertEqual(list(self.describe("wide").table.columns), columns)

    def test_more_than_ten_thousand_columns_are_a_task_with_the_limit(self):
        columns = [column("id", "LONG", key=True)] + \
            [column(f"c{i}", "STRING") for i in range(10_000)]

        self.assert_task(self.create("too_wide", *columns), "too_wide", "10001 columns",
                         "the limit is 10000")

        self.assertTrue(self.describe("too_wide").not_found)
        self.assert_success(self.create("too_wide", *columns[:-1]))
        altered = self.client.call("AlterTable", sdk.AlterTableRequest(
            schema_name="shop", table=common.Table(name="too_wide",
                                                   columns=[columns[0], columns[-1]])))
        self.assert_task(altered, "too_wide", "10001 columns", "the limit is 10000")
        self.assertEqual(len(self.describe("too_wide").table.columns), 10_000)

    def test_a_request_without_a_table_is_refused(self):
        response = self.client.call("CreateTable", sdk.CreateTableRequest(schema_name="shop"))

        self.assert_task(response)


class OtherRpcs(ServerCase):
    def test_every_rpc_of_the_service_is_answered(self):
        requests = {
            "AlterTable": sdk.AlterTableRequest(schema_name="a"),
            "Truncate": sdk.TruncateRequest(schema_name="a", table_name="b"),
            "WriteHistoryBatch": sdk.WriteHistoryBatchRequest(schema_name="a"),
            "Migrate": sdk.MigrateRequest(),
        }
        for rpc, request in requests.items():
            with self.subTest(rpc=rpc):
                self.assertIsNotNone(self.client.call(rpc, request).WhichOneof("response"))

    def test_an_unknown_method_is_unimplemented(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.raw("/fivetran_sdk.v2.DestinationConnector/Nonsense", b"")

        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)


if __name__ == "__main__":
    unittest.main()

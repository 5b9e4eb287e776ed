"""Malformed requests of every RPC: each is answered with what is wrong, and nothing changes.

What is no message at all is INVALID_ARGUMENT; what is a message, but no request, is a task.
"""
import unittest

import grpc
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor as Field

import common_pb2 as common
import destination_sdk_pb2 as sdk
from case import ServerCase
from client import RPCS, SERVICE
from model import Column

NAME_BYTES = 480
COLUMN = 'columns { name: "id" type: LONG primary_key: true }'

# RPCs whose request has a schema name and a Table message.
OF_A_TABLE = ["CreateTable", "AlterTable", "WriteBatch", "WriteHistoryBatch"]
# What follows the names in a request of the others.
OF_A_NAME = {"DescribeTable": "", "Truncate": 'synced_column: "_fivetran_synced"'}

# Requests that begin as they should: wrong in one place, and words of the task.
BAD_TABLES = {
    "no table": ('schema_name: "shop"', ["no table"]),
    "no schema": (f'table {{ name: "t" {COLUMN} }}', ["no schema name"]),
    "no table name": (f'schema_name: "shop" table {{ {COLUMN} }}', ["no table name"]),
    "no columns": ('schema_name: "shop" table { name: "t" }', ['"shop.t"', "no columns"]),
    "no column name": (f'schema_name: "shop" table {{ name: "t" {COLUMN} '
                       'columns { type: INT } }', ['"shop.t"', "no name"]),
    "no type": (f'schema_name: "shop" table {{ name: "t" {COLUMN} columns {{ name: "x" }} }}',
                ['"shop.t"', '"x"', "no type"]),
    "an unknown type": (f'schema_name: "shop" table {{ name: "t" {COLUMN} '
                        'columns { name: "x" type: 99 } }', ['"shop.t"', '"x"', "99"]),
    "a column twice": (f'schema_name: "shop" table {{ name: "t" {COLUMN} {COLUMN} }}',
                       ['"shop.t"', '"id"', "twice"]),
    "a long name": (f'schema_name: "shop" table {{ name: "{"n" * 2000}" {COLUMN} }}',
                    [f"limit is {NAME_BYTES}"]),
    "a long schema": (f'schema_name: "{"n" * 2000}" table {{ name: "t" {COLUMN} }}',
                      [f"limit is {NAME_BYTES}"]),
}
BAD_NAMES = {
    "no schema": ('table_name: "t"', ["no schema name"]),
    "no table name": ('schema_name: "shop"', ["no table name"]),
    "a long name": (f'schema_name: "shop" table_name: "{"n" * 2000}"', [f"limit is {NAME_BYTES}"]),
}

GARBAGE = {
    "a tag of five bytes": b"\xff\xff\xff",
    "an endless length": b"\x12\xff\xff\xff\xff\x0f",
    "a text cut short": b"\x12\x05ab",
    "a group": b"\x0b",
    "field 0": b"\x00",
    "a wire type that is none": b"\x0f",
    "a varint of eleven bytes": b"\x50" + b"\xff" * 11,
}
BAD_TEXTS = {"NUL": b"a\0b", "no UTF-8": b"\xff", "a surrogate": b"\xed\xa0\x80",
             "overlong": b"\xc0\x80"}


def request_type(rpc):
    name = RPCS[rpc].input_type.name
    return getattr(sdk, name, None) or getattr(common, name)


def delimited(number, content):
    """A field with a length."""
    def varint(value):
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)

    return varint(number << 3 | 2) + varint(len(content)) + content


def text_fields(descriptor, above=()):
    """Yields the path of every field of text in a message, as tuples of fields."""
    for field in descriptor.fields:
        path = (*above, field)
        if field.type == Field.TYPE_STRING:
            yield path
        elif field.type == Field.TYPE_MESSAGE:
            yield from text_fields(field.message_type, path)


class Malformed(ServerCase):
    """Before each test there is a table with a row; after it the server holds that and answers."""

    def setUp(self):
        self.table = self.new_table([Column("id", "LONG", key=True), Column("name", "STRING"),
                                     Column("_fivetran_synced", "UTC_DATETIME")])
        batch = self.batch(self.table)
        batch.replace([["1", "one", "2024-01-01T00:00:00Z"]])
        self.send(batch)
        self.before = self.state()

    def tearDown(self):
        self.assertEqual(self.state(), self.before)

    def state(self):
        described = self.client.describe(self.table.schema, self.table.name)
        return (self.server.weir("tables", "--format", "jsonl").stdout, described,
                self.server.dump(self.table.schema, self.table.name))

    def assert_malformed(self, rpc, content, word=""):
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.raw(SERVICE + rpc, content)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn(word, caught.exception.details())
        self.assertTrue(caught.exception.details())

    def assert_refused(self, rpc, request, *words):
        self.assert_task(self.client.call(rpc, request), *words)

    def test_bytes_that_are_no_message(self):
        for rpc in RPCS:
            for name, content in GARBAGE.items():
                with self.subTest(name, rpc=rpc):
                    self.assert_malformed(rpc, content, "could not read")

    def test_texts_with_nul_or_invalid_utf8_in_every_field(self):
        for rpc in RPCS:
            for path in text_fields(request_type(rpc).DESCRIPTOR):
                for name, content in BAD_TEXTS.items():
                    for field in reversed(path):
                        content = delimited(field.number, content)
                    with self.subTest(name, rpc=rpc, field=[field.name for field in path]):
                        self.assert_malformed(rpc, content, path[-1].name)

    def test_a_number_where_a_text_belongs(self):
        for rpc in RPCS:
            for field in request_type(rpc).DESCRIPTOR.fields:
                with self.subTest(rpc=rpc, field=field.name):
                    self.assert_malformed(rpc, bytes([field.number << 3 | 1]) + bytes(8))

    def test_tables_that_are_none(self):
        for rpc in OF_A_TABLE:
            for name, (text, words) in BAD_TABLES.items():
                with self.subTest(name, rpc=rpc):
                    request = text_format.Parse(text, request_type(rpc)())
                    self.assert_refused(rpc, request, *words)

    def test_names_that_are_none(self):
        for rpc, rest in OF_A_NAME.items():
            for name, (text, words) in BAD_NAMES.items():
                with self.subTest(name, rpc=rpc):
                    request = text_format.Parse(f"{text} {rest}", request_type(rpc)())
                    self.assert_refused(rpc, request, *words)

    def test_enum_values_of_files_that_the_protocol_does_not_know(self):
        for rpc in ("WriteBatch", "WriteHistoryBatch"):
            for field in ("compression", "encryption"):
                with self.subTest(rpc=rpc, field=field):
                    request = request_type(rpc)(schema_name=self.table.schema,
                                                table=self.table.message())
                    setattr(request.file_params, field, 7)
                    self.assert_refused(rpc, request, f"shop.{self.table.name}", field, "7")

    def test_times_that_are_none(self):
        for seconds, nanos, word in [(0, -1, "nanoseconds"), (0, 1_000_000_000, "nanoseconds"),
                                     (2**62, 0, "seconds"), (-2**63, 0, "seconds"),
                                     (253_402_300_800, 0, "seconds")]:
            with self.subTest(seconds=seconds, nanos=nanos):
                request = sdk.TruncateRequest(schema_name="shop", table_name=self.table.name,
                                              synced_column="_fivetran_synced")
                request.utc_delete_before.seconds = seconds
                request.utc_delete_before.nanos = nanos
                self.assert_refused("Truncate", request, f"shop.{self.table.name}", word)

    def test_migrations_with_names_or_types_that_are_none(self):
        to_long = f'from_table: "{self.table.name}" to_table: "{"n" * 2000}"'
        add = "add_column_with_default_value"
        for operation, words in [
                (f"rename {{ rename_table {{ {to_long} }} }}", [f"limit is {NAME_BYTES}"]),
                (f"copy {{ copy_table {{ {to_long} }} }}", [f"limit is {NAME_BYTES}"]),
                (f'add {{ {add} {{ column: "x" column_type: 99 }} }}', ['"x"', "type"]),
                (f'add {{ {add} {{ column: "x" }} }}', ['"x"', "type"]),
                (f'add {{ {add} {{ column_type: INT }} }}', ["column"]),
                ('update_column_value { value: "1" }', ["column"])]:
            with self.subTest(operation=operation[:80]):
                request = sdk.MigrateRequest(details=text_format.Parse(
                    f'schema: "shop" table: "{self.table.name}" {operation}',
                    sdk.MigrationDetails()))
                self.assert_refused("Migrate", request, *words)

    def test_a_test_that_is_none(self):
        for name in ("", "none", "n" * 100_000):
            with self.subTest(name=name[:10]):
                response = self.client.test(name)
                self.assertEqual(response.WhichOneof("response"), "failure")
                self.assertIn('"connect"', response.failure)


if __name__ == "__main__":
    unittest.main()

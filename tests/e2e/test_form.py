"""ConfigurationForm, Capabilities and Test, and what a configuration does to other RPCs."""
import unittest

import common_pb2 as common
import destination_sdk_pb2 as sdk
from case import ServerCase
from client import RPCS

PLAIN, PASSWORD = common.PlainText, common.Password

# The fields of the official example, group by group.
GROUPS = {
    "Database": ["host", "port", "user", "password", "database", "table"],
    "File": ["host", "port", "user", "password", "table", "filePath"],
    "Cloud": ["host", "port", "user", "password", "region"],
}

# Configuration -> words that the message about it must hold.
REFUSED = [
    ({"port": "70000"}, ["port", "65535"]),
    ({"port": "0"}, ["port", "65535"]),
    ({"port": "-1"}, ["port"]),
    ({"port": "ssh"}, ["port"]),
    ({"port": "5432 "}, ["port"]),
    ({"writerType": "Tape"}, ["writerType", "Database", "File", "Cloud"]),
    ({"writerType": "database"}, ["writerType", "Database"]),
    ({"enableEncryption": "maybe"}, ["enableEncryption", "true", "false"]),
    ({"writerType": "Cloud", "region": "Mars"}, ["region", "Azure"]),
    ({"writerType": "File"}, ["writerType", "file", "Database"]),
    ({"writerType": "Cloud"}, ["writerType", "cloud", "Database"]),
    ({"host": "db.example.com"}, ["host"]),
    ({"writerType": "Database", "host": "db.example.com"}, ["host"]),
    ({"filePath": "/srv/out"}, ["filePath"]),
]

ACCEPTED = [
    {},
    {"writerType": "Database"},
    {"writerType": "", "host": "", "filePath": ""},
    {"writerType": "Database", "enableEncryption": "true", "port": "5432", "user": "u"},
]


def with_configuration():
    """The RPCs whose requests carry one."""
    return {name for name, method in RPCS.items()
            if "configuration" in method.input_type.fields_by_name}


class Form(ServerCase):
    def fields(self):
        return {field.name: field for field in self.client.form().fields}

    def groups(self):
        return {field.conditional_fields.condition.string_value: field.conditional_fields
                for field in self.client.form().fields
                if field.WhichOneof("type") == "conditional_fields"}

    def test_writer_type_is_a_dropdown_with_a_default(self):
        field = self.fields()["writerType"]

        self.assertEqual(list(field.dropdown_field.dropdown_field), ["Database", "File", "Cloud"])
        self.assertEqual(field.default_value, "Database")

    def test_encryption_is_a_toggle(self):
        self.assertEqual(self.fields()["enableEncryption"].WhichOneof("type"), "toggle_field")

    def test_each_writer_type_has_its_conditional_group(self):
        groups = self.groups()

        self.assertEqual({name: [field.name for field in group.fields]
                          for name, group in groups.items()}, GROUPS)
        for group in groups.values():
            self.assertEqual(group.condition.condition_field, "writerType")

    def test_conditional_fields_have_their_kinds(self):
        for group in self.groups().values():
            for field in group.fields:
                with self.subTest(field=field.name):
                    if field.name == "region":
                        self.assertEqual(list(field.dropdown_field.dropdown_field),
                                         ["Azure", "AWS", "Google Cloud"])
                    else:
                        self.assertEqual(field.WhichOneof("type"), "text_field")
                        self.assertEqual(field.text_field,
                                         PASSWORD if field.name == "password" else PLAIN)

    def test_no_conditional_field_is_required(self):
        for group in self.groups().values():
            for field in group.fields:
                self.assertFalse(field.required, field.name)

    def test_every_field_has_a_label(self):
        for field in self.client.form().fields:
            self.assertTrue(field.label, field.name)

    def test_unconditional_names_are_unique(self):
        names = [field.name for field in self.client.form().fields]

        self.assertEqual(len(names), len(set(names)))

    def test_connect_and_select_are_offered_and_pass(self):
        tests = [test.name for test in self.client.form().tests]

        self.assertEqual(tests, ["connect", "select"])
        for name in tests:
            response = self.client.test(name)
            self.assertTrue(response.success, response)

    def test_an_unknown_test_fails_and_names_those_that_exist(self):
        response = self.client.test("ping")

        self.assertEqual(response.WhichOneof("response"), "failure")
        self.assertIn("connect", response.failure)
        self.assertIn("select", response.failure)

    def test_capabilities_is_csv(self):
        self.assertEqual(self.client.capabilities().batch_file_format, sdk.CSV)


class Configuration(ServerCase):
    def test_accepted_configurations_pass_the_tests(self):
        for configuration in ACCEPTED:
            with self.subTest(configuration=configuration):
                response = self.client.test("connect", configuration)
                self.assertEqual(response.WhichOneof("response"), "success", response)

    def test_refused_configurations_fail_the_tests_with_a_reason(self):
        for configuration, words in REFUSED:
            for name in ["connect", "select"]:
                with self.subTest(configuration=configuration, name=name):
                    response = self.client.test(name, configuration)
                    self.assertEqual(response.WhichOneof("response"), "failure", response)
                    for word in words:
                        self.assertIn(word, response.failure)

    def test_refused_configurations_are_a_task_elsewhere(self):
        table = self.new_table()
        batch = self.batch(table)
        batch.replace([["1", "one", "1"]])
        for configuration, words in REFUSED:
            write = batch.request()
            write.configuration.update(configuration)
            requests = {
                "CreateTable": sdk.CreateTableRequest(
                    configuration=configuration, schema_name="shop", table=table.message()),
                "DescribeTable": sdk.DescribeTableRequest(
                    configuration=configuration, schema_name="shop", table_name=table.name),
                "WriteBatch": write,
                "AlterTable": sdk.AlterTableRequest(
                    configuration=configuration, schema_name="shop", table=table.message()),
                "Truncate": sdk.TruncateRequest(
                    configuration=configuration, schema_name="shop", table_name=table.name,
                    synced_column="name"),
                "WriteHistoryBatch": sdk.WriteHistoryBatchRequest(
                    configuration=configuration, schema_name="shop", table=table.message()),
                "Migrate": sdk.MigrateRequest(configuration=configuration),
            }
            self.assertEqual(requests.keys() | {"Test"}, with_configuration())
            for rpc, request in requests.items():
                with self.subTest(configuration=configuration, rpc=rpc):
                    self.assert_task(self.client.call(rpc, request), *words)
        self.assert_table(table)

    def test_a_configuration_does_not_leak_into_the_next_request(self):
        self.client.test("connect", {"writerType": "Cloud"})

        self.assertTrue(self.client.test("connect").success)

    def test_a_message_holds_no_password(self):
        response = self.client.test("connect", {"password": "hunter2-secret", "port": "x"})

        self.assertNotIn("hunter2", response.failure)
        self.assertNotIn("hunter2", self.server.log())


if __name__ == "__main__":
    unittest.main()

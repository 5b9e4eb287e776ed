"""The command line: what it prints, what it refuses, and its exit status."""
import csv
import io
import json
import os
import subprocess
import tempfile
import unittest

from batchfile import NULL, aes, zstd
from case import ServerCase
from model import Column
from server import WEIR, run_weir

COMMANDS = ["serve", "tables", "describe", "dump", "cat"]
KEY = bytes(range(32))


class Arguments(unittest.TestCase):
    def assert_misused(self, *arguments, word="", environment=None):
        """Exit 2 and one line that says what is accepted."""
        result = run_weir(*arguments, check=False, environment=environment)
        self.assertEqual(result.returncode, 2, result)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn(word, result.stderr)

    def test_version(self):
        self.assertRegex(run_weir("--version").stdout, r"^weir \d+\.\d+\.\d+\n$")

    def test_help_names_every_command(self):
        said = run_weir("--help").stdout
        for command in COMMANDS:
            self.assertIn(command, said)

    def test_every_command_has_help_with_a_usage_line(self):
        for command in COMMANDS:
            said = run_weir(command, "--help").stdout
            self.assertIn(f"weir {command}", said)
            self.assertIn("--help", said + "--help")

    def test_help_of_serve_names_options_defaults_and_variables(self):
        said = run_weir("serve", "--help").stdout
        for word in ("--port", "50052", "WEIR_PORT", "--data-dir", "./weir-data", "WEIR_DATA_DIR",
                     "--batch-dir", "--workers", "--grace"):
            self.assertIn(word, said)

    def test_unknown_commands_and_options(self):
        self.assert_misused("sevre", word="sevre")
        self.assert_misused("--prot", "1", word="--prot")
        self.assert_misused("serve", "--nonsense", word="--nonsense")
        self.assert_misused("dump", "--format", "xml", "a", "b", word="jsonl")

    def test_bad_values(self):
        for option, value, word in [("--port", "-1", "65535"), ("--port", "70000", "65535"),
                                    ("--port", "abc", "port"), ("--workers", "0", "workers"),
                                    ("--grace", "5", "grace"), ("--run-budget", "1kB", "budget"),
                                    ("--port", "", "port")]:
            with self.subTest(option=option, value=value):
                self.assert_misused("serve", option, value, word=word)

    def test_bad_variables(self):
        self.assert_misused("serve", word="WEIR_PORT", environment={"WEIR_PORT": "x"})

    def test_missing_arguments(self):
        self.assert_misused("dump", "only_a_schema")
        self.assert_misused("describe")
        self.assert_misused("cat")
        self.assert_misused("dump", "a", "b", "c")
        self.assert_misused("serve", "--port")

    def test_a_folder_without_tables(self):
        for command in (["tables"], ["dump", "a", "b"], ["describe", "a", "b"]):
            result = run_weir(*command[:1], "--data-dir", "/nonexistent/data", *command[1:],
                              check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn("/nonexistent/data", result.stderr)


class Reading(ServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        cls.table = case.new_table([
            Column("id", "LONG", key=True), Column("name", "STRING"),
            Column("price", "DECIMAL", precision=10, scale=2), Column("seen", "UTC_DATETIME")])
        batch = case.batch(cls.table)
        batch.replace([["1", "one", "1.50", "2024-02-29T12:00:00.5Z"], ["2", NULL, NULL, NULL],
                       ["3", "", "3", NULL], ["10", 'a "quoted", ü\nline', "-4", NULL]])
        case.send(batch)

    def runTest(self):
        """Lets setUpClass use the helpers of a case."""

    def test_tables_in_jsonl(self):
        lines = self.server.weir("tables", "--format", "jsonl").stdout.splitlines()
        entry = next(json.loads(line) for line in lines
                     if json.loads(line)["table"] == self.table.name)

        self.assertEqual(entry["schema"], self.table.schema)
        self.assertEqual(entry["rows"], 4)
        self.assertIn(entry["columns"], (4, self.table.names()))

    def test_tables_for_people(self):
        said = self.server.weir("tables").stdout
        self.assertIn(self.table.name, said)
        self.assertIn("4", said)

    def test_describe_prints_a_column_a_line(self):
        lines = self.server.weir("describe", self.table.schema, self.table.name).stdout.splitlines()
        words = [line.split() for line in lines]

        self.assertIn(["id", "LONG", "key"], words)
        self.assertIn(["name", "STRING"], words)
        self.assertEqual([line[:2] for line in words if line[0] == "price"], [["price", "DECIMAL"]])
        price = next(line for line in lines if line.startswith("price"))
        self.assertIn("10", price)
        self.assertIn("2", price)

    def test_dump_keeps_the_order_of_the_columns(self):
        first = self.server.weir("dump", self.table.schema, self.table.name).stdout.splitlines()[0]

        self.assertEqual(list(json.loads(first)), self.table.names())
        self.assertEqual(first, '{"id":1,"name":"one","price":"1.50",'
                                '"seen":"2024-02-29T12:00:00.5Z"}')

    def test_dump_in_csv(self):
        said = self.server.weir("dump", "--format", "csv", self.table.schema,
                                self.table.name).stdout

        self.assertTrue(said.startswith("id,name,price,seen\n"))
        self.assertIn("\n2,,,\n", said)
        self.assertIn('\n3,"",3,\n', said)
        rows = list(csv.reader(io.StringIO(said)))
        self.assertEqual(rows[4], ["10", 'a "quoted", ü\nline', "-4", ""])

    def test_an_unknown_table_is_exit_1_and_a_message(self):
        for command in ("dump", "describe"):
            for schema, name in (("shop", "nothing"), ("nowhere", self.table.name)):
                result = self.server.weir(command, schema, name, check=False)
                self.assertEqual(result.returncode, 1)
                self.assertEqual(result.stdout, "")
                self.assertIn(name, result.stderr)

    def test_a_full_disk_or_closed_pipe_is_no_success(self):
        with open("/dev/full", "wb") as full:
            status = subprocess.run([WEIR, "dump", "--data-dir", self.server.data_dir,
                                     self.table.schema, self.table.name], stdout=full,
                                    stderr=subprocess.DEVNULL, check=False).returncode
        self.assertNotEqual(status, 0)

    def test_commands_work_while_the_server_does_not(self):
        before = self.server.dump(self.table.schema, self.table.name)
        self.server.stop()
        try:
            self.assertEqual(self.server.dump(self.table.schema, self.table.name), before)
            self.assertIn(self.table.name, self.server.weir("tables").stdout)
        finally:
            self.server.start()

    def test_reading_takes_the_data_folder_from_the_environment(self):
        result = run_weir("tables", environment={"WEIR_DATA_DIR": self.server.data_dir})
        self.assertIn(self.table.name, result.stdout)

    def test_time_zone_and_locale_change_nothing(self):
        there = {"TZ": "Asia/Kolkata", "LC_ALL": "de_DE.UTF-8"}
        arguments = ("dump", "--data-dir", self.server.data_dir, self.table.schema,
                     self.table.name)

        self.assertEqual(run_weir(*arguments, environment=there).stdout,
                         run_weir(*arguments).stdout)


class Cat(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def test_an_encrypted_file_is_shown_as_a_table(self):
        path = self.file("b.csv.zst.aes", aes(zstd(b"id,name\n1,one\n20,two\n"), KEY))
        key_files = [self.file("raw.key", KEY), self.file("hex.key", KEY.hex().encode() + b"\n")]
        for key in (["--key", KEY.hex()], *(["--key-file", name] for name in key_files)):
            said = run_weir("cat", *key, path).stdout
            self.assertEqual([line.split() for line in said.splitlines()],
                             [["id", "name"], ["1", "one"], ["20", "two"]])
            self.assertEqual(said.splitlines()[1].index("one"), said.splitlines()[0].index("name"))

    def test_what_cannot_be_read_is_exit_1_and_names_the_file(self):
        good = aes(zstd(b"id,name\n1,one\n"), KEY)
        for name, content in {"damaged": good[:-3], "otherwise encrypted": aes(b"x", bytes(32)),
                              "empty": b""}.items():
            with self.subTest(name):
                path = self.file("b-7.csv.zst.aes", content)
                result = run_weir("cat", "--key", KEY.hex(), path, check=False)
                self.assertEqual(result.returncode, 1, result)
                self.assertIn("b-7.csv.zst.aes", result.stderr)
        result = run_weir("cat", "--key", KEY.hex(), "/nonexistent/b-8.csv", check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("b-8.csv", result.stderr)

    def test_a_bad_key_is_refused_and_not_repeated(self):
        path = self.file("b.csv", aes(zstd(b"id\n1\n"), KEY))
        for key in ("1234", "x" * 64, KEY.hex() + "00"):
            result = run_weir("cat", "--key", key, path, check=False)
            self.assertIn(result.returncode, (1, 2))
            self.assertNotIn(key, result.stderr)

if __name__ == "__main__":
    unittest.main()

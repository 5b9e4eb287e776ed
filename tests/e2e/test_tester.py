"""The tester: every scenario against a fresh server, again after a restart, and wrong input files.

WEIR_TESTER_INPUTS names a folder of further input files, such as those of Fivetran's tester; where
it is not set, files beside the checkout are taken if there are any. They have no expectations, but
must run through, and to the same end every time.
"""
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

from patience import PATIENCE
from server import WEIR, Server

TESTS = Path(__file__).resolve().parent.parent
SCENARIOS = sorted((TESTS / "tester" / "scenarios").glob("*.json"))
INPUTS = sorted(Path(os.environ.get("WEIR_TESTER_INPUTS", TESTS.parent.parent / "shared" /
                                    "tester-inputs")).glob("**/*.json"))
SYNC_TIME = "2024-06-01T08:00:00Z"


def run_tester(server, *arguments):
    return subprocess.run(
        [sys.executable, "-B", str(TESTS / "tester"), "--port", str(server.port), "--weir", WEIR,
         "--data-dir", server.data_dir, "--sync-time", SYNC_TIME, *map(str, arguments)],
        capture_output=True, text=True, timeout=60 * PATIENCE, check=False)


def calls_and_tables(output):
    lines = output.splitlines()
    at = next((i for i, line in enumerate(lines) if line.startswith("table ")), len(lines))
    return lines[:at], lines[at:]


class Scenarios(unittest.TestCase):
    def run_to_end(self, server, path, *options):
        """The calls made and what the tables hold."""
        result = run_tester(server, "--input-file", path, *options)
        self.assertEqual((result.stderr, result.returncode), ("", 0), path)
        return calls_and_tables(result.stdout)

    def check_twice(self, path, expected):
        """On a fresh server, and after a restart once more on what the first run has left."""
        with Server() as server:
            calls, tables = self.run_to_end(server, path)
            self.assertTrue(calls)
            expected = tables if expected is None else expected
            self.assertEqual(tables, expected)
            before = server.weir("tables", "--format", "jsonl").stdout
            self.assertEqual(server.stop(), 0)
            server.start()
            self.assertEqual(server.weir("tables", "--format", "jsonl").stdout, before)
            self.check_on_top(server, path, expected)
            _, again = self.run_to_end(server, path, "--clean")
            self.assertEqual(again, expected)
            _, plain = self.run_to_end(server, path, "--plain-text", "--schema-name", "other")
            self.assertEqual(plain, expected)

    def check_on_top(self, server, path, expected):
        """Once more on the tables as they are: the same, unless something cannot be done twice."""
        result = run_tester(server, "--input-file", path)
        if result.returncode == 0:
            self.assertEqual(calls_and_tables(result.stdout)[1], expected)
        else:
            self.assertRegex(result.stderr, "^tester: (Migrate rename_|AlterTable ).*: task: ")

    def test_every_scenario_leaves_what_it_must(self):
        self.assertTrue(SCENARIOS)
        for path in SCENARIOS:
            with self.subTest(scenario=path.name):
                self.check_twice(path, path.with_suffix(".expected").read_text().splitlines())

    def test_together_the_scenarios_make_every_call(self):
        """Of the operations of the format; the modes to and from LIVE are not offered."""
        contents = [json.loads(path.read_text()) for path in SCENARIOS]
        operations = {name for content in contents for entry in content["ops"] for name in entry}
        migrations = {name for content in contents
                      for entry in content.get("schema_migration", []) for name in entry}
        self.assertEqual(operations, {"upsert", "update", "delete", "soft_delete",
                                      "truncate_before", "soft_truncate_before"})
        self.assertEqual(migrations, {
            "add_column", "change_column_data_type", "drop_column", "copy_column",
            "rename_column", "update_column_value", "set_column_to_null",
            "add_column_with_default_value", "add_column_in_history_mode",
            "drop_column_in_history_mode", "copy_table", "copy_table_to_history_mode",
            "rename_table", "drop_table", "migrate_soft_delete_to_history",
            "migrate_history_to_soft_delete"})

    @unittest.skipUnless(INPUTS, "no further input files at hand")
    def test_further_input_files_run_to_the_same_end_every_time(self):
        for path in INPUTS:
            with self.subTest(path=path):
                self.check_twice(path, None)

    def test_batch_files_stay_in_the_working_folder(self):
        with Server() as server:
            folder = Path(server.batch_dir) / "work"
            self.run_to_end(server, TESTS / "tester/scenarios/members.json", "--working-dir",
                            folder)
            self.assertEqual(sorted(path.name for path in folder.iterdir()), [
                "members_1_earliest.csv.zstd.aes", "members_2_upsert.csv.zstd.aes",
                "members_3_update.csv.zstd.aes", "members_4_delete.csv.zstd.aes"])


class WrongInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def refuse(self, content, *words, status=2):
        path = Path(self.server.batch_dir) / "input.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        result = run_tester(self.server, "--input-file", path)
        self.assertEqual(result.returncode, status, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_a_wrong_file_is_refused_before_anything_is_sent(self):
        table = {"t": {"columns": {"id": "INT"}, "primary_key": ["id"]}}
        for content, *words in [
                ("{", "input.json"), ([], "no JSON object"), ({"tables": {}}, '"tables"'),
                ({"create_table": {"t": {}}}, '"t"', "columns"),
                ({"create_table": {"t": {"columns": {"a": "NUMBER"}}}}, '"t"', '"a"', "NUMBER"),
                ({"create_table": {"t": {"columns": {}, "primary_key": ["k"]}}}, '"k"'),
                ({"create_table": table, "ops": [{"insert": {}}]}, '"insert"', "upsert"),
                ({"create_table": table, "ops": [{"upsert": {"u": []}}]}, '"u"'),
                ({"create_table": table, "ops": [{"upsert": {"t": [{"b": 1}]}}]}, '"b"'),
                ({"create_table": table, "ops": [{"delete": {"t": [{}]}}]}, '"id"'),
                ({"schema_migration": [{"move": []}]}, '"move"', "copy_table"),
                ({"schema_migration": [{"copy_table": [{"from_table": "t"}]}]}, "to_table")]:
            with self.subTest(content=content):
                self.refuse(content, *words)
        self.assertEqual(self.server.weir("tables", "--format", "jsonl").stdout, "")

    def test_what_the_server_refuses_ends_the_run(self):
        self.refuse({"schema_migration": [{"rename_table": [
            {"from_table": "nowhere", "to_table": "elsewhere"}]}]}, "nowhere", status=1)
        self.refuse({"schema_migration": [{"migrate_live_to_history": [{"table": "t"}]}]},
                    "unsupported", status=1)


if __name__ == "__main__":
    unittest.main()

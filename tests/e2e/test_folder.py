"""A data folder that explains itself: `weir check` finds damage, `weir backup` copies it."""
import os
import shutil
import subprocess
import threading
import unittest
from pathlib import Path

import destination_sdk_pb2 as sdk
from batch import Batch
from bigbatch import BigBatch, create_big_table, versions_of
from model import Column, Table
from patience import SANITIZED
from server import Server, run_weir

COLUMNS = [Column("id", "LONG", key=True), Column("name", "STRING"), Column("big", "STRING")]

# Tables, each with rows that are small and rows that lie in pieces.
TABLES = {"orders": 300, "customers": 20, "empty": 0}


def make_folder(server):
    """Stops with TABLES in the data folder; returns it."""
    with server.client() as client:
        for name, rows in TABLES.items():
            table = Table("shop", name, COLUMNS)
            client.create("shop", table.message())
            batch = Batch(server.batch_dir, table)
            batch.replace([[str(i), f"name of {name} {i:05}", "x" * (20_000 if i % 7 == 3 else 9)]
                           for i in range(rows)])
            assert client.write(batch.request()).WhichOneof("response") == "success"
    assert server.stop() == 0
    return Path(server.data_dir)


def check(folder):
    """Exit status and printed lines. A sanitizer must leave it to weir that a process dies."""
    result = run_weir("check", "--data-dir", folder, check=False, environment={
        "ASAN_OPTIONS": "handle_segv=0:handle_sigbus=0:handle_abort=0"})
    return result.returncode, result.stdout.splitlines(), result.stderr


class FolderCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.folder.cleanup)
        cls.addClassCleanup(cls.server.kill)
        cls.server.start()
        cls.whole = make_folder(cls.server)

    def setUp(self):
        self.folder = Path(self.server.folder.name, self.id().rsplit(".", 1)[1])
        shutil.copytree(self.whole, self.folder)

    def tables(self):
        """{table name: its file}, by order of creation."""
        folders = sorted((self.folder / "tables").iterdir(), key=lambda path: int(path.name))
        return {name: next(folder.glob("*.mdb"))
                for name, folder in zip(TABLES, folders, strict=True)}


class Check(FolderCase):
    def assert_found(self, *words, sound):
        """One finding with these words; the tables `sound` are so all the same."""
        status, lines, errors = check(self.folder)
        self.assertEqual((status, errors), (1, ""), lines)
        self.assertEqual(sorted(line.split(":")[0] for line in lines if ": sound" in line),
                         sorted(f"shop.{name}" for name in sound))
        found = [line for line in lines if ": sound" not in line]
        self.assertTrue(any(all(word in line for word in words) for line in found), found)

    def change(self, path, old, new):
        """Replaces bytes of the same length wherever they are in the file."""
        content = path.read_bytes()
        self.assertIn(old, content)
        self.assertEqual(len(old), len(new))
        path.write_bytes(content.replace(old, new))

    def test_a_whole_folder_is_sound(self):
        self.assertEqual(check(self.folder), (0, [
            "shop.customers: sound, 20 rows", "shop.empty: sound, 0 rows",
            "shop.orders: sound, 300 rows"], ""))

    def test_a_cell_that_is_no_value_is_found(self):
        self.change(self.tables()["orders"], b"name of orders 00123", b"name of orders 001\xff3")
        self.assert_found("shop.orders: row 124, key 0x800000000000007b:", 'column "name"',
                          sound=["customers", "empty"])

    def test_a_key_that_is_not_its_row_s_is_found(self):
        key = (2**63 + 124).to_bytes(8, "big")
        self.change(self.tables()["orders"], key, key[:-1] + b"\xf0")
        self.assert_found("shop.orders: row 125, key 0x80000000000000f0", "not that of its cells",
                          sound=["customers", "empty"])

    def test_rows_out_of_order_are_found(self):
        key = (2**63 + 124).to_bytes(8, "big")
        self.change(self.tables()["orders"], key, key[:-1] + b"\x01")
        self.assert_found("shop.orders: row 125", "behind a row with the same or a greater key",
                          sound=["customers", "empty"])

    def test_a_file_that_was_cut_is_found(self):
        os.truncate(self.tables()["orders"], 3 * 4096)
        self.assert_found("shop.orders", sound=["customers", "empty"])

    def test_a_file_that_is_gone_or_empty_is_found(self):
        for damage in (os.remove, lambda path: path.write_bytes(b"")):
            path = self.tables()["customers"]
            damage(path)
            self.assert_found("shop.customers", str(path), sound=["orders", "empty"])
            path.touch()

    def test_a_damaged_registry_is_found(self):
        os.truncate(self.folder / "registry.mdb", 2 * 4096)
        status, lines, _ = check(self.folder)
        self.assertEqual(status, 1)
        self.assertEqual(len(lines), 1)

    def test_no_damaged_byte_ends_or_holds_up_the_check(self):
        """Pages overwritten one after the other: found or harmless, and other tables stand."""
        path = self.tables()["orders"]
        content = path.read_bytes()
        for page in range(0, len(content) // 4096, 4 if SANITIZED else 1):
            at = page * 4096
            path.write_bytes(content[:at] + os.urandom(4096) + content[at + 4096:])
            _, lines, _ = check(self.folder)
            self.assertIn("shop.customers: sound, 20 rows", lines, page)

    def test_what_a_crash_left_is_found_unless_a_server_runs(self):
        run = self.folder / "runs" / "batch" / "run"
        stray = self.folder / "tables" / "999" / "1.mdb"
        former = self.tables()["orders"].with_name("77.mdb")
        for path in (run, stray, former):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"left over")
        foreign = self.folder / "tables" / "README"
        foreign.write_bytes(b"not ours")
        status, lines, _ = check(self.folder)
        self.assertEqual(status, 1)
        self.assertEqual(sorted(line for line in lines if line.startswith("left over")), sorted(
            f'left over: "{path}"' for path in (run.parent, stray.parent, former)))
        with Server(data_dir=str(self.folder)):
            run.parent.mkdir()
            self.assertEqual(check(self.folder)[0], 0)

    def test_a_newer_format_is_refused_by_every_command(self):
        registry = self.folder / "registry.mdb"
        version = b"format_version" + (1).to_bytes(8, "little")
        self.change(registry, version, version[:-8] + (2).to_bytes(8, "little"))
        for command in (["check"], ["tables"], ["describe", "shop", "orders"],
                        ["dump", "shop", "orders"], ["backup", str(self.folder) + ".copy"]):
            with self.subTest(command=command):
                result = run_weir(command[0], "--data-dir", self.folder, *command[1:], check=False)
                self.assertEqual(result.returncode, 1)
                self.assertIn("format version 2", result.stdout + result.stderr)
        server = Server(data_dir=str(self.folder))
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(server.kill)
        server.launch()
        self.assertEqual(server.process.wait(60), 1)
        self.assertIn("format version 2", server.log())


class Backup(FolderCase):
    def setUp(self):
        super().setUp()
        self.copy = Path(str(self.folder) + ".copy")

    def backup(self, folder=None):
        return run_weir("backup", "--data-dir", folder or self.folder, self.copy, check=False)

    def dumps(self, folder):
        return {name: run_weir("dump", "--data-dir", folder, "shop", name).stdout
                for name in TABLES}

    def test_the_copy_is_a_data_folder(self):
        self.assertEqual(self.backup().returncode, 0)
        self.assertEqual(check(self.copy)[0], 0)
        self.assertEqual(self.dumps(self.copy), self.dumps(self.folder))
        with Server(data_dir=str(self.copy)) as server, server.client() as client:
            table = Table("shop", "another", COLUMNS)
            client.create("shop", table.message())
            batch = Batch(server.batch_dir, table)
            batch.replace([["1", "one", "x"]])
            self.assertEqual(client.write(batch.request()).WhichOneof("response"), "success")
            self.assertEqual(len(server.dump("shop", "another")), 1)
            self.assertEqual(len(server.dump("shop", "orders")), TABLES["orders"])

    def test_nothing_that_is_there_is_replaced(self):
        for make in (lambda: self.copy.write_text("mine"), lambda: (
                self.copy.unlink(), self.copy.mkdir(), (self.copy / "mine").write_text("mine"))):
            make()
            result = self.backup()
            self.assertEqual(result.returncode, 1)
            self.assertIn(f'could not back up to "{self.copy}": there is something already',
                          result.stderr)
        self.assertEqual([path.name for path in self.copy.iterdir()], ["mine"])
        self.assertFalse(Path(f"{self.copy}.unfinished").exists())

    def test_a_damaged_table_or_a_full_disk_leaves_nothing(self):
        os.remove(self.tables()["orders"])
        result = self.backup()
        self.assertEqual(result.returncode, 1)
        self.assertIn('table "shop.orders"', result.stderr)
        result = subprocess.run(["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", os.environ["WEIR"],
                                 "backup", "--data-dir", self.whole, self.copy],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("Free space", result.stderr)
        self.assertFalse(self.copy.exists() or Path(f"{self.copy}.unfinished").exists())

    def test_while_batches_and_migrations_run(self):
        """Every copy has whole batches, and goes on as a server's folder."""
        with Server() as server, server.client() as client:
            table = create_big_table(client, "busy")
            batches = [BigBatch(server.batch_dir, version, rows=20_000) for version in (1, 2)]
            stop = threading.Event()

            def keep_busy():
                turn = 0
                while not stop.is_set():
                    response = client.write(batches[turn % 2].request(table, 1))
                    assert response.WhichOneof("response") == "success", response
                    columns = [*table.columns, Column("more", "INT")][:3 + turn % 2]
                    request = Table("shop", "busy", columns).message()
                    client.call("AlterTable", sdk.AlterTableRequest(
                        schema_name="shop", table=request, drop_columns=True))
                    turn += 1

            writer = threading.Thread(target=keep_busy)
            writer.start()
            try:
                for number in range(2 if SANITIZED else 6):
                    copy = Path(server.folder.name, f"copy{number}")
                    server.weir("backup", copy)
                    status, lines, _ = check(copy)
                    self.assertEqual(status, 0, lines)
                    copied = Server(data_dir=str(copy))
                    self.addCleanup(copied.folder.cleanup)
                    self.assertIn(list(versions_of(copied, table).values()), ([], [20_000]))
            finally:
                stop.set()
                writer.join()


if __name__ == "__main__":
    unittest.main()

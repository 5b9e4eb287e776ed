"""Plaintext rests on disk only as rows; keys rest nowhere."""
import os
import signal
import time
import unittest
from base64 import b64encode

import destination_sdk_pb2 as sdk
from batchfile import aes, zstd
from bigbatch import create_big_table
from case import ServerCase
from server import children_of

KEY = os.urandom(32)
SECRET = b"a-secret-that-must-not-rest-on-disk"
STORED = "a-cell-that-rests-in-its-table-alone"


class Secrets(ServerCase):
    SERVER_OPTIONS = ("--workers", "2", "--run-budget", "4MiB")

    def files_with(self, *secrets):
        found = []
        for folder, _, names in os.walk(self.server.data_dir):
            for name in names:
                try:
                    with open(os.path.join(folder, name), "rb") as file:
                        content = file.read()
                except FileNotFoundError:
                    continue
                found += [(name, secret) for secret in secrets if secret in content]
        return found

    def rejected_batch(self, table):
        """Rows with the secret, and a last one that is wrong: decoded, never applied."""
        rows = b"".join(b"%d,1,%s %060d\n" % (i, SECRET, i) for i in range(400_000))
        path = os.path.join(self.server.batch_dir, "secret.csv")
        with open(path, "wb") as file:
            file.write(aes(zstd(b"id,version,notes\n" + rows + b"end,1,x\n"), KEY))
        return sdk.WriteBatchRequest(
            schema_name=table.schema, table=table.message(), keys={path: KEY},
            replace_files=[path],
            file_params=sdk.FileParams(compression=sdk.ZSTD, encryption=sdk.AES))

    def test_runs_hold_neither_rows_nor_keys(self):
        table = create_big_table(self.client, "secret")
        call = self.client.start("WriteBatch", self.rejected_batch(table))
        runs = 0
        while not call.done():
            runs = max(runs, sum(len(names) for _, _, names in
                                 os.walk(os.path.join(self.server.data_dir, "runs"))))
            self.assertEqual(self.files_with(SECRET, KEY), [])
            time.sleep(0.02)

        self.assertEqual(call.result().WhichOneof("response"), "task")
        self.assertGreater(runs, 0)
        self.assertEqual(self.files_with(SECRET, KEY), [])

    def assert_not_told(self, *keys):
        """Neither cells, passwords nor keys stand in the log or beside a process."""
        told = {"log": self.server.log().encode()}
        for title, pid in children_of(self.server.process.pid).items():
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    told[f"{name} of {title}"] = file.read()
        for place, text in told.items():
            self.assertNotIn(SECRET, text, place)
            self.assertNotIn(STORED.encode(), text, place)
            for key in keys:
                for form in (key, key.hex().encode(), key.hex().upper().encode(), b64encode(key)):
                    self.assertNotIn(form, text, place)

    def test_a_batch_that_succeeds_tells_nothing(self):
        batch = self.batch(self.new_table())
        path = batch.replace([["1", STORED, "1"]])
        self.send(batch)
        self.assert_not_told(batch.files.keys[path])

    def test_batches_that_fail_tell_nothing(self):
        """For a cell that is no number, one that is no key, and the key of another file."""
        table, keys = self.new_table(), []
        for row, key in ((["1", "x", SECRET.decode()], None),
                         ([SECRET.decode(), "x", "1"], None),
                         (["1", SECRET.decode(), "1"], KEY)):
            batch = self.batch(table)
            path = batch.replace([row])
            request = batch.request()
            request.keys[path] = key or request.keys[path]
            keys += [batch.files.keys[path], request.keys[path]]
            response = self.client.write(request)
            self.assert_task(response, os.path.basename(path))
            self.assertNotIn(SECRET.decode(), response.task.message)
        self.assert_not_told(*keys)

    def test_processes_that_are_killed_tell_nothing(self):
        table = create_big_table(self.client, "killed")
        call = self.client.start("WriteBatch", self.rejected_batch(table))
        for _ in range(3):
            time.sleep(0.3)
            for name, pid in self.server.roles().items():
                if name.startswith("worker"):
                    os.kill(pid, signal.SIGKILL)
        call.exception()
        self.assert_not_told(KEY)
        self.assertEqual(self.files_with(SECRET, KEY), [])

    def test_a_password_is_not_told(self):
        configuration = {"writerType": "Database", "host": "db", "user": "me",
                         "password": SECRET.decode()}
        self.client.test("connect", configuration)
        self.client.test("no such test", configuration)
        self.client.call("DescribeTable", sdk.DescribeTableRequest(
            configuration=configuration, schema_name=self.SCHEMA, table_name="nothing"))
        self.assert_not_told()

    def test_no_process_leaves_a_core(self):
        """1 keeps it from a program that takes cores, too (core(5)); 0 is as low as it goes."""
        roles = {**self.server.roles(), "supervisor": self.server.process.pid}
        self.assertEqual(len(roles), 5)
        for role, pid in roles.items():
            with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
                core = next(line.split() for line in limits if line.startswith("Max core file"))
            self.assertEqual([limit in ("0", "1") for limit in core[4:6]], [True, True], role)

    def test_the_data_folder_is_private(self):
        for folder in (self.server.data_dir, os.path.join(self.server.data_dir, "runs")):
            self.assertEqual(os.stat(folder).st_mode & 0o007, 0, folder)


if __name__ == "__main__":
    unittest.main()

"""Plaintext rests on disk only as rows; keys rest nowhere."""
import os
import time
import unittest

import destination_sdk_pb2 as sdk
from batchfile import aes, zstd
from bigbatch import create_big_table
from case import ServerCase
from server import children_of

KEY = os.urandom(32)
SECRET = b"a-secret-that-must-not-rest-on-disk"


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

    def test_the_log_and_the_command_lines_hold_no_key(self):
        table = self.new_table()
        batch = self.batch(table)
        path = batch.replace([["1", SECRET.decode(), "1"]])
        self.send(batch)
        key = batch.files.keys[path]

        self.assertNotIn(SECRET.decode(), self.server.log())
        self.assertNotIn(key.hex(), self.server.log().lower())
        for pid in children_of(self.server.process.pid).values():
            with open(f"/proc/{pid}/cmdline", "rb") as line:
                self.assertNotIn(key, line.read())

    def test_the_data_folder_is_private(self):
        for folder in (self.server.data_dir, os.path.join(self.server.data_dir, "runs")):
            self.assertEqual(os.stat(folder).st_mode & 0o007, 0, folder)


if __name__ == "__main__":
    unittest.main()

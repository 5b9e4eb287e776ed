"""Bad input fails its batch with a message that says where, and changes nothing else.

One row of the tables below per kind of damage. Every one is sent to a table that has rows, and
afterwards the table is as it was and takes the next batch.
"""
import gzip
import os
import socket
import tempfile
import unittest

import grpc

import common_pb2 as common
import destination_sdk_pb2 as sdk
from batchfile import aes, encrypt_blocks, zstd
from case import ServerCase
from model import READ, Column

KEY = bytes(range(32))
GOOD = b"id,name,amount\n1,uno,1\n"

# An invalid value per type, and what is wrong with it.
BAD_VALUES = {
    "BOOLEAN": ["yes", "1", "tru"],
    "SHORT": ["32768", "-32769", "1.5", "x", "1e3", "0x1", " 1", "1 "],
    "INT": ["2147483648", "-2147483649", "12a", "--1"],
    "LONG": ["9223372036854775808", "-9223372036854775809", "1" * 100],
    "DECIMAL": ["1" * 39, "0." + "1" * 38, "1E+40", "abc", "1.2.3", "NaN", "1e", "1E999999999999",
                "-", "."],
    "FLOAT": ["3.5E38", "abc", "1,5", "0x1p3", "nan(1)"],
    "DOUBLE": ["1.5x", "", "--1"],
    "NAIVE_DATE": ["2007-13-01", "2007-02-30", "2023-02-29", "12007-01-01", "2007/01/01",
                   "2007-1-1", "2007-12-03T10:00:00"],
    "NAIVE_TIME": ["24:00:00", "10:60", "10:15:61", "10", "10:15:30.1234567890"],
    "NAIVE_DATETIME": ["2007-12-03", "2007-12-03T25:00:00", "2007-12-03T10:15:30.1234567890"],
    "UTC_DATETIME": ["2007-12-03T10:15:30+99:00", "2007-12-03T10:15:30X", "yesterday"],
    "STRING": [b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"],
    "XML": [b"\xff"],
    "JSON": [b"\xff"],
}

# CSV content of a replace file of (id LONG, name STRING, amount DECIMAL) -> words that the message
# must hold besides the file's name. Rows are counted as lines from the header, which is line 1.
BAD_CSV = {
    "no bytes": (b"", ["empty"]),
    "unclosed quote": (b'id,name,amount\n1,"one,1\n2,two,2\n', ["quot"]),
    "text after a quote": (b'id,name,amount\n1,"one"x,1\n', ["line 2", "quot"]),
    "quote inside a cell": (b'id,name,amount\n1,on"e,1\n', ["line 2", "quot"]),
    "too few fields": (b"id,name,amount\n1,one,1\n2,two\n", ["line 3", "2", "3"]),
    "too many fields": (b"id,name,amount\n1,one,1,1\n", ["line 2", "4", "3"]),
    "an empty line": (b"id,name,amount\n\n1,one,1\n", ["line 2"]),
    "duplicate column": (b"id,name,name,amount\n", ["line 1", '"name"']),
    "unknown column": (b"id,name,amount,colour\n1,one,1,red\n", ["line 1", '"colour"']),
    "missing key column": (b"name,amount\none,1\n", ["line 1", '"id"', "key"]),
    "empty column name": (b"id,,amount\n1,one,1\n", ["line 1"]),
    "key is NULL": (b"id,name,amount\n1,a,1\n<null>,one,1\n", ["line 3", '"id"', "key"]),
    "key is unmodified": (b"id,name,amount\n<unmod>,one,1\n", ["line 2", '"id"']),
    "unmodified in a replace file": (b"id,name,amount\n1,<unmod>,1\n",
                                     ["line 2", '"name"', "unmodified"]),
    "empty cell in a number": (b"id,name,amount\n1,one,\n", ["line 2", '"amount"']),
    "invalid UTF-8 in the header": (b"id,name,amount\xff\n", ["line 1"]),
    "invalid UTF-8 in a cell": (b"id,name,amount\n1,\xff,1\n", ["line 2", '"name"', "UTF-8"]),
    "lines are counted inside quotes": (b'id,name,amount\n1,"a\nb",1\n2,x,x\n',
                                        ["line 4", '"amount"']),
}


def flip(content, position):
    return content[:position] + bytes([content[position] ^ 0x55]) + content[position + 1:]


CIPHERTEXT = aes(zstd(GOOD), KEY)
RANDOM = os.urandom(200_000).hex().encode()
LONG_CSV = b"id,name,amount\n1," + RANDOM + b",1\n"

# File content -> how it is wrapped. All are encrypted with KEY unless said otherwise.
BAD_FILES = {
    "empty file": (b"", sdk.ZSTD, sdk.AES),
    "half an IV": (CIPHERTEXT[:8], sdk.ZSTD, sdk.AES),
    "only an IV": (CIPHERTEXT[:16], sdk.ZSTD, sdk.AES),
    "truncated inside a block": (CIPHERTEXT[:-5], sdk.ZSTD, sdk.AES),
    "a block is missing": (CIPHERTEXT[:-16], sdk.ZSTD, sdk.AES),
    "damaged first block": (flip(CIPHERTEXT, 20), sdk.ZSTD, sdk.AES),
    "damaged last block": (flip(CIPHERTEXT, len(CIPHERTEXT) - 1), sdk.ZSTD, sdk.AES),
    "padding of 17": (encrypt_blocks(zstd(GOOD).ljust(96, b"\x11"), KEY), sdk.ZSTD, sdk.AES),
    "padding of zeros": (encrypt_blocks(zstd(GOOD).ljust(96, b"\x00"), KEY), sdk.ZSTD, sdk.AES),
    "uneven padding": (encrypt_blocks(zstd(GOOD).ljust(93, b"\x05") + b"\x04\x03\x05", KEY),
                       sdk.ZSTD, sdk.AES),
    "not encrypted": (zstd(GOOD) + bytes(-len(zstd(GOOD)) % 16), sdk.ZSTD, sdk.AES),
    "encrypted with another key": (aes(zstd(GOOD), bytes(32)), sdk.ZSTD, sdk.AES),
    "not zstd": (aes(GOOD, KEY), sdk.ZSTD, sdk.AES),
    "gzip for zstd": (aes(gzip.compress(GOOD), KEY), sdk.ZSTD, sdk.AES),
    "not gzip": (GOOD, sdk.GZIP, sdk.NONE),
    "zstd for gzip": (zstd(GOOD), sdk.GZIP, sdk.NONE),
    "truncated zstd": (zstd(LONG_CSV)[:-40_000], sdk.ZSTD, sdk.NONE),
    "zstd without its last byte": (zstd(GOOD)[:-1], sdk.ZSTD, sdk.NONE),
    "truncated gzip": (gzip.compress(LONG_CSV)[:-40_000], sdk.GZIP, sdk.NONE),
    "gzip without its last byte": (gzip.compress(GOOD)[:-1], sdk.GZIP, sdk.NONE),
    "corrupt gzip checksum": (flip(gzip.compress(GOOD), len(gzip.compress(GOOD)) - 6), sdk.GZIP,
                              sdk.NONE),
    "bytes after zstd": (zstd(GOOD) + b"more", sdk.ZSTD, sdk.NONE),
    "bytes after gzip": (gzip.compress(GOOD) + b"more", sdk.GZIP, sdk.NONE),
    "plain bytes for zstd": (GOOD, sdk.ZSTD, sdk.NONE),
    "no bytes for gzip": (b"", sdk.GZIP, sdk.NONE),
    "a zstd frame of nothing": (zstd(b""), sdk.ZSTD, sdk.NONE),
}


class BadInput(ServerCase):
    """Helpers: a table with a row, and the check that a bad batch left it and the server alone."""

    def filled_table(self, columns=None):
        table = self.new_table(columns)
        batch = self.batch(table)
        batch.replace([["1", "one", "1.5"]], header=table.names()[:3])
        self.send(batch)
        return table

    def request(self, table, encryption=sdk.NONE, compression=sdk.OFF):
        """A request without files; markers as in the tables above."""
        return sdk.WriteBatchRequest(
            schema_name=table.schema, table=table.message(),
            file_params=sdk.FileParams(compression=compression, encryption=encryption,
                                       null_string="<null>", unmodified_string="<unmod>"))

    def file(self, content, name=None):
        path = os.path.join(self.server.batch_dir, name or f"bad-{os.urandom(6).hex()}.csv")
        with open(path, "wb") as file:
            file.write(content)
        return path

    def assert_refused(self, table, request, *words):
        """The batch is a task that holds the words; nothing changed; the next batch works."""
        response = self.client.write(request)
        self.assert_task(response, *words)
        self.assert_table(table)
        good = self.batch(table)
        good.replace([["1", "one", "1.5"]], header=table.names()[:3])
        self.send(good)

    def assert_file_refused(self, table, request, path, *words):
        self.assert_refused(table, request, f'table "{table.schema}.{table.name}"',
                            os.path.basename(path), *words)


class Paths(BadInput):
    def test_paths_that_are_no_readable_file(self):
        table = self.filled_table()
        fifo = os.path.join(self.server.batch_dir, "fifo.csv")
        os.mkfifo(fifo)
        listening = os.path.join(self.server.batch_dir, "socket.csv")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(listening)
        self.addCleanup(listener.close)
        loop = os.path.join(self.server.batch_dir, "loop.csv")
        os.symlink(loop, loop)
        folder = os.path.join(self.server.batch_dir, "folder.csv")
        os.mkdir(folder)
        for path in [os.path.join(self.server.batch_dir, "missing.csv"), fifo, listening, loop,
                     folder, "/dev/null", "/dev/zero", "relative.csv",
                     "/" + "long" * 1100 + "/end.csv"]:
            with self.subTest(path=path[-60:]):
                request = self.request(table)
                request.replace_files.append(path)
                self.assert_file_refused(table, request, path)

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_a_file_without_read_permission(self):
        table = self.filled_table()
        path = self.file(GOOD)
        os.chmod(path, 0)
        request = self.request(table)
        request.replace_files.append(path)
        self.assert_file_refused(table, request, path, "denied")

    def test_a_missing_file_in_any_phase_and_place(self):
        table = self.filled_table()
        for phase in ("replace_files", "update_files", "delete_files"):
            with self.subTest(phase=phase):
                request = self.request(table)
                request.replace_files.extend([self.file(GOOD), self.file(GOOD)])
                getattr(request, phase).append("/nonexistent/b-7.csv")
                self.assert_refused(table, request, "b-7.csv")

    def test_an_empty_path(self):
        table = self.filled_table()
        request = self.request(table)
        request.replace_files.append("")
        self.assert_refused(table, request)


class Keys(BadInput):
    def test_no_key_for_an_encrypted_file(self):
        table = self.filled_table()
        request = self.request(table, sdk.AES, sdk.ZSTD)
        path = self.file(CIPHERTEXT)
        request.replace_files.append(path)
        self.assert_file_refused(table, request, path, "key")

    def test_a_key_for_a_path_spelt_otherwise(self):
        table = self.filled_table()
        request = self.request(table, sdk.AES, sdk.ZSTD)
        path = self.file(CIPHERTEXT)
        request.replace_files.append(path)
        request.keys[path.replace("/bad-", "//bad-")] = KEY
        self.assert_file_refused(table, request, path, "key")

    def test_a_key_of_a_wrong_length(self):
        table = self.filled_table()
        for length in (0, 1, 16, 31, 33, 64):
            with self.subTest(length=length):
                request = self.request(table, sdk.AES, sdk.ZSTD)
                path = self.file(CIPHERTEXT)
                request.replace_files.append(path)
                request.keys[path] = bytes(length)
                self.assert_file_refused(table, request, path, "key", "32")


class Contents(BadInput):
    def test_damaged_files(self):
        table = self.filled_table()
        for name, (content, compression, encryption) in BAD_FILES.items():
            with self.subTest(name):
                request = self.request(table, encryption, compression)
                path = self.file(content)
                request.replace_files.append(path)
                request.keys[path] = KEY
                self.assert_file_refused(table, request, path)

    def test_bad_csv(self):
        table = self.filled_table()
        for name, (content, words) in BAD_CSV.items():
            with self.subTest(name):
                request = self.request(table)
                path = self.file(content)
                request.replace_files.append(path)
                self.assert_file_refused(table, request, path, *words)

    def test_bad_csv_beside_good_files_and_after_many_rows(self):
        table = self.filled_table()
        rows = "".join(f"{i},name,1\n" for i in range(300_000))
        path = self.file(f"id,name,amount\n{rows}7,bad,number\n".encode())
        request = self.request(table)
        request.replace_files.extend([self.file(GOOD), path, self.file(GOOD)])
        self.assert_file_refused(table, request, path, "line 300002", '"amount"')

    def test_unmodified_in_update_and_delete_keys(self):
        table = self.filled_table()
        for phase in ("update_files", "delete_files"):
            for cell in ("<unmod>", "<null>"):
                with self.subTest(phase=phase, cell=cell):
                    request = self.request(table)
                    path = self.file(f"id,name,amount\n{cell},x,1\n".encode())
                    getattr(request, phase).append(path)
                    self.assert_file_refused(table, request, path, "line 2", '"id"')

    def test_values_that_are_not_of_their_type(self):
        for type_name, values in BAD_VALUES.items():
            table = self.filled_table([Column("id", "LONG", key=True), Column("name", "STRING"),
                                       Column("amount", "DECIMAL"), Column("the value", type_name)])
            # The helper's rows leave the last column alone.
            for value in values:
                with self.subTest(type=type_name, value=value):
                    cell = value if isinstance(value, bytes) else value.encode()
                    path = self.file(b'id,the value\n5,"' + cell + b'"\n')
                    request = self.request(table)
                    request.update_files.append(path)
                    self.assert_file_refused(table, request, path, "line 2", '"the value"')

    def test_nan_in_a_key(self):
        for type_name in ("FLOAT", "DOUBLE"):
            table = self.new_table([Column("id", type_name, key=True), Column("name", "STRING")])
            path = self.file(b"id,name\nNaN,x\n")
            request = self.request(table)
            request.replace_files.append(path)
            self.assert_task(self.client.write(request), os.path.basename(path), "line 2", '"id"')

    def test_messages_quote_no_value(self):
        table = self.filled_table()
        request = self.request(table)
        request.replace_files.append(self.file(b"id,name,amount\n1,x,secret-value\n"))

        response = self.client.write(request)

        self.assertNotIn("secret-value", response.task.message)
        self.assertNotIn("secret-value", self.server.log())

    def test_long_names_are_cut_and_the_message_arrives(self):
        table = self.filled_table()
        request = self.request(table)
        name = "ü" * 100_000
        request.replace_files.append(self.file(f"id,{name}\n1,x\n".encode()))
        self.assert_refused(table, request, "line 1")


class Limits(BadInput):
    SERVER_OPTIONS = ("--cell-max", "1MiB", "--file-max", "4MiB")

    def test_a_cell_over_the_limit(self):
        table = self.filled_table()
        path = self.file(b"id,name,amount\n1," + b"x" * 1_100_000 + b",1\n")
        request = self.request(table)
        request.replace_files.append(path)
        self.assert_file_refused(table, request, path, "line 2", '"name"')

    def test_a_quoted_cell_that_never_ends(self):
        table = self.filled_table()
        path = self.file(b'id,name,amount\n1,"' + b"x\n" * 1_000_000)
        request = self.request(table)
        request.replace_files.append(path)
        self.assert_file_refused(table, request, path)

    def test_a_file_that_decodes_to_more_than_the_limit(self):
        table = self.filled_table()
        bomb = b"id,name,amount\n" + (b"1," + b"x" * 50 + b",1\n") * 100_000
        for compression, content in [(sdk.ZSTD, zstd(bomb)), (sdk.GZIP, gzip.compress(bomb)),
                                     (sdk.OFF, bomb)]:
            with self.subTest(compression=compression):
                request = self.request(table, compression=compression)
                path = self.file(content)
                request.replace_files.append(path)
                self.assert_file_refused(table, request, path)


class BatchLimits(BadInput):
    SERVER_OPTIONS = ("--batch-files-max", "3", "--batch-max", "1MiB")

    def test_too_many_files(self):
        table = self.filled_table()
        batch = self.batch(table)
        for row in range(4):
            batch.replace([[str(row), "x", "1"]])
        self.assert_refused(table, batch.request(), f'table "{table.schema}.{table.name}"',
                            "the batch has 4 files, the limit is 3", "--batch-files-max")

    def test_too_much_on_disk(self):
        table = self.filled_table()
        batch = self.batch(table, compression=sdk.OFF, encryption=sdk.NONE)
        for _ in range(3):
            batch.replace([[str(row), "x" * 1000, "1"] for row in range(400)])
        size = sum(os.path.getsize(path) for path, _, _ in batch.phases["replace"])
        self.assert_refused(table, batch.request(), f'table "{table.schema}.{table.name}"',
                            f"take {size} bytes on disk, the limit is {1 << 20}", "--batch-max")


class BatchDir(BadInput):
    @classmethod
    def setUpClass(cls):
        cls.inside = tempfile.TemporaryDirectory(prefix="weir-inside-")
        cls.SERVER_OPTIONS = ("--batch-dir", cls.inside.name)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.inside.cleanup()

    def test_paths_outside_the_batch_folder(self):
        table = self.new_table()
        outside = self.file(GOOD)
        link = os.path.join(self.inside.name, "link.csv")
        os.symlink(outside, link)
        for path in [outside, link, "/etc/passwd",
                     os.path.join(self.inside.name, "..", os.path.relpath(outside, "/tmp")),
                     self.inside.name + "-more/x.csv"]:
            with self.subTest(path=path):
                request = self.request(table)
                request.replace_files.append(path)
                self.assert_task(self.client.write(request), os.path.basename(path))
                self.assert_table(table)

    def test_paths_inside_the_batch_folder(self):
        table = self.new_table()
        path = os.path.join(self.inside.name, "good.csv")
        with open(path, "wb") as file:
            file.write(GOOD)
        request = self.request(table)
        request.replace_files.append(path)
        self.assert_success(self.client.write(request))


class Requests(BadInput):
    def test_enum_values_that_the_protocol_does_not_know(self):
        table = self.filled_table()
        for field in ("compression", "encryption"):
            with self.subTest(field=field):
                request = self.request(table)
                request.replace_files.append(self.file(GOOD))
                setattr(request.file_params, field, 7)
                self.assert_refused(table, request, field, "7")

    def test_a_table_that_is_not_there(self):
        table = self.filled_table()
        for schema, name in [("shop", "nothing"), ("nowhere", table.name)]:
            request = self.request(table)
            request.schema_name = schema
            request.table.name = name
            request.replace_files.append(self.file(GOOD))
            self.assert_refused(table, request, f"{schema}.{name}")

    def test_a_request_without_a_table(self):
        response = self.client.write(sdk.WriteBatchRequest(schema_name="shop"))
        self.assert_task(response)

    def test_a_column_that_the_table_lacks(self):
        table = self.filled_table()
        request = self.request(table)
        request.table.columns.add(name="colour", type=common.STRING)
        request.replace_files.append(self.file(GOOD))
        self.assert_refused(table, request, '"colour"')

    def test_a_column_of_another_type(self):
        table = self.filled_table()
        request = self.request(table)
        request.table.columns[1].type = common.INT
        request.replace_files.append(self.file(GOOD))
        self.assert_refused(table, request, '"name"', "STRING", "INT")

    def test_a_column_of_other_key_membership(self):
        table = self.filled_table()
        for index, key in [(0, False), (1, True)]:
            with self.subTest(index=index):
                request = self.request(table)
                request.table.columns[0].primary_key = True
                request.table.columns[index].primary_key = key
                request.replace_files.append(self.file(GOOD))
                self.assert_refused(table, request, request.table.columns[index].name, "key")

    def test_a_column_type_that_the_protocol_does_not_know(self):
        table = self.filled_table()
        request = self.request(table)
        request.table.columns[1].type = 99
        request.replace_files.append(self.file(GOOD))
        self.assert_refused(table, request, '"name"')

    def test_absent_columns_and_other_params_are_fine(self):
        table = self.filled_table()
        request = self.request(table)
        del request.table.columns[1]
        request.table.columns[1].params.decimal.precision = 5
        request.replace_files.append(self.file(b"id,amount\n1,3\n"))

        self.assert_success(self.client.write(request))

    def assert_malformed(self, table, content, rpc="WriteBatch"):
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.raw(f"/fivetran_sdk.v2.DestinationConnector/{rpc}", content)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT,
                         caught.exception.details())
        self.assertTrue(caught.exception.details())
        self.assert_table(table)

    def test_requests_of_millions_of_small_parts_are_refused_before_they_are_unpacked(self):
        table = self.filled_table()
        before = self.frontend_peak()
        for name, content in {
                "empty strings": b"\x2a\x00" * 8_000_000,
                "unknown fields": b"\xa0\x06\x01" * 8_000_000,
                "empty columns": b"\x1a\x80\x80\x80\x06" + b"\x12\x00" * (6 * 1024 * 1024)}.items():
            with self.subTest(name):
                self.assert_malformed(table, content)
        self.assertLess(self.frontend_peak() - before, 300 * 1024 * 1024)

    def frontend_peak(self):
        pid = self.server.roles()["frontend"]
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status
                        if line.startswith("VmHWM"))

    def test_names_with_nul_or_invalid_utf8(self):
        table = self.filled_table()
        for name in (b"a\0b", b"\xff", b"\xed\xa0\x80"):
            name_field = bytes([len(name)]) + name
            with self.subTest(name=name):
                self.assert_malformed(table, b"\x12" + name_field)
                self.assert_malformed(table, b"\x2a" + name_field)
                self.assert_malformed(table, b"\x12" + name_field, rpc="DescribeTable")

    def test_bytes_that_are_no_message(self):
        table = self.filled_table()
        for content in (b"\xff\xff\xff", b"\x12\xff\xff\xff\xff\x0f", b"\x12\x05ab", b"\x0b",
                        b"\x00", os.urandom(1000).replace(b"\x00", b"\x01") + b"\xff"):
            with self.subTest(content=content[:10]):
                self.assert_malformed(table, content)


class EveryType(unittest.TestCase):
    def test_every_type_that_can_be_wrong_has_a_wrong_value(self):
        """Any text is a BINARY value."""
        self.assertEqual(set(BAD_VALUES), set(READ) - {"BINARY"})


if __name__ == "__main__":
    unittest.main()

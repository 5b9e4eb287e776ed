"""WriteBatch as the rules have it: every type, every phase, every wrapping of a file."""
import gzip
import unittest

import zstandard

import destination_sdk_pb2 as sdk
from batchfile import NULL, UNMODIFIED, zstd
from case import ServerCase
from model import READ, Column
from samples import DATETIMES, TEXTS, VALUES

# In a primary key each value once; 12Z and 12.000Z would be the same key.
KEYS = {
    **{name: values for name, values in VALUES.items()},
    "BOOLEAN": ["true", "false"],
    "FLOAT": [v for v in VALUES["FLOAT"] if v not in ("NaN", "inf", "3.4028237E+38")],
    "DOUBLE": [v for v in VALUES["DOUBLE"] if v not in ("NaN", "inf")],
    "NAIVE_DATE": VALUES["NAIVE_DATE"][:5],
    "NAIVE_DATETIME": DATETIMES[1:2] + DATETIMES[3:],
    "UTC_DATETIME": [text + "Z" for text in DATETIMES[3:]] + ["2007-12-03T10:15:30+02:00"],
    "BINARY": ["", "AA==", "AAA=", "aGVsbG8=", "not base64!", "/w=="],
    "STRING": TEXTS,
    "DECIMAL": [v for v in VALUES["DECIMAL"] if v != "0.10"] + ["-0.5", "0.05", "-7E3"],
}

WRAPPINGS = [(compression, encryption) for compression in (sdk.OFF, sdk.ZSTD, sdk.GZIP)
             for encryption in (sdk.NONE, sdk.AES)]


class Types(ServerCase):
    def test_every_type_has_values(self):
        self.assertEqual(set(VALUES), set(READ))

    def test_values_of_every_type_are_stored_exactly(self):
        for type_name, values in VALUES.items():
            with self.subTest(type=type_name):
                table = self.new_table([Column("id", "INT", key=True), Column("v", type_name)])
                batch = self.batch(table)
                batch.replace([[str(i), value] for i, value in enumerate([*values, NULL])])
                self.send(batch)

    def test_values_of_every_type_are_keys_in_order(self):
        for type_name, values in KEYS.items():
            with self.subTest(type=type_name):
                table = self.new_table([Column("k", type_name, key=True), Column("v", "STRING")])
                batch = self.batch(table)
                batch.replace([[value, f"value {i}"] for i, value in enumerate(values)])
                self.send(batch)

    def test_keys_longer_than_the_store_allows_are_told_apart(self):
        """Beyond what the store orders by they come in any order, but each is its own row."""
        table = self.new_table([Column("k", "STRING", key=True), Column("v", "INT")])
        keys = ["k" * length + end for length in (500, 510, 520, 5000) for end in "abc"]
        first = self.batch(table)
        first.replace([[key, "1"] for key in keys])
        self.assert_success(self.client.write(first.request()))
        second = self.batch(table)
        second.update([[key, "2"] for key in keys if key.endswith("b")])
        second.delete([[key, NULL] for key in keys if key.endswith("c")])

        self.assert_success(self.client.write(second.request()))

        rows = {row["k"]: row["v"] for row in self.server.dump(table.schema, table.name)}
        self.assertEqual(rows, {key: 2 if key.endswith("b") else 1
                                for key in keys if not key.endswith("c")})

    def test_decimals_with_surplus_zeros_are_accepted(self):
        table = self.new_table([Column("id", "INT", key=True), Column("v", "DECIMAL")])
        batch = self.batch(table)
        batch.replace([["1", "1.5" + "0" * 60], ["2", "000000" + "1" * 38]])

        self.assert_success(self.client.write(batch.request()))

        rows = self.server.dump(table.schema, table.name)
        self.assertEqual(float(rows[0]["v"]), 1.5)
        self.assertEqual(rows[1]["v"], "1" * 38)

    def test_decimal_params_limit_no_value(self):
        table = self.new_table([Column("id", "INT", key=True),
                                Column("price", "DECIMAL", precision=6, scale=3)])
        batch = self.batch(table)
        batch.replace([["1", "1234567.123456"], ["2", "9" * 38], ["3", "0." + "0" * 36 + "1"]])
        self.send(batch)

    def test_equal_keys_in_other_forms_are_one_row(self):
        forms = {"DECIMAL": ["3.3", "3.30", "33E-1"], "DOUBLE": ["-0", "0", "0.0"],
                 "UTC_DATETIME": ["2020-01-01T12:00:00Z", "2020-01-01T12:00:00.000Z",
                                  "2020-01-01T14:00:00+02:00"]}
        for type_name, values in forms.items():
            with self.subTest(type=type_name):
                table = self.new_table([Column("k", type_name, key=True), Column("v", "INT")])
                batch = self.batch(table)
                batch.replace([[value, str(i)] for i, value in enumerate(values)])
                self.assert_success(self.client.write(batch.request()))
                rows = self.server.dump(table.schema, table.name)
                self.assertEqual([row["v"] for row in rows], [len(values) - 1])

    def test_text_that_is_not_base64_is_logged_once_as_a_warning(self):
        table = self.new_table([Column("id", "INT", key=True), Column("picture", "BINARY")])
        batch = self.batch(table)
        path = batch.replace([[str(i), "not base64!"] for i in range(100)])

        self.send(batch)

        lines = [line for line in self.server.log_lines()
                 if line["level"] == "WARNING" and "picture" in line["message"]
                 and path.rsplit("/", 1)[1] in line["message"]]
        self.assertEqual(len(lines), 1)

    def test_composite_keys_keep_their_order(self):
        table = self.new_table([Column("a", "STRING", key=True), Column("b", "INT", key=True),
                                Column("c", "BINARY", key=True), Column("v", "STRING")])
        batch = self.batch(table)
        batch.replace([[a, b, c, a + b + c] for a in ["", "a", "a\0", "a\0b", "ab", "b"]
                       for b in ["-1", "0", "1"] for c in ["", "AA==", "AAA=", "AQ=="]])
        self.send(batch)


class Elsewhere(Types):
    """Times are UTC and numbers have points wherever the server runs."""
    SERVER_ENVIRONMENT = {"TZ": "Asia/Kolkata", "LC_ALL": "de_DE.UTF-8"}


class Phases(ServerCase):
    def filled(self):
        """A table with rows 0 to 9."""
        table = self.new_table()
        batch = self.batch(table)
        batch.replace([[str(i), f"name {i}", f"{i}.5"] for i in range(10)])
        self.send(batch)
        return table

    def test_replace_inserts_and_overwrites(self):
        table = self.filled()
        batch = self.batch(table)
        batch.replace([["5", "new", NULL], ["11", "eleven", "1"]])
        self.send(batch)

    def test_update_sets_only_what_is_modified(self):
        table = self.filled()
        batch = self.batch(table)
        batch.update([["1", UNMODIFIED, "100"], ["2", "two", UNMODIFIED], ["3", NULL, NULL],
                      ["4", UNMODIFIED, UNMODIFIED]])
        self.send(batch)

    def test_update_and_delete_of_missing_rows_are_skipped(self):
        table = self.filled()
        batch = self.batch(table)
        batch.update([["77", "ghost", "1"]])
        batch.delete([["78", NULL, NULL]])
        self.send(batch)

    def test_delete_ignores_all_but_the_key(self):
        table = self.filled()
        batch = self.batch(table)
        batch.delete([["1", "whatever", "no number"], ["2", NULL, UNMODIFIED]])
        self.send(batch)

    def test_phases_run_in_order_whatever_the_files_hold(self):
        table = self.filled()
        batch = self.batch(table)
        batch.delete([["1", NULL, NULL]])
        batch.update([["1", "updated", UNMODIFIED], ["20", "updated", UNMODIFIED]])
        batch.replace([["1", "replaced", "1"], ["20", "replaced", "20"]])
        self.send(batch)

    def test_files_of_a_phase_apply_in_list_order(self):
        table = self.filled()
        batch = self.batch(table)
        for version in range(5):
            batch.replace([["1", f"version {version}", str(version)]])
        for version in range(5):
            batch.update([["2", f"version {version}", UNMODIFIED if version else "9"]])
        self.send(batch)

    def test_rows_with_one_key_apply_in_row_order(self):
        table = self.filled()
        batch = self.batch(table)
        batch.replace([["1", "first", "1"], ["1", "second", "2"]])
        batch.update([["1", "third", UNMODIFIED], ["1", UNMODIFIED, "4"], ["1", NULL, UNMODIFIED]])
        self.send(batch)

    def test_batches_follow_each_other(self):
        table = self.filled()
        for i in range(20):
            batch = self.batch(table)
            batch.replace([[str(i), f"again {i}", str(i)]])
            batch.delete([[str(i - 3), NULL, NULL]])
            self.send(batch)

    def test_empty_phases_and_empty_batches_are_fine(self):
        table = self.filled()
        self.send(self.batch(table))
        batch = self.batch(table)
        batch.update([["1", "only an update", UNMODIFIED]])
        self.send(batch)


class Headers(ServerCase):
    def test_files_may_order_their_columns_as_they_like(self):
        table = self.new_table()
        batch = self.batch(table)
        batch.replace([["one", "1.5", "1"]], header=["name", "amount", "id"])
        batch.replace([["2.5", "2", "two"]], header=["amount", "id", "name"])
        batch.update([[UNMODIFIED, "1", "7"]], header=["name", "id", "amount"])
        batch.delete([["x", "2", "y"]], header=["name", "id", "amount"])
        self.send(batch)

    def test_a_missing_column_is_null_in_replace_and_unmodified_in_update(self):
        table = self.new_table()
        first = self.batch(table)
        first.replace([["1", "one", "1"], ["2", "two", "2"]])
        self.send(first)

        batch = self.batch(table)
        batch.replace([["1", "uno"]], header=["id", "name"])
        batch.update([["2", "due"]], header=["id", "name"])
        self.send(batch)

    def test_a_column_absent_from_the_request_too_keeps_its_value(self):
        table = self.new_table()
        first = self.batch(table)
        first.replace([["1", "one", "1"]])
        self.send(first)
        batch = self.batch(table)
        batch.replace([["1", "uno"], ["2", "due"]], header=["id", "name"])
        request = batch.request()
        del request.table.columns[2]

        self.assert_success(self.client.write(request))

        table.replace(["id", "name"], [["1", "uno"], ["2", "due"]], ["id", "name"])
        self.assert_table(table)

    def test_a_delete_file_may_hold_only_the_key(self):
        table = self.new_table()
        first = self.batch(table)
        first.replace([["1", "one", "1"], ["2", "two", "2"]])
        self.send(first)
        batch = self.batch(table)
        batch.delete([["2"]], header=["id"])
        self.send(batch)

    def test_a_header_without_rows_is_valid(self):
        table = self.new_table()
        batch = self.batch(table)
        batch.replace([])
        batch.update([])
        batch.delete([])
        self.send(batch)


class Csv(ServerCase):
    def send_csv(self, table, content, null_string="<null>", **file_options):
        batch = self.batch(table, null_string=null_string, unmodified_string="<unmodified>",
                           **file_options)
        request = batch.request()
        request.replace_files.append(batch.files.add_csv(content))
        request.keys.update(batch.files.keys)
        self.assert_success(self.client.write(request))
        return self.server.dump(table.schema, table.name)

    def names(self, content, **options):
        rows = self.send_csv(self.new_table([Column("id", "INT", key=True),
                                             Column("name", "STRING")]), content, **options)
        return [row["name"] for row in rows]

    def test_line_ends(self):
        for content in [b"id,name\n1,a\n2,b\n", b"id,name\r\n1,a\r\n2,b\r\n",
                        b"id,name\n1,a\n2,b", b"id,name\r\n1,a\n2,b\r\n",
                        b"\xef\xbb\xbfid,name\n1,a\n2,b\n"]:
            with self.subTest(content=content):
                self.assertEqual(self.names(content), ["a", "b"])

    def test_quotes(self):
        self.assertEqual(self.names(b'"id","name"\n"1","a ""quoted"" b"\n2,"x,\ny"\n3,"\r\n"\n'),
                         ['a "quoted" b', "x,\ny", "\r\n"])

    def test_a_marker_is_a_marker_in_quotes_too(self):
        self.assertEqual(self.names(b'id,name\n1,<null>\n2,"<null>"\n3, <null>\n4,<NULL>\n'
                                    b'5,null\n6,NULL\n'),
                         [None, None, " <null>", "<NULL>", "null", "NULL"])

    def test_an_empty_cell_is_null_where_the_null_string_is_empty(self):
        self.assertEqual(self.names(b'id,name\n1,\n2,""\n3,x\n', null_string=""),
                         [None, "", "x"])

    def test_an_empty_cell_is_an_empty_string_elsewhere(self):
        self.assertEqual(self.names(b'id,name\n1,\n2,""\n'), ["", ""])

    def test_absent_file_params_mean_plain_files_and_empty_markers(self):
        table = self.new_table([Column("id", "INT", key=True), Column("name", "STRING")])
        batch = self.batch(table, compression=sdk.OFF, encryption=sdk.NONE)
        request = batch.request()
        request.ClearField("file_params")
        request.replace_files.append(batch.files.add_csv(b'id,name\n1,\n2,""\n'))

        self.assert_success(self.client.write(request))

        self.assertEqual([row["name"] for row in self.server.dump(table.schema, table.name)],
                         [None, ""])

    def test_a_cell_of_20_megabytes(self):
        self.assertEqual(self.names(b"id,name\n1," + b"x" * 20_000_000 + b"\n2,b\n"),
                         ["x" * 20_000_000, "b"])

    def test_a_file_of_a_thousand_columns(self):
        columns = [Column("id", "LONG", key=True)] + \
            [Column(f"column {i}", "STRING") for i in range(999)]
        batch = self.batch(self.new_table(columns))
        batch.replace([[str(row)] + [f"{row}/{i}" for i in range(999)] for row in range(20)])
        self.send(batch)


class Wrapping(ServerCase):
    def test_every_compression_and_encryption(self):
        for compression, encryption in WRAPPINGS:
            with self.subTest(compression=compression, encryption=encryption):
                table = self.new_table()
                batch = self.batch(table, compression=compression, encryption=encryption)
                batch.replace([[str(i), f"name {i}", str(i)] for i in range(1000)])
                batch.update([["5", "five", UNMODIFIED]])
                batch.delete([["6", NULL, NULL]])
                self.send(batch)

    def send_compressed(self, compression, content):
        """Sends already compressed bytes of rows (id, name) and returns the names."""
        table = self.new_table([Column("id", "INT", key=True), Column("name", "STRING")])
        batch = self.batch(table, compression=compression)
        request = batch.request()
        request.replace_files.append(batch.files.add_compressed(content))
        request.keys.update(batch.files.keys)
        self.assert_success(self.client.write(request))
        return [row["name"] for row in self.server.dump(table.schema, table.name)]

    def test_several_zstd_frames_are_one_file(self):
        skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"ABCDE"
        content = zstd(b"id,name\n1,a\n2") + skippable + zstd(b"") + zstd(b",b\n3,c\n")

        self.assertEqual(self.send_compressed(sdk.ZSTD, content), ["a", "b", "c"])

    def test_zstd_frames_with_size_and_checksum(self):
        compressor = zstandard.ZstdCompressor(write_content_size=True, write_checksum=True)
        content = compressor.compress(b"id,name\n1,a\n")

        self.assertEqual(self.send_compressed(sdk.ZSTD, content), ["a"])

    def test_several_gzip_members_are_one_file(self):
        content = gzip.compress(b"id,name\n1,a\n2") + gzip.compress(b",b\n")

        self.assertEqual(self.send_compressed(sdk.GZIP, content), ["a", "b"])

    def test_keys_are_ignored_where_nothing_is_encrypted(self):
        table = self.new_table()
        batch = self.batch(table, encryption=sdk.NONE)
        path = batch.replace([["1", "one", "1"]])
        request = batch.request()
        request.keys[path] = b"short"

        self.assert_success(self.client.write(request))

        batch.apply_to_model()
        self.assert_table(table)

    def test_the_file_is_left_where_it_is(self):
        batch = self.batch(self.new_table())
        path = batch.replace([["1", "one", "1"]])
        with open(path, "rb") as file:
            before = file.read()

        self.send(batch)

        with open(path, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_a_batch_sent_again_changes_nothing(self):
        table = self.new_table()
        batch = self.batch(table)
        batch.replace([["1", "one", "1"], ["2", "two", "2"]])
        batch.update([["1", "uno", UNMODIFIED]])
        batch.delete([["2", NULL, NULL]])
        self.send(batch)

        self.assert_success(self.client.write(batch.request()))

        self.assert_table(table)


class OddNames(ServerCase):
    def test_tables_and_columns_of_any_name_take_rows(self):
        for name in ['"', " ", "'", "\\", "a.b", "ü", "a,b", "x\ny"]:
            with self.subTest(name=name):
                table = self.new_table([Column(name, "INT", key=True), Column(name * 2, "STRING")])
                batch = self.batch(table)
                batch.replace([["1", "one"]])
                self.send(batch)


if __name__ == "__main__":
    unittest.main()

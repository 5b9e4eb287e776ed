"""Migrate: every operation and its rules, as a client sees them."""
import threading
import unittest
from pathlib import Path

import common_pb2 as common
import destination_sdk_pb2 as sdk
from batchfile import NULL
from case import ServerCase
from history import HistoryBatch
from migration import (Kind, add_column, add_in_history, change_mode, copy_column, copy_table,
                       copy_to_history, drop_in_history, drop_table, migrate_request,
                       rename_column, rename_table, update_column)
from model import END_OF_TIME, SYSTEM_COLUMNS, Column, HistoryTable, Table

T1, T2, T3 = "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"
BEFORE_T2, BEFORE_T3 = "2024-01-31T23:59:59.999Z", "2024-02-29T23:59:59.999Z"
FIRST = "0001-01-01T00:00:00Z"

ID, NAME = Column("id", "LONG", key=True), Column("name", "STRING")
PRICE = Column("price", "DECIMAL", precision=10, scale=2)
DELETED, SYNCED = Column("_fivetran_deleted", "BOOLEAN"), Column("_fivetran_synced", "UTC_DATETIME")
HISTORY_COLUMNS = [ID, NAME, *SYSTEM_COLUMNS]


class MigrateCase(ServerCase):
    def table_with(self, columns, *rows):
        table = self.new_table(columns)
        batch = self.batch(table)
        batch.replace(rows)
        self.send(batch)
        return table

    def history_with(self, *rows, columns=None):
        """Rows: the record's cells, start, end, active, synced."""
        table = HistoryTable(self.SCHEMA, f"table_{next(self.table_numbers)}",
                             columns or HISTORY_COLUMNS)
        self.assert_success(self.client.create(table.schema, table.message()))
        batch = HistoryBatch(self.server.batch_dir, table)
        batch.replace(rows)
        self.assert_success(self.client.write_history(batch.request()))
        return table

    def migrate(self, table, schema=None, **operation):
        return self.client.call("Migrate",
                                migrate_request(schema or self.SCHEMA, table, **operation))

    def rows(self, name):
        return self.server.dump(self.SCHEMA, name)

    def columns(self, name):
        answer = self.client.describe(self.SCHEMA, name)
        if answer.WhichOneof("response") == "not_found":
            return None
        return [(column.name, common.DataType.Name(column.type), column.primary_key)
                for column in answer.table.columns]

    def params(self, name, column):
        return next(c.params for c in self.client.describe(self.SCHEMA, name).table.columns
                    if c.name == column)

    def assert_refused(self, table, response, *words):
        """A task that names the table, and says why; nothing has changed."""
        self.assert_task(response, table, *words)
        self.assertEqual((self.columns(table), self.rows(table)), self.before)

    def remember(self, table):
        self.before = (self.columns(table), self.rows(table))

    def new_name(self):
        return f"table_{next(self.table_numbers)}"


class Requests(MigrateCase):
    def test_what_is_unknown_or_unset_or_live_is_unsupported(self):
        table = self.table_with([ID, NAME], ["1", "one"])
        self.remember(table.name)
        operations = [{}, {"drop": sdk.DropOperation()}, {"copy": sdk.CopyOperation()},
                      {"rename": sdk.RenameOperation()}, {"add": sdk.AddOperation()},
                      {"drop": sdk.DropOperation(drop_table=False)}]
        operations += [change_mode(kind) for kind in (
            Kind.SOFT_DELETE_TO_LIVE, Kind.HISTORY_TO_LIVE, Kind.LIVE_TO_SOFT_DELETE,
            Kind.LIVE_TO_HISTORY, 17)]
        for operation in operations:
            with self.subTest(operation=operation):
                response = self.migrate(table.name, **operation)
                self.assertEqual(response.WhichOneof("response"), "unsupported")
                self.assertTrue(response.unsupported)
        self.assertEqual((self.columns(table.name), self.rows(table.name)), self.before)

    def test_requests_without_details_or_names_are_tasks(self):
        self.assert_task(self.client.call("Migrate", sdk.MigrateRequest()), "details")
        for names, operation in [({"schema": "", "table": "a"}, drop_table()),
                                 ({"schema": "shop", "table": ""}, drop_table()),
                                 ({"schema": "shop", "table": "a"}, rename_table("", "b")),
                                 ({"schema": "shop", "table": "a"}, rename_table("a", "")),
                                 ({"schema": "shop", "table": "a"}, copy_table("a", ""))]:
            request = migrate_request(**names, **operation)
            with self.subTest(request=request):
                self.assert_task(self.client.call("Migrate", request), "name")

    def test_a_missing_table_is_a_task(self):
        for operation in (rename_table("none", "other"), copy_table("none", "other"),
                          copy_to_history("none", "other"), rename_column("a", "b"),
                          copy_column("a", "b"), add_column("a", "INT", "1"),
                          update_column("a", "1"), add_in_history("a", "INT", "1", T1),
                          drop_in_history("a", T1), change_mode(Kind.SOFT_DELETE_TO_HISTORY),
                          change_mode(Kind.HISTORY_TO_SOFT_DELETE)):
            with self.subTest(operation=operation):
                self.assert_task(self.migrate("none", **operation), "none", "no such table")


class Tables(MigrateCase):
    def test_drop_table_and_again(self):
        table = self.table_with([ID, NAME], ["1", "one"])
        folders = self.folders()
        for _ in range(2):
            self.assert_success(self.migrate(table.name, **drop_table()))
            self.assertIsNone(self.columns(table.name))
        self.assertEqual(len(self.folders()), len(folders) - 1)
        self.assert_success(self.client.create(table.schema, table.message()))
        self.assertEqual(self.rows(table.name), [])

    def folders(self):
        return sorted(Path(self.server.data_dir, "tables").glob("*"))

    def test_rename_table_keeps_everything_and_again(self):
        table = self.table_with([ID, NAME, PRICE], ["1", "one", "2.50"])
        columns, rows, target = self.columns(table.name), self.rows(table.name), self.new_name()
        for _ in range(2):
            self.assert_success(self.migrate(table.name, **rename_table(table.name, target)))
            self.assertIsNone(self.columns(table.name))
            self.assertEqual((self.columns(target), self.rows(target)), (columns, rows))

    def test_rename_to_a_table_that_exists_is_refused(self):
        table = self.table_with([ID, NAME], ["1", "one"])
        other = self.table_with([ID, NAME], ["2", "two"])
        self.remember(table.name)
        for target in (other.name, table.name):
            self.assert_refused(table.name, self.migrate(
                table.name, **rename_table(table.name, target)), target, "exists")
        self.assertEqual(self.rows(other.name), [{"id": 2, "name": "two"}])

    def test_copy_table_and_again_after_the_source_changed(self):
        table = self.table_with([ID, PRICE], ["1", "2.50"], ["2", NULL])
        target = self.new_name()
        self.assert_success(self.migrate(table.name, **copy_table(table.name, target)))
        self.assertEqual(self.rows(target), self.rows(table.name))
        self.assertEqual(self.columns(target), self.columns(table.name))
        self.assertEqual(self.params(target, "price").decimal.scale, 2)
        batch = self.batch(table)
        batch.delete([["1", NULL]])
        self.send(batch)
        self.assertEqual(len(self.rows(target)), 2)
        self.assert_success(self.migrate(table.name, **copy_table(table.name, target)))
        self.assertEqual(self.rows(target), self.rows(table.name))

    def test_copy_over_a_table_that_is_no_copy_of_it_is_refused(self):
        table = self.table_with([ID, NAME], ["1", "one"])
        other = self.table_with([ID, NAME], ["2", "two"])
        copy_of_other = self.new_name()
        self.assert_success(self.migrate(other.name, **copy_table(other.name, copy_of_other)))
        for target in (other.name, copy_of_other):
            self.remember(target)
            self.assert_refused(target, self.migrate(
                table.name, **copy_table(table.name, target)), table.name, "exists")

    def test_a_dropped_column_is_not_copied_back(self):
        table = self.table_with([ID, NAME, PRICE], ["1", "one", "2"])
        self.assert_success(self.client.call("AlterTable", sdk.AlterTableRequest(
            schema_name=table.schema, drop_columns=True,
            table=Table(table.schema, table.name, [ID, PRICE]).message())))
        target = self.new_name()
        self.assert_success(self.migrate(table.name, **copy_table(table.name, target)))
        self.assertEqual(self.rows(target), [{"id": 1, "price": "2"}])


class Columns(MigrateCase):
    def test_rename_column_keeps_type_key_and_values_and_again(self):
        table = self.table_with([ID, PRICE], ["1", "2.50"])
        for _ in range(2):
            self.assert_success(self.migrate(table.name, **rename_column("id", "number")))
            self.assert_success(self.migrate(table.name, **rename_column("price", "cost")))
            self.assertEqual(self.columns(table.name),
                             [("number", "LONG", True), ("cost", "DECIMAL", False)])
            self.assertEqual(self.params(table.name, "cost").decimal.precision, 10)
            self.assertEqual(self.rows(table.name), [{"number": 1, "cost": "2.50"}])

    def test_rename_column_is_refused(self):
        table = self.table_with([ID, NAME, PRICE], ["1", "one", "2"])
        self.remember(table.name)
        self.assert_refused(table.name, self.migrate(
            table.name, **rename_column("name", "price")), "price", "exists")
        self.assert_refused(table.name, self.migrate(
            table.name, **rename_column("none", "other")), "none")
        self.assert_refused(table.name, self.migrate(
            table.name, **rename_column("name", "")), "name")

    def test_copy_column_and_again_with_new_values(self):
        table = self.table_with([ID, PRICE], ["1", "2.50"], ["2", NULL])
        self.assert_success(self.migrate(table.name, **copy_column("price", "former")))
        self.assert_success(self.migrate(table.name, **copy_column("id", "number")))
        self.assertEqual(self.columns(table.name)[2:],
                         [("former", "DECIMAL", False), ("number", "LONG", False)])
        self.assertEqual(self.params(table.name, "former").decimal.scale, 2)
        self.assert_success(self.migrate(table.name, **update_column("price", "7")))
        self.assertEqual([row["former"] for row in self.rows(table.name)], ["2.50", None])
        self.assert_success(self.migrate(table.name, **copy_column("price", "former")))
        self.assertEqual([(row["former"], row["number"]) for row in self.rows(table.name)],
                         [("7", 1), ("7", 2)])

    def test_copy_column_is_refused(self):
        table = self.table_with([ID, NAME, PRICE], ["1", "one", "2"])
        self.remember(table.name)
        for source, target, word in [("none", "other", "none"), ("name", "price", "price"),
                                     ("name", "id", "id"), ("price", "", "name")]:
            self.assert_refused(table.name, self.migrate(
                table.name, **copy_column(source, target)), word)

    def test_add_column_sets_all_rows_and_again(self):
        table = self.table_with([ID, NAME], ["1", "one"], ["2", NULL])
        for value in ("5", "6"):
            self.assert_success(self.migrate(table.name, **add_column("stock", "INT", value)))
            self.assertEqual([row["stock"] for row in self.rows(table.name)], [int(value)] * 2)
        self.assertEqual(self.columns(table.name)[-1], ("stock", "INT", False))

    def test_defaults_of_every_type(self):
        cases = [("BOOLEAN", "true", True), ("SHORT", "-5", -5), ("INT", "7", 7),
                 ("LONG", "9223372036854775807", 9223372036854775807),
                 ("DECIMAL", "12.50", "12.50"), ("FLOAT", "1.5", 1.5), ("DOUBLE", "0.1", 0.1),
                 ("NAIVE_DATE", "2007-12-03", "2007-12-03"), ("NAIVE_TIME", "10:15", "10:15:00"),
                 ("NAIVE_DATETIME", "2007-12-03T10:15:30", "2007-12-03T10:15:30"),
                 ("UTC_DATETIME", "2007-12-03T10:15:30Z", "2007-12-03T10:15:30Z"),
                 ("BINARY", "aGVsbG8=", "aGVsbG8="), ("XML", "<a/>", "<a/>"),
                 ("STRING", "text", "text"), ("JSON", '{"a":1}', '{"a":1}'),
                 ("STRING", "NULL", "NULL"), ("STRING", "", ""), ("JSON", "NULL", "NULL"),
                 ("INT", "NULL", None), ("INT", "", None), ("UTC_DATETIME", "NULL", None),
                 ("DECIMAL", "", None), ("BINARY", "", "")]
        table = self.table_with([ID], ["1"])
        for number, (type_name, text, value) in enumerate(cases):
            name = f"column_{number}"
            with self.subTest(type=type_name, text=text):
                self.assert_success(self.migrate(table.name, **add_column(name, type_name, text)))
                self.assertEqual(self.rows(table.name)[0][name], value)

    def test_add_column_is_refused(self):
        table = self.table_with([ID, NAME], ["1", "one"])
        self.remember(table.name)
        for operation, words in [(add_column("", "INT", "1"), ["name"]),
                                 (add_column("a", "UNSPECIFIED", "1"), ["a", "type"]),
                                 (add_column("a", "INT", "one"), ["a", "whole number"]),
                                 (add_column("name", "INT", "1"), ["name", "STRING", "INT"]),
                                 (add_column("id", "LONG", "1"), ["id", "primary key"])]:
            with self.subTest(operation=operation):
                self.assert_refused(table.name, self.migrate(table.name, **operation), *words)

    def test_update_column_value(self):
        table = self.table_with([ID, NAME, PRICE], ["1", "one", "2"], ["2", NULL, NULL])
        for column, text, value in [("name", "new", "new"), ("name", "", ""),
                                    ("name", "NULL", None), ("price", "3.25", "3.25"),
                                    ("price", "NULL", None), ("price", "4", "4"),
                                    ("price", "", None)]:
            with self.subTest(column=column, text=text):
                self.assert_success(self.migrate(table.name, **update_column(column, text)))
                self.assertEqual([row[column] for row in self.rows(table.name)], [value, value])

    def test_update_column_value_is_refused(self):
        table = self.table_with([ID, NAME, PRICE], ["1", "one", "2"])
        self.remember(table.name)
        for column, value, words in [("none", "1", ["none"]), ("id", "1", ["id", "primary key"]),
                                     ("price", "much", ["price"])]:
            self.assert_refused(table.name, self.migrate(
                table.name, **update_column(column, value)), *words)


class HistoryColumns(MigrateCase):
    def versions(self, table, *names):
        return [tuple(row[name] for name in ("id", "_fivetran_start", "_fivetran_end",
                                             "_fivetran_active", *names))
                for row in self.rows(table.name)]

    def three_records(self):
        """1: a closed and an active version; 2: an active one from T2; 3: a deleted one."""
        return self.history_with(["1", "old", "2023-01-01T00:00:00Z", "2023-12-31T23:59:59.999Z",
                                  "false", T1],
                                 ["1", "new", T1, END_OF_TIME, "true", T1],
                                 ["2", "two", T2, END_OF_TIME, "true", T2],
                                 ["3", "three", T1, T1, "false", T1])

    def test_add_column_makes_versions_of_the_active_ones(self):
        table = self.three_records()
        for _ in range(2):  # and again
            self.assert_success(self.migrate(table.name, **add_in_history("a", "INT", "5", T2)))
            self.assertEqual(self.versions(table, "name", "a"), [
                (1, "2023-01-01T00:00:00Z", "2023-12-31T23:59:59.999Z", False, "old", None),
                (1, T1, BEFORE_T2, False, "new", None), (1, T2, END_OF_TIME, True, "new", 5),
                (2, T2, END_OF_TIME, True, "two", 5), (3, T1, T1, False, "three", None)])

    def test_operations_at_one_moment_compose(self):
        table = self.three_records()
        for operation in (add_in_history("a", "INT", "5", T3),
                          add_in_history("b", "STRING", "x", T3), drop_in_history("name", T3)):
            self.assert_success(self.migrate(table.name, **operation))
        self.assertEqual(self.versions(table, "name", "a", "b"), [
            (1, "2023-01-01T00:00:00Z", "2023-12-31T23:59:59.999Z", False, "old", None, None),
            (1, T1, BEFORE_T3, False, "new", None, None), (1, T3, END_OF_TIME, True, None, 5, "x"),
            (2, T2, BEFORE_T3, False, "two", None, None), (2, T3, END_OF_TIME, True, None, 5, "x"),
            (3, T1, T1, False, "three", None, None)])

    def test_an_inactive_version_at_the_moment_gives_way(self):
        table = self.history_with(["1", "active", T1, END_OF_TIME, "true", T1],
                                  ["1", "between", "2024-01-15T00:00:00Z", T1, "false", T1],
                                  ["1", "closed", T2, T2, "false", T1])
        self.assert_success(self.migrate(table.name, **add_in_history("a", "INT", "5", T2)))
        self.assertEqual(self.versions(table, "name", "a"), [
            (1, T1, BEFORE_T2, False, "active", None),
            (1, "2024-01-15T00:00:00Z", T1, False, "between", None),
            (1, T2, END_OF_TIME, True, "active", 5)])

    def test_an_empty_table_gets_the_column(self):
        table = self.history_with()
        self.assert_success(self.migrate(table.name, **add_in_history("a", "INT", "5", T2)))
        self.assertEqual(self.rows(table.name), [])
        self.assertIn(("a", "INT", False), self.columns(table.name))

    def test_drop_column_spares_versions_where_it_is_null(self):
        table = self.history_with(["1", "one", T1, END_OF_TIME, "true", T1],
                                  ["2", NULL, T1, END_OF_TIME, "true", T1],
                                  ["3", "three", T2, END_OF_TIME, "true", T1])
        for _ in range(2):
            self.assert_success(self.migrate(table.name, **drop_in_history("name", T2)))
            self.assertEqual(self.versions(table, "name"), [
                (1, T1, BEFORE_T2, False, "one"), (1, T2, END_OF_TIME, True, None),
                (2, T1, END_OF_TIME, True, None), (3, T2, END_OF_TIME, True, None)])

    def test_history_operations_are_refused(self):
        table = self.three_records()
        self.remember(table.name)
        for operation, words in [
                (add_in_history("a", "INT", "5", T1), ["1 active version", "operation_timestamp"]),
                (drop_in_history("name", T1), ["1 active version"]),
                (add_in_history("a", "INT", "5", "soon"), ["operation_timestamp"]),
                (add_in_history("a", "INT", "five", T3), ["a", "whole number"]),
                (add_in_history("a", "UNSPECIFIED", "5", T3), ["a", "type"]),
                (add_in_history("name", "INT", "5", T3), ["name", "STRING"]),
                (add_in_history("", "INT", "5", T3), ["name"]),
                (drop_in_history("none", T3), ["none"]),
                (drop_in_history("id", T3), ["id", "primary key"])]:
            with self.subTest(operation=operation):
                self.assert_refused(table.name, self.migrate(table.name, **operation), *words)

    def test_a_table_without_versions_is_refused(self):
        table = self.table_with([ID, NAME], ["1", "one"])
        self.remember(table.name)
        for operation in (add_in_history("a", "INT", "5", T3), drop_in_history("name", T3)):
            self.assert_refused(table.name, self.migrate(table.name, **operation),
                                "no history table", "_fivetran_start")


class Modes(MigrateCase):
    COLUMNS = [ID, NAME, DELETED, SYNCED]

    def soft_deleted(self, columns=None):
        return self.table_with(columns or self.COLUMNS,
                               ["1", "one", "false", T1], ["2", "two", "true", T3],
                               ["3", "three", NULL, T2])

    def test_soft_delete_to_history_and_again(self):
        table = self.soft_deleted()
        for _ in range(2):
            self.assert_success(self.migrate(table.name, **change_mode(
                Kind.SOFT_DELETE_TO_HISTORY, soft_deleted_column="_fivetran_deleted")))
            self.assertEqual(self.columns(table.name), [
                ("id", "LONG", True), ("name", "STRING", False),
                ("_fivetran_synced", "UTC_DATETIME", False),
                ("_fivetran_start", "UTC_DATETIME", True),
                ("_fivetran_end", "UTC_DATETIME", False), ("_fivetran_active", "BOOLEAN", False)])
            self.assertEqual(self.rows(table.name), [
                {"id": 1, "name": "one", "_fivetran_synced": T1, "_fivetran_start": T3,
                 "_fivetran_end": END_OF_TIME, "_fivetran_active": True},
                {"id": 2, "name": "two", "_fivetran_synced": T3, "_fivetran_start": FIRST,
                 "_fivetran_end": FIRST, "_fivetran_active": False},
                {"id": 3, "name": "three", "_fivetran_synced": T2, "_fivetran_start": T3,
                 "_fivetran_end": END_OF_TIME, "_fivetran_active": True}])

    def test_a_table_with_versions_is_in_history_mode_whatever_else_its_key_is(self):
        for columns, row in [
                (SYSTEM_COLUMNS, [T1, T2, "false", T1]),
                ([ID, Column("_fivetran_end", "UTC_DATETIME", key=True), SYSTEM_COLUMNS[0],
                  SYSTEM_COLUMNS[2]], ["1", T2, T1, "false"])]:
            table = self.table_with(columns, row)
            self.remember(table.name)
            self.assert_success(self.migrate(table.name, **change_mode(
                Kind.SOFT_DELETE_TO_HISTORY)))
            self.assertEqual((self.columns(table.name), self.rows(table.name)), self.before)

    def test_without_a_name_the_soft_column_is_fivetran_deleted(self):
        table = self.soft_deleted()
        self.assert_success(self.migrate(table.name, **change_mode(Kind.SOFT_DELETE_TO_HISTORY)))
        self.assertEqual([(row["id"], row["_fivetran_active"]) for row in self.rows(table.name)],
                         [(1, True), (2, False), (3, True)])

    def test_keep_deleted_rows_says_nothing(self):
        left = []
        for options in ({}, {"keep_deleted_rows": False}, {"keep_deleted_rows": True}):
            table = self.soft_deleted()
            for kind in (Kind.SOFT_DELETE_TO_HISTORY, Kind.HISTORY_TO_SOFT_DELETE):
                self.assert_success(self.migrate(table.name, **change_mode(kind, **options)))
                left.append(self.rows(table.name))
        self.assertEqual([len(rows) for rows in left], [3] * 6)
        self.assertEqual(left, left[:2] * 3)

    def test_another_soft_column_stays_and_decides(self):
        gone = Column("gone", "BOOLEAN")
        table = self.table_with([ID, gone, DELETED, SYNCED], ["1", "true", "false", T1],
                                ["2", "false", "true", T1])
        self.assert_success(self.migrate(table.name, **change_mode(
            Kind.SOFT_DELETE_TO_HISTORY, soft_deleted_column="gone")))
        self.assertEqual([(row["id"], row["gone"], row["_fivetran_active"])
                          for row in self.rows(table.name)], [(1, True, False), (2, False, True)])
        self.assertNotIn("_fivetran_deleted", self.rows(table.name)[0])

    def test_without_a_soft_column_or_synced_every_row_is_active_from_the_first_moment(self):
        table = self.table_with([ID, NAME], ["1", "one"])
        self.assert_success(self.migrate(table.name, **change_mode(Kind.SOFT_DELETE_TO_HISTORY)))
        self.assertEqual(self.rows(table.name), [
            {"id": 1, "name": "one", "_fivetran_start": FIRST, "_fivetran_end": END_OF_TIME,
             "_fivetran_active": True}])

    def test_a_sync_of_the_year_0_is_the_greatest_where_there_is_no_other(self):
        table = self.table_with([ID, SYNCED], ["1", "0000-01-01T00:00:00Z"], ["2", NULL])
        self.assert_success(self.migrate(table.name, **change_mode(Kind.SOFT_DELETE_TO_HISTORY)))
        self.assertEqual([row["_fivetran_start"] for row in self.rows(table.name)],
                         ["0000-01-01T00:00:00Z"] * 2)

    def test_a_migrated_table_takes_history_batches(self):
        table = self.soft_deleted()
        self.assert_success(self.migrate(table.name, **change_mode(Kind.SOFT_DELETE_TO_HISTORY)))
        history = HistoryTable(table.schema, table.name, HISTORY_COLUMNS)
        batch = HistoryBatch(self.server.batch_dir, history)
        batch.earliest([["1", NULL, "2024-06-01T00:00:00Z", NULL, NULL, T3]])
        batch.update([["1", "newer", "2024-06-01T00:00:00Z", END_OF_TIME, "true", T3]])
        self.assert_success(self.client.write_history(batch.request()))
        self.assertEqual([(row["name"], row["_fivetran_active"])
                          for row in self.rows(table.name) if row["id"] == 1],
                         [("one", False), ("newer", True)])

    def test_history_to_soft_delete_keeps_the_last_version_and_again(self):
        table = self.history_with(["1", "old", T1, BEFORE_T2, "false", T1],
                                  ["1", "new", T2, END_OF_TIME, "true", T2],
                                  ["2", "kept", T1, T2, "false", T1],
                                  ["3", "odd", T1, END_OF_TIME, NULL, T1])
        for _ in range(2):
            self.assert_success(self.migrate(table.name, **change_mode(
                Kind.HISTORY_TO_SOFT_DELETE, soft_deleted_column="_fivetran_deleted")))
            self.assertEqual(self.columns(table.name), [
                ("id", "LONG", True), ("name", "STRING", False),
                ("_fivetran_synced", "UTC_DATETIME", False),
                ("_fivetran_deleted", "BOOLEAN", False)])
            self.assertEqual(self.rows(table.name), [
                {"id": 1, "name": "new", "_fivetran_synced": T2, "_fivetran_deleted": False},
                {"id": 2, "name": "kept", "_fivetran_synced": T1, "_fivetran_deleted": True},
                {"id": 3, "name": "odd", "_fivetran_synced": T1, "_fivetran_deleted": True}])

    def test_history_to_soft_delete_into_another_column(self):
        gone = Column("gone", "BOOLEAN")
        table = self.history_with(["1", NULL, T1, T2, "false", T1],
                                  columns=[ID, gone, *SYSTEM_COLUMNS])
        self.assert_success(self.migrate(table.name, **change_mode(
            Kind.HISTORY_TO_SOFT_DELETE, soft_deleted_column="gone")))
        self.assertEqual(self.rows(table.name), [
            {"id": 1, "gone": True, "_fivetran_synced": T1, "_fivetran_deleted": False}])

    def test_versions_keyed_by_their_start_alone_get_the_row_id_as_key(self):
        row_id = Column("_fivetran_id", "STRING")
        table = self.table_with([row_id, *SYSTEM_COLUMNS], ["a", T1, BEFORE_T2, "false", T1],
                                ["b", T2, BEFORE_T3, "false", T1],
                                ["a", T3, END_OF_TIME, "true", T3])
        self.assert_success(self.migrate(table.name, **change_mode(Kind.HISTORY_TO_SOFT_DELETE)))
        self.assertEqual(self.columns(table.name)[0], ("_fivetran_id", "STRING", True))
        self.assertEqual([(row["_fivetran_id"], row["_fivetran_synced"], row["_fivetran_deleted"])
                          for row in self.rows(table.name)], [("a", T3, False), ("b", T1, True)])

    def test_mode_changes_are_refused(self):
        table = self.history_with(["1", "one", T1, END_OF_TIME, "true", T1])
        self.remember(table.name)
        for soft, word in [("none", "none"), ("name", "BOOLEAN"),
                           ("_fivetran_active", "_fivetran_active")]:
            self.assert_refused(table.name, self.migrate(table.name, **change_mode(
                Kind.HISTORY_TO_SOFT_DELETE, soft_deleted_column=soft)), word)
        table = self.soft_deleted()
        self.remember(table.name)
        self.assert_refused(table.name, self.migrate(table.name, **change_mode(
            Kind.SOFT_DELETE_TO_HISTORY, soft_deleted_column="name")), "name", "BOOLEAN")
        table = self.table_with([ID, Column("_fivetran_active", "BOOLEAN")], ["1", "true"])
        self.remember(table.name)
        self.assert_refused(table.name, self.migrate(table.name, **change_mode(
            Kind.HISTORY_TO_SOFT_DELETE)), "no history table")
        table = self.table_with([ID, Column("_fivetran_end", "UTC_DATETIME", key=True),
                                 SYSTEM_COLUMNS[0], SYSTEM_COLUMNS[2]], ["1", T2, T1, "true"],
                                ["1", T3, FIRST, "true"])
        self.remember(table.name)
        self.assert_refused(table.name, self.migrate(table.name, **change_mode(
            Kind.HISTORY_TO_SOFT_DELETE)), "no history table")
        table = self.table_with([ID, SYSTEM_COLUMNS[0], Column("_fivetran_end", "STRING"),
                                 SYSTEM_COLUMNS[2]], ["1", T1, T1, "true"])
        self.remember(table.name)
        self.assert_refused(table.name, self.migrate(table.name, **change_mode(
            Kind.HISTORY_TO_SOFT_DELETE)), "no history table")
        table = self.table_with(SYSTEM_COLUMNS, [T1, T1, "true", T1])
        self.remember(table.name)
        self.assert_refused(table.name, self.migrate(table.name, **change_mode(
            Kind.HISTORY_TO_SOFT_DELETE)), "_fivetran_id")

    def test_copy_to_history_mode_with_a_soft_column(self):
        table, target = self.soft_deleted(), self.new_name()
        self.remember(table.name)
        for _ in range(2):
            self.assert_success(self.migrate(table.name, **copy_to_history(
                table.name, target, "_fivetran_deleted")))
            self.assertEqual([(row["id"], row["_fivetran_start"], row["_fivetran_active"])
                              for row in self.rows(target)],
                             [(1, T3, True), (2, FIRST, False), (3, T3, True)])
            self.assertNotIn("_fivetran_deleted", self.rows(target)[0])
        self.assertEqual((self.columns(table.name), self.rows(table.name)), self.before)

    def test_copy_to_history_mode_without_a_soft_column(self):
        table, target = self.soft_deleted(), self.new_name()
        self.assert_success(self.migrate(table.name, **copy_to_history(table.name, target)))
        self.assertEqual([(row["id"], row["_fivetran_start"], row["_fivetran_end"],
                           row["_fivetran_active"], row["_fivetran_deleted"])
                          for row in self.rows(target)],
                         [(1, T3, END_OF_TIME, True, False), (2, T3, END_OF_TIME, True, True),
                          (3, T3, END_OF_TIME, True, None)])

    def test_copy_to_history_mode_of_a_history_table_is_a_plain_copy(self):
        table = self.history_with(["1", "old", T1, BEFORE_T2, "false", T1],
                                  ["1", "new", T2, END_OF_TIME, "true", T2])
        target = self.new_name()
        self.assert_success(self.migrate(table.name, **copy_to_history(table.name, target)))
        self.assertEqual((self.columns(target), self.rows(target)),
                         (self.columns(table.name), self.rows(table.name)))

    def test_copy_to_history_mode_over_another_table_is_refused(self):
        table, other = self.soft_deleted(), self.soft_deleted()
        self.remember(other.name)
        self.assert_refused(other.name, self.migrate(table.name, **copy_to_history(
            table.name, other.name)), "exists")


class LongKeys(MigrateCase):
    """Keys beyond what LMDB holds end in a digest, which a version's start stays outside of."""

    def test_to_history_and_back(self):
        columns = [Column("a", "STRING", key=True), Column("b", "STRING", key=True), NAME, DELETED,
                   SYNCED]
        rows = [["x" * 600 + str(i), "y" * 300, f"row {i}", "true" if i % 3 == 0 else "false", T1]
                for i in range(50)]
        table = self.new_table(columns)
        batch = self.batch(table)
        batch.replace(rows)
        self.assert_success(self.client.write(batch.request()))
        before = self.rows(table.name)
        self.assert_success(self.migrate(table.name, **change_mode(Kind.SOFT_DELETE_TO_HISTORY)))
        self.assertEqual(len(self.rows(table.name)), 50)
        self.assert_success(self.migrate(table.name, **add_in_history("c", "INT", "1", T2)))
        self.assertEqual(len(self.rows(table.name)), 50 + 33)
        self.assert_success(self.migrate(table.name, **change_mode(Kind.HISTORY_TO_SOFT_DELETE)))
        after = self.rows(table.name)
        for row in after:
            row.pop("c")
        self.assertEqual(after, before)

    def test_a_version_column_that_is_renamed_changes_the_form_of_keys(self):
        table = self.history_with(["x" * 600, "one", T1, T2, "false", T1],
                                  ["x" * 600, "two", T2, END_OF_TIME, "true", T1],
                                  columns=[Column("id", "STRING", key=True), NAME, *SYSTEM_COLUMNS])
        before = self.rows(table.name)
        self.assert_success(self.migrate(table.name, **rename_column("_fivetran_active", "active")))
        self.assertEqual(len(self.rows(table.name)), 2)
        self.assert_success(self.migrate(table.name, **rename_column("active", "_fivetran_active")))
        self.assertEqual(self.rows(table.name), before)


class Concurrency(MigrateCase):
    """Leases on two tables; more rows than a sorting budget holds."""
    SERVER_OPTIONS = ("--run-budget", "1MiB", "--workers", "2")

    def test_renames_and_copies_across_each_other_do_not_lock_up(self):
        first, second = self.table_with([ID], ["1"]), self.table_with([ID], ["2"])
        answers = []

        def copy(source, target):
            with self.server.client() as client:
                request = migrate_request(self.SCHEMA, source, **copy_table(source, target))
                for _ in range(10):
                    answers.append(client.call("Migrate", request))

        threads = [threading.Thread(target=copy, args=names) for names in
                   ((first.name, second.name), (second.name, first.name))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 20)
        for answer in answers:
            self.assert_task(answer, "exists")

    def test_many_rows_go_through_portions_and_runs(self):
        rows = [[str(i), f"{i:030}" * 20, "true" if i % 2 else "false", T1] for i in range(80_000)]
        table = self.table_with([ID, NAME, DELETED, SYNCED], *rows)
        before = self.rows(table.name)
        target = self.new_name()
        self.assert_success(self.migrate(table.name, **change_mode(Kind.SOFT_DELETE_TO_HISTORY)))
        self.assert_success(self.migrate(table.name, **copy_table(table.name, target)))
        self.assert_success(self.migrate(target, **change_mode(Kind.HISTORY_TO_SOFT_DELETE)))
        self.assertEqual(self.rows(target), before)
        self.assert_success(self.migrate(table.name, **drop_table()))
        self.assertEqual(self.rows(target), before)


if __name__ == "__main__":
    unittest.main()

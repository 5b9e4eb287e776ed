"""Truncate: every rule, as a client sees it."""
import unittest

from google.protobuf.timestamp_pb2 import Timestamp

import destination_sdk_pb2 as sdk
from batchfile import NULL
from case import ServerCase
from model import ACTIVE, END_OF_TIME, START, SYSTEM_COLUMNS, Column

COLUMNS = [Column("id", "LONG", key=True), Column("name", "STRING"), Column("other", "BOOLEAN"),
           Column("_fivetran_deleted", "BOOLEAN"), Column("_fivetran_synced", "UTC_DATETIME")]

CUTOFF = Timestamp(seconds=1_700_000_000, nanos=500)  # 2023-11-14T22:13:20.0000005Z


class Truncate(ServerCase):
    def table_with(self, *synced):
        table = self.new_table(COLUMNS)
        batch = self.batch(table)
        batch.replace([[str(i), f"row {i}", NULL, "false", moment]
                       for i, moment in enumerate(synced)])
        self.send(batch)
        return table

    def truncate(self, table, before=CUTOFF, synced="_fivetran_synced", soft=None):
        request = sdk.TruncateRequest(schema_name=table.schema, table_name=table.name,
                                      synced_column=synced, utc_delete_before=before)
        if soft is not None:
            request.soft.deleted_column = soft
        return self.client.call("Truncate", request)

    def ids(self, table, deleted=None):
        return [row["id"] for row in self.server.dump(table.schema, table.name)
                if deleted is None or row["_fivetran_deleted"] is deleted]

    def around_the_cutoff(self):
        return self.table_with("2023-11-14T22:13:20.000000499Z", "2023-11-14T22:13:20.0000005Z",
                               "2023-11-14T22:13:20.000000501Z", NULL, "1969-07-20T20:17:40Z")

    def test_rows_strictly_before_the_cutoff_go_and_null_stays(self):
        table = self.around_the_cutoff()
        self.assert_success(self.truncate(table))
        self.assertEqual(self.ids(table), [1, 2, 3])

    def test_soft_marks_the_same_rows_and_changes_nothing_else(self):
        table = self.around_the_cutoff()
        before = self.server.dump(table.schema, table.name)
        self.assert_success(self.truncate(table, soft="_fivetran_deleted"))
        self.assertEqual(self.ids(table, deleted=True), [0, 4])
        after = self.server.dump(table.schema, table.name)
        for row in before + after:
            row.pop("_fivetran_deleted")
        self.assertEqual(after, before)

    def test_a_cutoff_before_1970_is_valid(self):
        table = self.table_with("1960-01-01T00:00:00Z", "1969-12-31T23:59:58.25Z")
        cutoff = Timestamp(seconds=-2, nanos=250_000_000)
        self.assert_success(self.truncate(table, before=cutoff))
        self.assertEqual(self.ids(table), [1])

    def test_no_cutoff_means_no_row(self):
        table = self.around_the_cutoff()
        self.assert_success(self.truncate(table, before=None))
        self.assertEqual(len(self.ids(table)), 5)

    def test_a_missing_table_or_schema_is_a_success(self):
        for schema, name in ((self.SCHEMA, "none"), ("none", "none")):
            request = sdk.TruncateRequest(schema_name=schema, table_name=name,
                                          synced_column="_fivetran_synced",
                                          utc_delete_before=CUTOFF)
            self.assert_success(self.client.call("Truncate", request))

    def test_wrong_columns_are_tasks_and_change_nothing(self):
        table = self.around_the_cutoff()
        for options, words in [({"synced": ""}, ["synced_column"]),
                               ({"synced": "none"}, ["synced_column", "none"]),
                               ({"synced": "name"}, ["name", "UTC_DATETIME"]),
                               ({"soft": ""}, ["deleted_column"]),
                               ({"soft": "none"}, ["deleted_column", "none"]),
                               ({"soft": "name"}, ["name", "BOOLEAN"])]:
            with self.subTest(**options):
                self.assert_task(self.truncate(table, **options), table.name, *words)
        self.assertEqual(len(self.ids(table)), 5)

    def test_a_deleted_column_in_the_key_is_a_task_and_changes_nothing(self):
        table = self.new_table([Column("id", "LONG", key=True), Column("gone", "BOOLEAN", key=True),
                                Column("_fivetran_synced", "UTC_DATETIME")])
        batch = self.batch(table)
        batch.replace([["1", "false", "2001-01-01T00:00:00Z"]])
        self.send(batch)
        self.assert_task(self.truncate(table, soft="gone"), f"shop.{table.name}", '"gone"',
                         "primary key")
        self.assert_table(table)
        self.assert_success(self.truncate(table))

    def test_versions_of_a_history_table_go_one_by_one(self):
        """By the column that the request names, which may be in the key."""
        table = self.new_table([Column("id", "LONG", key=True), *SYSTEM_COLUMNS])
        batch = self.batch(table)
        batch.replace([["1", "2020-01-01T00:00:00Z", "2020-12-31T23:59:59.999Z", "false",
                        "2001-01-01T00:00:00Z"],
                       ["1", "2021-01-01T00:00:00Z", END_OF_TIME, "true", "2024-01-01T00:00:00Z"],
                       ["2", "2024-01-01T00:00:00Z", END_OF_TIME, "true", "2024-01-01T00:00:00Z"]])
        self.send(batch)
        self.assert_success(self.truncate(table, soft=ACTIVE))
        self.assertEqual([row[ACTIVE] for row in self.server.dump(table.schema, table.name)],
                         [True, True, True])
        self.assert_success(self.truncate(table))
        self.assertEqual(self.ids(table), [1, 2])
        self.assert_success(self.truncate(table, synced=START))
        self.assertEqual(self.ids(table), [2])

    def test_again_changes_nothing(self):
        table = self.around_the_cutoff()
        for _ in range(2):
            self.assert_success(self.truncate(table))
            self.assertEqual(self.ids(table), [1, 2, 3])

    def test_a_truncated_table_takes_batches_on(self):
        table = self.around_the_cutoff()
        self.assert_success(self.truncate(table, before=Timestamp(seconds=4_000_000_000)))
        self.assertEqual(self.ids(table), [3])
        batch = self.batch(table)
        batch.replace([["7", "new", NULL, "false", "2024-01-01T00:00:00Z"]])
        self.assert_success(self.client.write(batch.request()))
        self.assertEqual(self.ids(table), [3, 7])


class LargeTruncate(Truncate):
    """More rows than a sorting budget holds, so that keys go through run files."""
    SERVER_OPTIONS = ("--run-budget", "1MiB")

    def test_many_rows(self):
        table = self.table_with(*(f"2023-11-{day:02}T00:00:00Z" for day in range(1, 30)
                                  for _ in range(3000)))
        self.assert_success(self.truncate(table))
        self.assertEqual(len(self.ids(table)), 15 * 3000)


if __name__ == "__main__":
    unittest.main()

"""WriteHistoryBatch: every rule of history mode with a worked example, then random batches against
the model. WEIR_TEST_SEED repeats a run."""
import os
import random
import unittest

from batchfile import NULL, UNMODIFIED
from case import ServerCase
from history import HistoryBatch
from model import ACTIVE, END, END_OF_TIME, START, SYNCED, SYSTEM_COLUMNS, Column, HistoryTable

SEED = int(os.environ.get("WEIR_TEST_SEED", random.SystemRandom().randrange(2**32)))

COLUMNS = [Column("id", "LONG", key=True), Column("name", "STRING"), Column("amount", "INT"),
           *SYSTEM_COLUMNS]
NAMES = [column.name for column in COLUMNS]


def day(number, time="00:00:00"):
    return f"2024-01-{number:02}T{time}Z"


def version(record, name, amount, start, end=END_OF_TIME, active="true"):
    return [str(record), name, amount, start, end, active, day(28)]


class HistoryCase(ServerCase):
    def history_table(self, columns=None):
        table = HistoryTable(self.SCHEMA, f"history_{next(self.table_numbers)}",
                             columns or COLUMNS)
        self.assert_success(self.client.create(table.schema, table.message()))
        return table

    def history_batch(self, table):
        return HistoryBatch(self.server.batch_dir, table)

    def send(self, batch):
        self.assert_success(self.client.write_history(batch.request()))
        batch.apply_to_model()
        self.assert_table(batch.table)

    def stored(self, table):
        """(id, name, start, end, active) of every version, as dumped."""
        return [(row["id"], row["name"], row[START], row[END], row[ACTIVE])
                for row in self.server.dump(table.schema, table.name)]

    def with_versions(self, *versions, columns=None):
        table = self.history_table(columns)
        batch = self.history_batch(table)
        batch.replace(versions)
        self.send(batch)
        return table


class Rules(HistoryCase):
    def test_a_new_version_closes_the_one_before_a_millisecond_earlier(self):
        table = self.with_versions(version(1, "a", "1", day(1)))
        batch = self.history_batch(table)
        batch.earliest([["1", day(3)]], ["id", START])
        batch.replace([version(1, "b", "2", day(3))])
        self.send(batch)
        self.assertEqual(self.stored(table), [
            (1, "a", day(1), day(2, "23:59:59.999"), False),
            (1, "b", day(3), END_OF_TIME, True)])

    def test_versions_from_the_earliest_start_on_are_deleted(self):
        table = self.with_versions(version(1, "a", "1", day(1), day(2), "false"),
                                   version(1, "b", "1", day(2), day(3), "false"),
                                   version(1, "c", "1", day(3)), version(2, "other", "1", day(3)))
        batch = self.history_batch(table)
        batch.earliest([["1", day(2)]], ["id", START])
        self.send(batch)
        self.assertEqual(self.stored(table), [
            (1, "a", day(1), day(1, "23:59:59.999"), False),
            (2, "other", day(3), END_OF_TIME, True)])

    def test_the_end_keeps_the_start_s_nanoseconds(self):
        starts = {"1": ("2024-01-03T00:00:00.000000500Z", "2024-01-02T23:59:59.9990005Z"),
                  "2": ("1970-01-01T00:00:00.000999999Z", "1969-12-31T23:59:59.999999999Z"),
                  "3": ("0001-01-01T00:00:00Z", "0000-12-31T23:59:59.999Z")}
        table = self.with_versions(*(version(record, "a", "1", "0000-01-01T00:00:00Z")
                                     for record in starts))
        batch = self.history_batch(table)
        batch.earliest([[record, start] for record, (start, _) in starts.items()], ["id", START])
        self.send(batch)
        self.assertEqual([row[END] for row in self.server.dump(table.schema, table.name)],
                         [end for _, end in starts.values()])

    def test_several_earliest_starts_of_a_record_apply_each(self):
        for days in ((3, 5), (5, 3)):
            with self.subTest(days=days):
                table = self.with_versions(version(1, "a", "1", day(1)),
                                           version(1, "b", "1", day(4)))
                batch = self.history_batch(table)
                for number in days:
                    batch.earliest([["1", day(number)]], ["id", START])
                self.send(batch)
                self.assertEqual(self.stored(table),
                                 [(1, "a", day(1), day(2, "23:59:59.999"), False)])

    def test_an_inactive_version_that_overlaps_is_cut(self):
        table = self.with_versions(version(1, "a", "1", day(1), day(9), "false"))
        batch = self.history_batch(table)
        batch.earliest([["1", day(5)]], ["id", START])
        self.send(batch)
        self.assertEqual(self.stored(table), [(1, "a", day(1), day(4, "23:59:59.999"), False)])

    def test_a_version_closed_earlier_keeps_its_end(self):
        table = self.with_versions(version(1, "a", "1", day(1), day(2), "false"))
        batch = self.history_batch(table)
        batch.earliest([["1", day(5)]], ["id", START])
        batch.replace([version(1, "b", "1", day(5))])
        self.send(batch)
        self.assertEqual(self.stored(table)[0], (1, "a", day(1), day(2), False))

    def test_a_replace_with_the_same_start_overwrites(self):
        table = self.with_versions(version(1, "a", "1", day(1)))
        batch = self.history_batch(table)
        batch.replace([version(1, "b", "2", day(1))])
        self.send(batch)
        self.assertEqual(self.stored(table), [(1, "b", day(1), END_OF_TIME, True)])

    def test_unmodified_cells_come_from_the_version_before_though_it_is_closed(self):
        table = self.with_versions(version(1, "kept", "1", day(1)))
        batch = self.history_batch(table)
        batch.earliest([["1", day(2)]], ["id", START])
        batch.update([version(1, UNMODIFIED, "5", day(2))])
        self.send(batch)
        self.assertEqual(self.stored(table)[1], (1, "kept", day(2), END_OF_TIME, True))

    def test_a_chain_over_files_inherits_along_the_chain(self):
        table = self.with_versions(version(1, "first", "1", day(1)))
        batch = self.history_batch(table)
        batch.earliest([["1", day(3)]], ["id", START])
        batch.update([version(1, UNMODIFIED, "7", day(7))])
        batch.update([version(1, "fifth", UNMODIFIED, day(5), day(6, "23:59:59.999"), "false"),
                      version(1, "third", "3", day(3), day(4, "23:59:59.999"), "false")])
        self.send(batch)
        rows = self.server.dump(table.schema, table.name)
        self.assertEqual([(row["name"], row["amount"]) for row in rows],
                         [("first", 1), ("third", 3), ("fifth", 3), ("fifth", 7)])

    def test_an_update_inherits_from_a_replace_of_its_batch(self):
        table = self.with_versions(version(1, "stored", "1", day(1)))
        batch = self.history_batch(table)
        batch.update([version(1, UNMODIFIED, "9", day(4)), version(2, UNMODIFIED, "9", day(4))])
        batch.replace([version(1, "replaced", "2", day(3)), version(2, "new", "2", day(3))])
        self.send(batch)
        self.assertEqual([(row[0], row[1]) for row in self.stored(table)],
                         [(1, "stored"), (1, "replaced"), (1, "replaced"), (2, "new"), (2, "new")])

    def test_an_update_with_the_same_start_overwrites(self):
        """Its unmodified cells are those of the version before, not of the overwritten one."""
        table = self.with_versions(version(1, "a", "1", day(1), day(2), "false"),
                                   version(1, "b", "2", day(3)))
        batch = self.history_batch(table)
        batch.update([version(1, UNMODIFIED, "8", day(3))])
        batch.update([version(1, UNMODIFIED, "9", day(3))])
        self.send(batch)
        rows = self.server.dump(table.schema, table.name)
        self.assertEqual([(row["name"], row["amount"]) for row in rows], [("a", 1), ("a", 9)])

    def test_an_update_without_an_earlier_version_is_skipped(self):
        table = self.with_versions(version(1, "a", "1", day(5)))
        batch = self.history_batch(table)
        batch.update([version(1, "b", "1", day(5)), version(2, "b", "1", day(6))])
        self.send(batch)
        self.assertEqual(self.stored(table), [(1, "a", day(5), END_OF_TIME, True)])

    def test_missing_end_and_active_mean_now_active(self):
        table = self.with_versions(version(1, "a", "1", day(1)))
        batch = self.history_batch(table)
        batch.update([["1", "b", day(2), day(28)]], ["id", "name", START, SYNCED])
        batch.update([["1", NULL, day(3), NULL, NULL], ["1", "d", day(4), UNMODIFIED, UNMODIFIED]],
                     ["id", "name", START, END, ACTIVE])
        self.send(batch)
        self.assertEqual(self.stored(table)[1:], [(1, "b", day(2), END_OF_TIME, True),
                                                  (1, None, day(3), END_OF_TIME, True),
                                                  (1, "d", day(4), END_OF_TIME, True)])

    def test_a_delete_closes_the_active_version_with_its_end(self):
        table = self.with_versions(version(1, "a", "1", day(1), day(2), "false"),
                                   version(1, "b", "1", day(2)), version(2, "c", "1", day(1)))
        batch = self.history_batch(table)
        batch.delete([["1", day(8), NULL, NULL]], ["id", END, START, ACTIVE])
        batch.delete([["3", day(8)]], ["id", END])
        self.send(batch)
        self.assertEqual(self.stored(table), [(1, "a", day(1), day(2), False),
                                              (1, "b", day(2), day(8), False),
                                              (2, "c", day(1), END_OF_TIME, True)])

    def test_a_delete_takes_synced_from_the_file_and_no_other_cell(self):
        table = self.with_versions(version(1, "a", "1", day(1)), version(2, "a", "1", day(1)))
        batch = self.history_batch(table)
        batch.delete([["1", "b", "no number", "no time", day(8), "true", day(9)]])
        batch.delete([["2", UNMODIFIED, day(8), UNMODIFIED]], ["id", "name", END, SYNCED])
        self.send(batch)
        rows = self.server.dump(table.schema, table.name)
        self.assertEqual([(row["name"], row["amount"], row[START], row[END], row[ACTIVE],
                           row[SYNCED]) for row in rows],
                         [("a", 1, day(1), day(8), False, day(9)),
                          ("a", 1, day(1), day(8), False, day(28))])

    def test_a_delete_closes_every_active_version_so_that_again_changes_nothing(self):
        table = self.with_versions(version(1, "a", "1", day(1)),
                                   version(1, "b", "1", day(2), day(3), "false"),
                                   version(1, "c", "1", day(4)))
        batch = self.history_batch(table)
        batch.delete([["1", day(8)]], ["id", END])
        self.send(batch)
        self.assertEqual(self.stored(table), [(1, "a", day(1), day(8), False),
                                              (1, "b", day(2), day(3), False),
                                              (1, "c", day(4), day(8), False)])
        self.assert_success(self.client.write_history(batch.request()))
        self.assert_table(table)

    def test_a_delete_without_an_active_version_is_skipped(self):
        table = self.with_versions(version(1, "a", "1", day(1), day(2), "false"))
        batch = self.history_batch(table)
        batch.delete([["1", day(8)]], ["id", END])
        self.send(batch)
        self.assertEqual(self.stored(table), [(1, "a", day(1), day(2), False)])

    def test_an_active_flag_of_null_is_not_active(self):
        table = self.with_versions(version(1, "a", "1", day(1), active=NULL))
        batch = self.history_batch(table)
        batch.delete([["1", day(8)]], ["id", END])
        self.send(batch)
        self.assertEqual(self.stored(table), [(1, "a", day(1), END_OF_TIME, None)])

    def test_the_same_request_again_changes_nothing(self):
        table = self.with_versions(version(1, "a", "1", day(1)), version(2, "a", "1", day(1)))
        batch = self.history_batch(table)
        batch.earliest([["1", day(3)], ["2", day(4)]], ["id", START])
        batch.replace([version(1, "b", "1", day(3))])
        batch.update([version(2, UNMODIFIED, "9", day(4))])
        batch.delete([["1", day(6)]], ["id", END])
        self.send(batch)
        before = self.stored(table)
        self.assert_success(self.client.write_history(batch.request()))
        self.assertEqual(self.stored(table), before)

    def test_long_keys_keep_their_versions_in_order(self):
        columns = [Column("id", "STRING", key=True), *COLUMNS[1:]]
        long_key = "k" * 3000
        table = self.with_versions([long_key, *version(1, "a", "1", day(1))[1:]], columns=columns)
        batch = self.history_batch(table)
        batch.earliest([[long_key, day(3)]], ["id", START])
        batch.update([[long_key, *version(1, UNMODIFIED, "2", day(3))[1:]]])
        self.send(batch)
        self.assertEqual([row[2:] for row in self.stored(table)],
                         [(day(1), day(2, "23:59:59.999"), False), (day(3), END_OF_TIME, True)])

    def test_a_plain_batch_meets_the_versions_of_long_keys(self):
        columns = [Column("id", "STRING", key=True), *COLUMNS[1:]]
        row = ["k" * 3000, *version(1, "a", "1", day(1))[1:]]
        table = self.with_versions(row, columns=columns)
        batch = self.batch(table)
        batch.replace([[row[0], *version(1, "b", "2", day(1))[1:]]])
        self.assert_success(self.client.write(batch.request()))
        self.assertEqual([stored[1:3] for stored in self.stored(table)], [("b", day(1))])


class BadRequests(HistoryCase):
    def test_a_table_without_history_is_a_task(self):
        table = self.new_table()
        batch = self.history_batch(table)
        self.assert_task(self.client.write_history(batch.request()), table.name, "history")

    def test_missing_starts_and_ends_are_tasks_and_change_nothing(self):
        table = self.with_versions(version(1, "a", "1", day(1)))
        before = self.stored(table)
        for phase, header, cells, word in [
                ("earliest_start", ["id"], ["1"], START), ("update", ["id"], ["1"], START),
                ("earliest_start", ["id", START], ["1", NULL], START),
                ("delete", ["id"], ["1"], END), ("delete", ["id", END], ["1", NULL], END)]:
            with self.subTest(phase=phase, header=header):
                batch = self.history_batch(table)
                path = batch.add(phase, [cells], header)
                response = self.client.write_history(batch.request())
                self.assert_task(response, table.name, os.path.basename(path), word)
                self.assertEqual(self.stored(table), before)

    def test_tables_with_some_of_the_history_are_tasks_and_stay(self):
        start, end, active, synced = SYSTEM_COLUMNS
        for columns in ([start, end, synced], [start, active, synced], [end, active, synced],
                        [Column(START, "UTC_DATETIME"), end, active, synced],
                        [Column(END, "UTC_DATETIME", key=True), start, active, synced],
                        [Column(ACTIVE, "BOOLEAN", key=True), start, end, synced]):
            table = self.new_table([Column("id", "LONG", key=True), *columns])
            with self.subTest(columns=table.names()):
                batch = self.history_batch(table)
                batch.replace([["1"] + [NULL] * len(columns)])
                response = self.client.write_history(batch.request())
                self.assert_task(response, f"{table.schema}.{table.name}", START, END, ACTIVE)
                self.assert_table(table)

    def test_cells_that_cannot_be_are_tasks_that_name_the_column_and_change_nothing(self):
        table = self.with_versions(version(1, "a", "1", day(1)))
        before = self.stored(table)
        for phase, column, cell in [
                ("earliest_start", "id", NULL), ("earliest_start", START, UNMODIFIED),
                ("replace", "name", UNMODIFIED), ("replace", START, NULL),
                ("update", "id", NULL), ("update", START, UNMODIFIED),
                ("update", "id", UNMODIFIED), ("delete", "id", UNMODIFIED),
                ("delete", END, UNMODIFIED), ("update", "amount", "much")]:
            with self.subTest(phase=phase, column=column, cell=cell):
                row = dict(zip(NAMES, version(1, "b", "2", day(2))))
                row[column] = cell
                batch = self.history_batch(table)
                path = batch.add(phase, [list(row.values())], list(row))
                self.assert_task(self.client.write_history(batch.request()), table.name,
                                 os.path.basename(path), "line 2", f'"{column}"')
                self.assertEqual(self.stored(table), before)


class RandomHistory(HistoryCase):
    SERVER_OPTIONS = ("--workers", "2", "--run-budget", "1MiB")

    def test_random_batches_equal_the_model_and_again_change_nothing(self):
        """Few records and starts, so that rows meet: in a file, across files, across phases."""
        print(f"WEIR_TEST_SEED={SEED}", flush=True)
        pick = random.Random(SEED)
        table = self.history_table()
        for _ in range(25):
            batch = self.history_batch(table)
            for _ in range(pick.randrange(3)):
                batch.earliest([[self.random_record(pick), day(pick.randrange(1, 9))]
                                for _ in range(pick.randrange(4))], ["id", START])
            for phase in ("replace", "update"):
                for _ in range(pick.randrange(3)):
                    batch.add(phase, [self.random_version(pick, phase)
                                      for _ in range(pick.randrange(8))])
            batch.delete([[self.random_record(pick), day(pick.randrange(1, 29))]
                          for _ in range(pick.randrange(4))], ["id", END])
            self.send(batch)
            self.assert_success(self.client.write_history(batch.request()))
            self.assert_table(table)

    @staticmethod
    def random_record(pick):
        return str(pick.randrange(4))

    @classmethod
    def random_version(cls, pick, phase):
        name, amount = f"name {pick.randrange(99)}", str(pick.randrange(99))
        start = pick.randrange(1, 9)
        if phase == "update":
            name, amount = pick.choice([name, UNMODIFIED, NULL]), pick.choice([amount, UNMODIFIED])
        end = pick.choice([END_OF_TIME, day(start + pick.randrange(5), "12:00:00")])
        return version(cls.random_record(pick), name, amount, day(start), end,
                       pick.choice(["true", "false"]))


if __name__ == "__main__":
    unittest.main()

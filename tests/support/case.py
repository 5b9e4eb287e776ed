"""The base of the end-to-end tests: a server per class, a fresh table per test."""
import itertools
import unittest

from batch import Batch
from model import Column, Table
from server import Server


class ServerCase(unittest.TestCase):
    """One server for all tests of a class, with its arguments and environment."""

    SERVER_OPTIONS = ()
    SERVER_ENVIRONMENT = None
    SCHEMA = "shop"
    table_numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.SERVER_OPTIONS, environment=cls.SERVER_ENVIRONMENT)
        cls.server.start()
        cls.client = cls.server.client()

    @classmethod
    def tearDownClass(cls):
        cls.client.channel.close()
        try:
            status = cls.server.stop()
            if status != 0:
                raise AssertionError(f"the server ended with {status}:\n{cls.server.log()[-8000:]}")
        finally:
            cls.server.kill()
            cls.server.folder.cleanup()

    def new_table(self, columns=None):
        """Creates a table on the server and returns its model."""
        columns = columns or [Column("id", "LONG", key=True), Column("name", "STRING"),
                              Column("amount", "DECIMAL", precision=20, scale=4)]
        table = Table(self.SCHEMA, f"table_{next(self.table_numbers)}", columns)
        self.assert_success(self.client.create(table.schema, table.message()))
        return table

    def batch(self, table, **file_options):
        return Batch(self.server.batch_dir, table, **file_options)

    def send(self, batch):
        """Sends a batch that must succeed, and compares the table with the model."""
        self.assert_success(self.client.write(batch.request()))
        batch.apply_to_model()
        self.assert_table(batch.table)

    def assert_success(self, response):
        self.assertEqual(response.WhichOneof("response"), "success", response)
        self.assertTrue(response.success)

    def assert_task(self, response, *parts):
        """The response is a task whose message holds every part."""
        self.assertEqual(response.WhichOneof("response"), "task", response)
        for part in parts:
            self.assertIn(part, response.task.message)

    def assert_table(self, table):
        self.assertEqual(self.server.dump(table.schema, table.name), table.dump())

"""A server whose system calls are made to fail or to kill, and what its tables hold."""
import unittest

import grpc

from case import ServerCase
from injection import can_inject
from model import Column

ID, TEXT, SYNCED = Column("id", "LONG", key=True), Column("text", "STRING"), \
    Column("_fivetran_synced", "UTC_DATETIME")
DAY = "2024-01-01T00:00:00Z"


@unittest.skipUnless(can_inject(), "needs strace, and to be allowed to use it")
class FaultCase(ServerCase):
    SERVER_OPTIONS = ("--workers", "2", "--run-budget", "1MiB")

    def workers(self):
        return [pid for role, pid in self.server.roles().items() if role.startswith("worker")]

    def call(self, rpc, request):
        """What kind of answer came, and its text."""
        try:
            response = self.client.call(rpc, request)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        return response.WhichOneof("response"), str(response)

    def filled(self, rows=200):
        table = self.new_table([ID, TEXT, SYNCED])
        self.assert_success(self.client.write(self.rows_of(table, 0, rows)))
        return table

    def rows_of(self, table, version, rows=200):
        batch = self.batch(table)
        batch.replace([[str(row), f"version {version}", DAY] for row in range(rows)])
        return batch.request()

    def held(self):
        """Every table's rows."""
        tables = self.server.weir("tables", "--format", "jsonl").stdout
        names = [line.split('"table":"')[1].split('"')[0] for line in tables.splitlines()]
        return {name: self.server.weir("dump", self.SCHEMA, name).stdout for name in names}

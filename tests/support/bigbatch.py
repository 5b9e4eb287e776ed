"""A batch that keeps the server busy for seconds and costs the test nearly nothing to make.

One file is made once and listed many times: every copy is decoded and applied like another file.
"""
import os

import destination_sdk_pb2 as sdk
from batchfile import aes, zstd
from model import Column, Table

COLUMNS = [Column("id", "LONG", key=True), Column("version", "INT"), Column("notes", "STRING")]
ROWS = 100_000
KEY = bytes(range(32))


class BigBatch:
    """ROWS rows per copy, all of one version."""

    def __init__(self, folder, version, rows=ROWS, key=KEY):
        self.version = version
        self.rows = rows
        self.key = key
        self.path = os.path.join(folder, f"big-{version}-{rows}-{os.urandom(4).hex()}.csv")
        # Not in key order, so that sorting has work to do.
        lines = "".join(f"{number * 7919 % rows},{version},notes of a usual length {number:080}\n"
                        for number in range(rows))
        with open(self.path, "wb") as file:
            file.write(aes(zstd(b"id,version,notes\n" + lines.encode()), key))

    def request(self, table, copies, more_paths=()):
        return sdk.WriteBatchRequest(
            schema_name=table.schema, table=table.message(), keys={self.path: self.key},
            replace_files=[self.path] * copies + list(more_paths),
            file_params=sdk.FileParams(compression=sdk.ZSTD, encryption=sdk.AES))


def create_big_table(client, name):
    table = Table("shop", name, COLUMNS)
    response = client.create(table.schema, table.message())
    assert response.WhichOneof("response") == "success", response
    return table


def versions_of(server, table):
    """{version: number of rows}: a whole batch leaves one version."""
    counts = {}
    for row in server.dump(table.schema, table.name):
        counts[row["version"]] = counts.get(row["version"], 0) + 1
    return counts

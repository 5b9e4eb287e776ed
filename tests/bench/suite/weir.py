"""weir itself: a server of its own on a data folder, spoken to over gRPC."""
import os
import subprocess

import destination_sdk_pb2 as sdk
from rows import KEY, sums_of_csv
from server import WEIR, Server
from tables import SCHEMA

NULL_STRING = "null-RvPcQbxkWnDzLsHtGyMfAjUeKoBiXwQz"
UNMODIFIED = "unmod-RvPcQbxkWnDzLsHtGyMfAjUeKoBiXwQz"  # as bench_rows writes it
CALL_SECONDS = 3600


def expect_success(response):
    if response.WhichOneof("response") != "success":
        raise AssertionError(f"weir answered: {response}")


def batch_request(table, files, params=None):
    """`files`: {phase: rows.Files}."""
    kind = sdk.WriteHistoryBatchRequest if table.is_history() else sdk.WriteBatchRequest
    return kind(
        schema_name=SCHEMA, table=table.message(),
        keys={path: KEY for some in files.values() for path in some.paths},
        file_params=params or sdk.FileParams(compression=sdk.ZSTD, encryption=sdk.AES,
                                             null_string=NULL_STRING,
                                             unmodified_string=UNMODIFIED),
        **{f"{phase}_files": some.paths for phase, some in files.items()})


class Weir:
    name = "weir"
    phases = {"earliest_start", "replace", "update", "delete"}

    def __init__(self, folder, *options):
        self.server = Server(*options, data_dir=folder)

    @staticmethod
    def missing():
        return None

    def __enter__(self):
        self.server.start()
        self.client = self.server.client()
        return self

    def __exit__(self, *_):
        self.client.channel.close()
        self.server.stop()
        self.server.__exit__()

    def processes(self):
        return {"supervisor": self.server.process.pid, **self.server.roles()}

    def create(self, table):
        expect_success(self.client.create(SCHEMA, table.message()))

    def apply(self, table, files):
        write = self.client.write_history if table.is_history() else self.client.write
        expect_success(write(batch_request(table, files), timeout=CALL_SECONDS))

    def sums(self, table):
        return dumped_sums(self.server.data_dir, table)


def dumped_sums(data_dir, table):
    with subprocess.Popen([WEIR, "dump", "--data-dir", data_dir, "--format", "csv", SCHEMA,
                           table.name], stdout=subprocess.PIPE) as dump:
        return sums_of_csv(table, dump.stdout)


def version():
    return subprocess.run([WEIR, "--version"], stdout=subprocess.PIPE, check=True,
                          text=True).stdout.strip() or os.path.basename(WEIR)

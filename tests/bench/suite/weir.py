"""weir itself: a server of its own on a data folder, spoken to over gRPC."""
import os
import subprocess

import destination_sdk_pb2 as sdk
from engine import Engine
from rows import KEY, sums_of_text
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


class Weir(Engine):
    name = "weir"
    options = ()

    def __init__(self, folder):
        super().__init__(folder)
        self.server = Server(*self.options, data_dir=folder)

    @staticmethod
    def version():
        return run(WEIR, "--version") + " (" + run("git", "-C", os.path.dirname(__file__),
                                                   "describe", "--always", "--dirty") + ")"

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

    def times(self):
        line = [line for line in self.server.log_lines() if "commit_ms" in line][-1]
        return {name.removesuffix("_ms"): ms for name, ms in line.items() if name.endswith("_ms")}

    def sums(self, table, form="csv"):
        with subprocess.Popen(self.dump_command(table, form), stdout=subprocess.PIPE) as dump:
            return sums_of_text(table, dump.stdout, form)

    def dump_command(self, table, form):
        return [WEIR, "dump", "--data-dir", self.folder, "--format", form, SCHEMA, table.name]


class OneWorker(Weir):
    name = "weir, one worker"
    options = ("--workers", 1)


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip()

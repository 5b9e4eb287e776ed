"""sqlite3 by its C library in one process; others open the files at the same time."""
import os
import subprocess
from contextlib import ExitStack

from engine import Engine
from rows import KEY, TOOLS, sums_of_text

SQL_TYPES = {"LONG": "INTEGER", "INT": "INTEGER", "DOUBLE": "REAL", "BOOLEAN": "INTEGER"}


class Sqlite(Engine):
    name = "sqlite3"
    phases = {"replace"}

    def __init__(self, folder):
        super().__init__(folder)
        self.database = os.path.join(folder, "sqlite.db")

    @staticmethod
    def missing():
        if not (TOOLS / "bench_sqlite").exists():
            return "sqlite3 was left out: its packages (libsqlite3-dev, sqlite3) are not installed."
        return None

    @staticmethod
    def version():
        return "sqlite3 " + subprocess.run(["sqlite3", "--version"], stdout=subprocess.PIPE,
                                           check=True, text=True).stdout.split()[0]

    def create(self, table):
        """With the first batch."""

    def apply(self, table, files):
        """A LONG key as INTEGER PRIMARY KEY, which is sqlite's fastest."""
        columns = ", ".join(f"{name} {SQL_TYPES.get(kind, 'TEXT')}"
                            for name, kind in table.types().items())
        is_rowid = len(table.keys) == 1 and table.types()[table.keys[0]] == "LONG"
        rowid = "" if is_rowid else " WITHOUT ROWID"
        places = ",".join("?" * len(table.columns))
        with ExitStack() as stack:
            pipes = [stack.enter_context(subprocess.Popen(
                [TOOLS / "bench_open", KEY.hex(), path], stdout=subprocess.PIPE)).stdout
                for path in files["replace"].paths]
            fds = [pipe.fileno() for pipe in pipes]
            subprocess.run(
                [TOOLS / "bench_sqlite", self.database,
                 f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}, "
                 f"PRIMARY KEY ({', '.join(table.keys)})){rowid}",
                 f"INSERT OR REPLACE INTO {table.name} VALUES ({places})", table.kinds(),
                 str(len(table.keys)), *[f"/dev/fd/{fd}" for fd in fds]],
                check=True, pass_fds=fds)

    def sums(self, table):
        with subprocess.Popen(["sqlite3", "-csv", "-header", self.database,
                               f"SELECT * FROM {table.name}"], stdout=subprocess.PIPE) as dump:
            return sums_of_text(table, dump.stdout)

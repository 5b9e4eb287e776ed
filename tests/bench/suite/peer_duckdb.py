"""DuckDB, from the npm registry, in two ways: all files at once, which is its best, and each file
into a staging table first, which is what connectors do."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from duckdb_sql import STATEMENTS, create, sql_types
from engine import Engine
from rows import KEY, TOOLS, in_parallel, sums_of_text
from weir import NULL_STRING

PACKAGE = "@duckdb/node-api"
PACKAGE_VERSION = "1.5.6-r.1"
FOLDER = Path(os.environ["BENCH_NODE"])  # where npm has put the package
PROGRAM = Path(__file__).parents[1] / "duckdb.js"
LINE_BYTES_MAX = 4_000_000


def is_installed():
    return shutil.which("node") and (FOLDER / "node_modules" / PACKAGE).exists()


class DuckDb(Engine):
    """All files of a phase in one statement."""
    name = "DuckDB"

    @staticmethod
    def missing():
        if is_installed():
            return None
        install = ["npm", "install", "--prefix", str(FOLDER), f"{PACKAGE}@{PACKAGE_VERSION}"]
        if shutil.which("npm") and shutil.which("node"):
            subprocess.run(install, stdout=subprocess.DEVNULL, check=False)
        return None if is_installed() else (
            f"DuckDB was left out: it is not installed. With Node.js, npm and a network, run "
            f"`{' '.join(install)}`.")

    @staticmethod
    def version():
        return f"DuckDB ({PACKAGE} {PACKAGE_VERSION})"

    def __enter__(self):
        self.process = subprocess.Popen(
            ["node", PROGRAM, os.path.join(self.folder, "duck.db")], text=True,
            env={**os.environ, "NODE_PATH": str(FOLDER / "node_modules")},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.run("SET preserve_insertion_order = false")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def processes(self):
        return {"node": self.process.pid}

    def run(self, statement):
        self.process.stdin.write(" ".join(statement.split()) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer.startswith("["):
            raise AssertionError(f"DuckDB answered {answer!r} to {statement}")

    def create(self, table):
        self.run_all(create(table))

    def run_all(self, statements):
        for statement in statements:
            self.run(statement)

    def apply(self, table, files):
        """One statement is a transaction already, and faster without another around it."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            statements = [statement for phase, some in files.items() for statement in
                          self.statements(table, phase, csv_columns(table, phase, some),
                                          decrypted(some.paths, folder))]
            self.run_all(statements if len(statements) == 1 else ["BEGIN", *statements, "COMMIT"])

    def statements(self, table, phase, columns, paths):
        return STATEMENTS[phase](table, read_csv(paths, columns))

    def sums(self, table):
        path = os.path.join(self.folder, "dump.csv")
        self.run(f"COPY {table.name} TO '{path}' (FORMAT csv, HEADER)")
        with open(path, "rb") as file:
            return sums_of_text(table, file)


class DuckDbStaging(DuckDb):
    """Each file into a temporary table, which is then merged."""
    name = "DuckDB staging"

    def statements(self, table, phase, columns, paths):
        return [statement for path in paths for statement in (
            f"CREATE OR REPLACE TEMP TABLE staging AS SELECT * FROM {read_csv([path], columns)}",
            *STATEMENTS[phase](table, "staging"))]


def decrypted(paths, folder):
    """DuckDB decompresses for itself."""
    def decrypt(path):
        plain = os.path.join(folder, os.path.basename(path).removesuffix(".aes"))
        with open(plain, "wb") as file:
            subprocess.run([TOOLS / "bench_open", KEY.hex(), path, "packed"], stdout=file,
                           check=True)
        return plain

    return in_parallel(decrypt, [(path,) for path in paths])


def csv_columns(table, phase, files):
    """{name: SQL type}. Unmodified cells are of no type, so that files with such are text."""
    types = sql_types(table)
    return {name: "VARCHAR" if phase == "update" else types[name] for name in files.columns}


def read_csv(paths, columns):
    return (f"read_csv({paths}, header = true, auto_detect = false, delim = ',', quote = '\"', "
            f"escape = '\"', nullstr = '{NULL_STRING}', columns = {columns}, "
            f"max_line_size = {LINE_BYTES_MAX})")

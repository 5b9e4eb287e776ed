"""PostgreSQL in a cluster of its own, tuned for loading: each file is copied into a temporary table
and inserted from there, by two clients at a time."""
import glob
import os
import pwd
import subprocess
import tempfile

from engine import Engine
from rows import KEY, TOOLS, in_parallel, sums_of_text
from server import children_of, wait_until
from weir import NULL_STRING

PROGRAMS = next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin"))), "")
USER = "postgres"  # it refuses to run as root
CLIENTS = 2
SQL_TYPES = {"LONG": "bigint", "INT": "integer", "DOUBLE": "double precision",
             "DECIMAL": "numeric(18,2)", "BOOLEAN": "boolean", "NAIVE_DATE": "date",
             "UTC_DATETIME": "timestamptz"}

# Durable as by default. The rest lets a large load go through without checkpoints in between.
SETTINGS = {"listen_addresses": "", "shared_buffers": "4GB", "work_mem": "256MB",
            "temp_buffers": "1GB", "maintenance_work_mem": "1GB", "wal_level": "minimal",
            "max_wal_senders": 0, "max_wal_size": "32GB", "checkpoint_timeout": "1h",
            "wal_buffers": "64MB", "autovacuum": "off", "timezone": "UTC"}


class Postgres(Engine):
    name = "PostgreSQL"
    phases = {"replace"}

    def __init__(self, folder):
        super().__init__(folder)
        self.cluster = os.path.join(folder, "cluster")

    @staticmethod
    def missing():
        if not os.path.exists(os.path.join(PROGRAMS, "initdb")):
            return "PostgreSQL was left out: its package (postgresql) is not installed."
        if os.geteuid() == 0 and USER not in (entry.pw_name for entry in pwd.getpwall()):
            return f"PostgreSQL was left out: it refuses to run as root, and no user is {USER}."
        return None

    @staticmethod
    def version():
        return subprocess.run([os.path.join(PROGRAMS, "postgres"), "--version"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def __enter__(self):
        if not os.path.exists(self.cluster):
            self.make_cluster()
        settings = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
        self.control("start", "-l", os.path.join(self.cluster, "log"),
                     "-o", f"-k '{self.cluster}' {settings}")
        return self

    def __exit__(self, *_):
        self.control("stop", "-m", "fast")

    def make_cluster(self):
        if os.geteuid() == 0:
            os.mkdir(self.cluster)
            os.chown(self.cluster, *pwd.getpwnam(USER)[2:4])
        as_user("initdb", "-D", self.cluster, "-U", USER, "-A", "trust", "-E", "UTF8",
                "--locale=C")

    def control(self, action, *options):
        as_user("pg_ctl", "-D", self.cluster, "-w", "-t", "600", action, *options)

    def processes(self):
        postmaster = self.postmaster()
        return {"postmaster": postmaster, **children_of(postmaster)}

    def postmaster(self):
        with open(os.path.join(self.cluster, "postmaster.pid"), encoding="utf-8") as file:
            return int(file.readline())

    def children(self):
        """Their process ids, also of those that ended but still have to be waited for."""
        pid = self.postmaster()
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
            return set(file.read().split())

    def psql(self, script, **options):
        return subprocess.run(
            [os.path.join(PROGRAMS, "psql"), "-h", self.cluster, "-U", USER, "-d", "postgres",
             "-X", "-q", "-v", "ON_ERROR_STOP=1"], input=script, text=True, check=True, **options)

    def create(self, table):
        columns = ", ".join(f"{name} {SQL_TYPES.get(kind, 'text')}"
                            for name, kind in table.types().items())
        self.psql(f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({', '.join(table.keys)}));")

    def apply(self, table, files):
        """One transaction for each client. What a backend has cost is known when it has ended."""
        paths = files["replace"].paths
        lasting = self.children()
        in_parallel(self.psql, [(script(table, paths[client::CLIENTS]),)
                                for client in range(CLIENTS)])
        wait_until(lambda: self.children() <= lasting)

    def sums(self, table):
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            self.psql(f"\\copy {table.name} to stdout (format csv, header)\n", stdout=file)
            file.seek(0)
            return sums_of_text(table, file)


def script(table, paths):
    cells = ", ".join(f"{name} = excluded.{name}" for name in table.names()
                      if name not in table.keys)
    return (f"BEGIN;\nCREATE TEMP TABLE staging (LIKE {table.name});\n" + "".join(
        f"TRUNCATE staging;\n"
        f"\\copy staging from program '{TOOLS.absolute()}/bench_open {KEY.hex()} {path}' "
        f"(format csv, header, null '{NULL_STRING}')\n"
        f"INSERT INTO {table.name} SELECT * FROM staging "
        f"ON CONFLICT ({', '.join(table.keys)}) DO UPDATE SET {cells};\n" for path in paths)
        + "COMMIT;\n")


def as_user(program, *arguments):
    prefix = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, os.path.join(PROGRAMS, program), *arguments], check=True,
                   stdout=subprocess.DEVNULL, cwd="/")

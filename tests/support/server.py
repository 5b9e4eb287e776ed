"""A weir server in a temporary data folder: start, look at its processes, stop."""
import glob
import json
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import grpc

from client import Client
from patience import PATIENCE

WEIR = os.path.abspath(os.environ["WEIR"])

SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|: runtime error: |WARNING: ThreadSanitizer")

HEALTH_CHECK = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"


def free_port():
    """A port below the ephemeral range, so that no client's connection takes it meanwhile."""
    while True:
        port = random.SystemRandom().randrange(12000, 32000)
        with socket.socket(socket.AF_INET6) as probe:
            try:
                probe.bind(("::", port))
                return port
            except OSError:
                continue


def wait_until(condition, seconds=10, what="a condition"):
    """Polls until condition() is true and returns its value."""
    deadline = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds * PATIENCE} s for {what}")


def process_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid):
    """{title: pid} of the living processes that `pid` started."""
    found = {}
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            state, parent = Path(stat).read_text().rsplit(")", 1)[1].split()[:2]
            title = Path(stat).with_name("cmdline").read_bytes().split(b"\0")[0].decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid and state != "Z":
            found[title] = int(Path(stat).parent.name)
    return found


class Server:
    """Used as a context manager: serving inside, stopped and cleaned up after it."""

    def __init__(self, *options, data_dir=None, port=None, environment=None):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-test-")
        self.data_dir = data_dir or os.path.join(self.folder.name, "data")
        self.batch_dir = os.path.join(self.folder.name, "batches")
        self.log_path = os.path.join(self.folder.name, "log")
        self.port = port or free_port()
        self.options = [str(option) for option in options]
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": "", **(environment or {})}
        self.process = None
        self.prefix = []  # what weir's command is run by
        os.makedirs(self.batch_dir, exist_ok=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        self.folder.cleanup()

    def launch(self):
        """Starts the process and does not wait for it to serve."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, WEIR, "serve", "--port", str(self.port), "--data-dir",
                 self.data_dir, *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment)

    def start(self):
        self.launch()
        try:
            self.wait_serving()
        except BaseException:
            self.kill()
            raise

    def wait_serving(self, seconds=30):
        def serving():
            if self.process.poll() is not None:
                raise AssertionError(f"weir ended with {self.process.returncode}:\n{self.log()}")
            return self.is_serving()

        wait_until(serving, seconds, f"the server to serve; its log:\n{self.log()}")

    def is_serving(self):
        with self.client() as client:
            try:
                return client.raw(HEALTH_CHECK, b"", timeout=1 * PATIENCE) == SERVING
            except grpc.RpcError:
                return False

    @property
    def address(self):
        return f"localhost:{self.port}"

    def client(self, options=()):
        return Client(self.address, options)

    def client_of(self, credentials, options=()):
        """A client over TLS."""
        return Client(self.address, options, credentials)

    def roles(self):
        """{"frontend": pid, "worker 0": pid, ..., "worker express": pid}."""
        return {title.removeprefix("weir: "): pid
                for title, pid in children_of(self.process.pid).items()
                if title.startswith("weir: ")}

    def stop(self, seconds=40, signal_number=signal.SIGTERM):
        """Asks the server to stop and returns its exit status."""
        self.process.send_signal(signal_number)
        return self.process.wait(seconds * PATIENCE)

    def kill(self):
        """Ends it at once, whatever state it is in; its children end with it.

        A worker that a sanitizer stopped is replaced like any other, so that only the log tells.
        """
        if self.process is None:
            return
        children = children_of(self.process.pid).values()
        self.process.kill()
        self.process.wait()
        wait_until(lambda: not any(map(process_alive, children)), 20, "the children to end")
        if SANITIZER_REPORT.search(self.log()):
            raise AssertionError(f"a sanitizer found something:\n{self.log()[-8000:]}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_lines(self):
        """The JSON objects of the log."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def weir(self, *arguments, check=True):
        """Runs another command on the server's data folder; returns its CompletedProcess."""
        return run_weir(*arguments[:1], "--data-dir", self.data_dir, *arguments[1:], check=check)

    def dump(self, schema, table):
        """The rows of a table as `weir dump` prints them, each a dict."""
        output = self.weir("dump", schema, table).stdout
        return [json.loads(line) for line in output.splitlines()]


def run_weir(*arguments, check=True, environment=None, binary=False):
    result = subprocess.run([WEIR, *map(str, arguments)], capture_output=True, text=not binary,
                            env={**os.environ, **(environment or {})},
                            timeout=120 * PATIENCE, check=False)
    if check and result.returncode != 0:
        raise AssertionError(f"weir {arguments} ended with {result.returncode}: {result.stderr}")
    return result


def private_memory(pid):
    """RssAnon in bytes, 0 when the process is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    match = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(match.group(1)) * 1024 if match else 0

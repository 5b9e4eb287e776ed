"""Faults of the machine: system calls of a running server that fail, or that kill who makes them.

strace attaches to the server's processes and does it; nothing of that is in weir.
"""
import os
import shutil
import signal
import subprocess
import tempfile

from server import wait_until


def can_inject():
    """Whether strace is there and may attach to what others have started."""
    if shutil.which("strace") is None:
        return False
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        probe = subprocess.Popen(["strace", "-p", str(sleeper.pid)], stderr=subprocess.PIPE,
                                 text=True)
        said = probe.stderr.readline()  # strace says at once which way it went
        probe.kill()
        sleeper.kill()
        probe.communicate()
        return "attached" in said


class Injection:
    """While it is entered: `expressions` as strace's inject takes them, in processes `pids`;
    `paths`: only in calls on those files or folders. `trace`: which calls are recorded; all.
    `follow` False: only in these threads, not in others of their processes."""

    def __init__(self, pids, *expressions, paths=(), trace=None, follow=True):
        self.pids = list(pids)
        self.follow = ["-f"] if follow else []
        self.options = [option for expression in expressions
                        for option in ("-e", f"inject={expression}")]
        self.options += [option for path in paths for option in ("-P", path)]
        self.options += ["-e", f"trace={trace}"] if trace else []
        self.folder = tempfile.TemporaryDirectory(prefix="weir-strace-")
        self.said = os.path.join(self.folder.name, "said")

    def __enter__(self):
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(
                ["strace", *self.follow, "-y", "-o", os.path.join(self.folder.name, "calls"),
                 *self.options, *[f"--attach={pid}" for pid in self.pids]],
                stdout=said, stderr=said)
        wait_until(self.is_attached, what="strace to attach")
        return self

    def is_attached(self):
        with open(self.said, encoding="utf-8") as said:
            text = said.read()
        if self.process.poll() is not None:
            raise AssertionError(f"strace ended: {text}")
        return all(f"Process {pid} attached" in text for pid in self.pids)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()  # it waits for a thread that is gone
            self.process.wait()
        with open(os.path.join(self.folder.name, "calls"), encoding="latin-1") as calls:
            self.calls = calls.read()
        if not self.follow and len(self.pids) == 1:  # then strace leaves the thread out
            self.calls = "".join(f"{self.pids[0]} {call}"
                                 for call in self.calls.splitlines(keepends=True))
        self.folder.cleanup()

    def hit(self):
        """After it: whether a call was met."""
        return "(INJECTED)" in self.calls or "SIGKILL" in self.calls

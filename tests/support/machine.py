"""A Debian machine with systemd: a root made by fresh_root.sh, booted by systemd-nspawn.

It shares the network of this one. What changes in it is gone when it ends."""
import glob
import subprocess
from pathlib import Path

from server import wait_until

# systemd-nspawn forbids them unless it is told.
LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"


class Machine:
    """Used as a context manager: booted inside. `shared` is a folder that it sees, too."""

    def __init__(self, root, shared):
        self.command = ["systemd-nspawn", "--quiet", "--boot", f"--directory={root}",
                        "--volatile=overlay", "--register=no", "--keep-unit", "--resolv-conf=off",
                        "--timezone=off", "--console=pipe", f"--bind-ro={shared}",
                        "--system-call-filter=" + LANDLOCK, "systemd.show_status=no"]
        self.process = None
        self.leader = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.leader = wait_until(self.find_leader, 30, "the machine's first process")
            wait_until(lambda: "running" in self.run("systemctl", "is-system-running",
                                                     check=False).stdout, 60, "the machine to boot")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def find_leader(self):
        """The child that is process 1 inside."""
        for status in glob.glob("/proc/[0-9]*/status"):
            try:
                fields = dict(line.split(":\t", 1) for line in
                              Path(status).read_text().splitlines() if ":\t" in line)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields["PPid"]) == self.process.pid and fields["NSpid"].split()[-1] == "1":
                return fields["Pid"]
        return None

    def run(self, *command, check=True, content=b""):
        """Runs a command in it, as root, with `content` to read; returns its CompletedProcess."""
        result = subprocess.run(
            ["nsenter", f"--target={self.leader}", "--all", "--root", "--wd", *command],
            input=content, capture_output=True, timeout=120, check=False)
        result.stdout = result.stdout.decode(errors="replace")
        result.stderr = result.stderr.decode(errors="replace")
        if check and result.returncode != 0:
            raise AssertionError(f"{command} ended with {result.returncode}: {result.stdout}"
                                 f"{result.stderr}")
        return result

    def write(self, path, content):
        self.run("mkdir", "-p", Path(path).parent)
        self.run("tee", path, content=content)

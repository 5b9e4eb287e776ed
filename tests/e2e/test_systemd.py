"""What systemd is told of a server, and what it is told to do with one."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from bigbatch import BigBatch, create_big_table
from patience import PATIENCE
from server import Server, run_weir, wait_until

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
WATCHDOG_SECONDS = 0.5

# What `systemd-analyze security` may find at most: 10 is a service without any hardening.
EXPOSURE_MAX = 2.0


class Listener:
    """Stands in for systemd: keeps the states that a service sends."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.states = []

    def read(self):
        while True:
            try:
                self.states += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.states

    def count(self, state):
        return self.read().count(state)

    def wait_for(self, state, seconds=20):
        wait_until(lambda: state in self.read(), seconds, f"{state} among {self.states}")


class Notify(unittest.TestCase):
    def setUp(self):
        self.server = Server("--workers", "2")
        self.addCleanup(self.server.folder.cleanup)
        self.addCleanup(self.server.kill)
        self.systemd = Listener(self.server.folder.name)
        self.addCleanup(self.systemd.socket.close)
        self.server.environment |= {"NOTIFY_SOCKET": self.systemd.path,
                                    "WATCHDOG_USEC": str(int(WATCHDOG_SECONDS * 1e6))}
        self.server.start()

    def signs_of_life(self, seconds):
        before = self.systemd.count("WATCHDOG=1")
        time.sleep(seconds)
        return self.systemd.count("WATCHDOG=1") - before

    def test_states_from_start_to_stop(self):
        self.systemd.wait_for("READY=1")
        self.systemd.wait_for("STATUS=0 calls running, 0 waiting")
        self.systemd.wait_for("WATCHDOG=1")
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.systemd.count("READY=1") == 2, what="READY=1 after a reload")
        states = self.systemd.states
        reloading = states.index("RELOADING=1")
        self.assertRegex(states[reloading + 1], r"MONOTONIC_USEC=\d+$")
        self.assertIn("READY=1", states[reloading:])
        self.assertEqual(self.server.stop(), 0)
        self.systemd.wait_for("STOPPING=1")
        # The grace period of 30 s and what ending takes: a longer one needs no change of the unit.
        self.assertIn("EXTEND_TIMEOUT_USEC=37000000", self.systemd.states)

    def test_the_status_tells_what_runs(self):
        with self.server.client() as client:
            table = create_big_table(client, "big")
            call = client.start("WriteBatch", BigBatch(self.server.batch_dir, 1).request(table, 20))
            self.systemd.wait_for("STATUS=1 calls running, 0 waiting")
            call.result()
        wait_until(lambda: [state for state in self.systemd.read() if state.startswith("STATUS")]
                   [-1] == "STATUS=0 calls running, 0 waiting", what="the status of an idle server")

    def test_a_frontend_that_hangs_gives_no_sign_of_life(self):
        self.assertGreater(self.signs_of_life(4 * WATCHDOG_SECONDS), 1)
        frontend = self.server.roles()["frontend"]
        os.kill(frontend, signal.SIGSTOP)
        time.sleep(7)  # longer than a frontend may be silent
        self.assertEqual(self.signs_of_life(4 * WATCHDOG_SECONDS), 0)
        os.kill(frontend, signal.SIGCONT)
        wait_until(lambda: self.signs_of_life(WATCHDOG_SECONDS) > 0, what="a sign of life")

    def test_a_server_without_workers_gives_no_sign_of_life_and_gives_up(self):
        self.assertGreater(self.signs_of_life(4 * WATCHDOG_SECONDS), 1)
        # No worker that starts can listen any more.
        shutil.rmtree(Path(self.server.data_dir, "LOCK").read_text().splitlines()[1])
        for name, pid in self.server.roles().items():
            if name.startswith("worker"):
                os.kill(pid, signal.SIGKILL)
        time.sleep(WATCHDOG_SECONDS)
        self.assertEqual(self.signs_of_life(8 * WATCHDOG_SECONDS), 0)
        self.assertEqual(self.server.process.wait(60 * PATIENCE), 70)


@unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
class Units(unittest.TestCase):
    def units(self):
        return sorted(DEPLOY.glob("weir*.service")) + sorted(DEPLOY.glob("weir*.socket"))

    def test_the_units_are_valid(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="weir-test-")))
        for unit in self.units():
            text = unit.read_text().replace("/usr/bin/weir", os.environ["WEIR"])
            (folder / unit.name.replace("@.", "@x.")).write_text(text)
        result = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *folder.glob("weir*")],
            capture_output=True, text=True, check=False)
        ours = [line for line in result.stderr.splitlines() if "weir" in line]
        self.assertEqual((ours, result.returncode), ([], 0))

    def test_the_services_are_exposed_little(self):
        for unit in DEPLOY.glob("weir*.service"):
            result = subprocess.run(
                ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                capture_output=True, text=True, check=False)
            level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
            self.assertIsNotNone(level, result.stdout + result.stderr)
            self.assertLessEqual(float(level[1]), EXPOSURE_MAX, result.stdout)


    def test_the_template_is_the_service_with_names_of_its_own(self):
        def settings(name):
            text = (DEPLOY / name).read_text()
            return text[text.index("[Unit]"):].splitlines()

        names = {"Description=weir, a Fivetran destination (%i)":
                 "Description=weir, a Fivetran destination",
                 "EnvironmentFile=/etc/weir/%i.env": "EnvironmentFile=-/etc/weir/weir.env"}
        template = settings("weir@.service")
        self.assertEqual([names.get(line, line.replace("weir/%i", "weir")) for line in template],
                         settings("weir.service"))


class Completeness(unittest.TestCase):
    def test_the_environment_file_has_every_option(self):
        variables = set(re.findall(r"\$?(WEIR_[A-Z_]+)", run_weir("serve", "--help").stdout))
        self.assertGreater(len(variables), 10)
        named = set(re.findall(r"^#?(WEIR_[A-Z_]+)=", (DEPLOY / "weir.env").read_text(),
                               re.MULTILINE))
        self.assertEqual(named, variables)

    def test_the_readme_has_every_option(self):
        options = re.findall(r"^ +(--[a-z-]+)", run_weir("serve", "--help").stdout, re.MULTILINE)
        rows = "".join(line.split("|")[1] for line in (ROOT / "README.md").read_text().splitlines()
                       if line.startswith("| `--"))
        self.assertEqual(set(re.findall(r"`(--[a-z-]+)`", rows)), set(options) - {"--help"})

    @unittest.skipUnless(shutil.which("man"), "needs man")
    def test_the_manual_page_is_well_formed(self):
        result = subprocess.run(["man", "--warnings", "-l", DEPLOY / "weir.1"], capture_output=True,
                                text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.assertEqual(result.stderr, "")

    def test_the_manual_page_has_every_command_and_option(self):
        page = (DEPLOY / "weir.1").read_text().replace("\\-", "-")
        commands = re.findall(r"^  (\w+) ", run_weir("--help").stdout, re.MULTILINE)
        self.assertIn("backup", commands)
        for command in commands:
            self.assertRegex(page, rf"\.SS .*\b{command}\b", command)
            for option in re.findall(r"^ +(--[a-z-]+)", run_weir(command, "--help").stdout,
                                     re.MULTILINE):
                self.assertIn(option, page, command)


if __name__ == "__main__":
    unittest.main()

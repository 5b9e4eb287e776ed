"""The Debian package on a fresh machine: installed, run by a real systemd, served by, removed.

WEIR_PACKAGE is the package, WEIR_MACHINE the root of a minimal Debian with systemd (`make
fresh_package`)."""
import json
import os
import socket
import tempfile
import threading
import unittest
from pathlib import Path

import grpc

import common_pb2 as common
import destination_sdk_pb2 as sdk
from batch import Batch
from bigbatch import ROWS, BigBatch, create_big_table
from client import Client
from machine import Machine
from model import Column, Table
from server import HEALTH_CHECK, SERVING, free_port, wait_until

PACKAGE = Path(os.environ["WEIR_PACKAGE"])
COLUMNS = [Column("id", "LONG", key=True), Column("name", "STRING")]
INSTALL = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes",
           "--reinstall", "/root/weir.deb")


class PackageCase(unittest.TestCase):
    """A machine for each test, with the package and what WEIR_BATCH_DIR and WEIR_PORT say."""

    def setUp(self):
        self.batch_dir = self.enterContext(tempfile.TemporaryDirectory(prefix="weir-test-"))
        os.chmod(self.batch_dir, 0o755)
        self.machine = self.enterContext(Machine(os.environ["WEIR_MACHINE"], self.batch_dir))
        self.machine.write("/root/weir.deb", PACKAGE.read_bytes())
        self.port = free_port()
        self.before = self.packages()
        self.machine.run(*INSTALL)
        self.write_options("weir", self.port)

    def packages(self):
        return set(self.machine.run("dpkg-query", "--show", "--showformat=${Package}\n")
                   .stdout.split())

    def write_options(self, name, port):
        self.machine.write(f"/etc/weir/{name}.env", "\n".join(
            [f"WEIR_PORT={port}", "WEIR_LISTEN=127.0.0.1", f"WEIR_BATCH_DIR={self.batch_dir}",
             ""]).encode())

    def write_drop_in(self, unit, *lines):
        self.machine.write(f"/run/systemd/system/{unit}.d/test.conf",
                           "\n".join([*lines, ""]).encode())
        self.systemctl("daemon-reload")

    def systemctl(self, *arguments, check=True):
        return self.machine.run("systemctl", *arguments, check=check)

    def property(self, name, unit="weir"):
        return self.systemctl("show", "--value", "--property", name, unit).stdout.strip()

    def journal(self, unit="weir"):
        return self.machine.run("journalctl", "--unit", unit, "--output=cat").stdout

    def statuses(self):
        """{process: /proc/PROCESS/status} of all that run the installed binary."""
        found = self.machine.run("sh", "-c", 'for one in /proc/[0-9]*; do [ "$(readlink $one/exe)" '
                                 '!= /usr/bin/weir ] || echo ${one#/proc/}; done')
        return {process: self.machine.run("cat", f"/proc/{process}/status").stdout
                for process in found.stdout.split()}

    def frontend(self):
        return next(process for process, status in self.statuses().items()
                    if status.startswith("Name:\tweir: frontend\n"))

    def client(self, port=None):
        return self.enterContext(Client(f"127.0.0.1:{port or self.port}"))

    def is_serving(self):
        with Client(f"127.0.0.1:{self.port}") as client:
            try:
                return client.raw(HEALTH_CHECK, b"", timeout=1) == SERVING
            except grpc.RpcError:
                return False

    def send_batch(self, port=None):
        """A new table with rows, which must succeed; returns its model."""
        client = self.client(port)
        table = Table("shop", f"t{os.urandom(4).hex()}", COLUMNS)
        self.assertTrue(client.create(table.schema, table.message()).success)
        batch = Batch(self.batch_dir, table)
        batch.replace([["1", "one"], ["2", "two"]])
        response = client.write(batch.request())
        self.assertTrue(response.success, response)
        batch.apply_to_model()
        return table

    def assert_table(self, table, data_dir="/var/lib/weir"):
        rows = self.machine.run("weir", "dump", "--data-dir", data_dir, table.schema, table.name)
        self.assertEqual([json.loads(row) for row in rows.stdout.splitlines()], table.dump())


class Service(PackageCase):
    def test_a_batch_is_served_by_confined_processes_of_weirs_user(self):
        self.assertEqual(self.packages() - self.before, {"weir"})
        self.assertEqual(self.property("ActiveState"), "inactive")
        self.systemctl("enable", "--now", "weir")

        self.assert_table(self.send_batch())

        user = self.machine.run("id", "--user", "weir").stdout.strip()
        statuses = self.statuses()
        self.assertGreaterEqual(len(statuses), 4)
        for status in statuses.values():
            self.assertRegex(status, rf"Uid:\t{user}\t{user}\t{user}")
            self.assertRegex(status, r"CapBnd:\t0+\n")
            self.assertRegex(status, r"NoNewPrivs:\t1\n")
        # A unit that forbids a part of the confinement, as Landlock, would be told as a WARNING.
        levels = [json.loads(line)["level"] for line in self.journal().splitlines()
                  if line.startswith("{")]
        self.assertEqual(set(levels), {"INFO"}, self.journal())
        wait_until(lambda: self.property("StatusText") == "0 calls running, 0 waiting", 10,
                   "the status")

    def test_the_unit_forbids_nothing_that_work_takes(self):
        self.systemctl("start", "weir")
        client = self.client()
        table = create_big_table(client, "big")
        large = BigBatch(self.batch_dir, 1).request(table, 3)
        self.assertTrue(client.write(large).success)
        wider = table.message()
        wider.columns[1].type = common.LONG
        response = client.call("AlterTable", sdk.AlterTableRequest(schema_name="shop", table=wider))
        self.assertTrue(response.success, response)
        for command in (("compact",), ("check",), ("backup", "/var/lib/weir/copy")):
            self.machine.run("runuser", "--user", "weir", "--", "weir", command[0], "--data-dir",
                             "/var/lib/weir", *command[1:])
        described = self.machine.run("weir", "describe", "--data-dir", "/var/lib/weir/copy",
                                     "shop", "big").stdout
        self.assertRegex(described, r"version +LONG")
        rows = self.machine.run("weir", "dump", "--data-dir", "/var/lib/weir/copy", "shop", "big")
        self.assertEqual(rows.stdout.count("\n"), ROWS)

    def test_the_units_are_valid_where_they_are_installed(self):
        for unit in ("weir.service", "weir@one.service", "weir.socket"):
            result = self.machine.run("systemd-analyze", "verify", "--man=no", unit)
            self.assertEqual(result.stdout + result.stderr, "", unit)

    def test_stop_start_and_reload(self):
        self.systemctl("start", "weir")
        table = self.send_batch()
        process = self.property("MainPID")
        self.systemctl("reload", "weir")
        wait_until(lambda: "nothing to reload" in self.journal(), 10, "the reload")
        wait_until(lambda: self.property("ActiveState") == "active", 10, "the end of the reload")
        self.assertEqual(self.property("MainPID"), process)

        self.systemctl("stop", "weir")
        self.assertEqual((self.property("Result"), self.property("ExecMainStatus")),
                         ("success", "0"))
        self.systemctl("start", "weir")
        self.assert_table(table)
        self.assert_table(self.send_batch())

    def test_a_server_that_was_killed_or_hangs_is_started_again(self):
        self.write_drop_in("weir.service", "[Service]", "WatchdogSec=2")
        self.systemctl("start", "weir")
        table = self.send_batch()
        for restarts, (signal_name, victim) in enumerate(
                [("KILL", lambda: self.property("MainPID")), ("STOP", self.frontend)], 1):
            with self.subTest(signal_name):
                self.machine.run("sh", "-c", f"kill -{signal_name} {victim()}")
                wait_until(lambda: self.property("NRestarts") == str(restarts), 60, "a restart")
                wait_until(self.is_serving, 30, "the server to serve")
                self.assert_table(table)

    def test_two_of_them_have_ports_and_data_folders_of_their_own(self):
        other = free_port()
        self.write_options("other", other)
        self.systemctl("start", "weir", "weir@other")
        self.assert_table(self.send_batch())
        self.assert_table(self.send_batch(other), "/var/lib/weir/other")


class Socket(PackageCase):
    def test_no_client_is_refused_while_the_service_restarts(self):
        self.write_drop_in("weir.socket", "[Socket]", "ListenStream=",
                           f"ListenStream=127.0.0.1:{self.port}")
        self.systemctl("start", "weir.socket")
        self.assertEqual(self.property("ActiveState"), "inactive")
        table = self.send_batch()  # which starts the service
        self.assertEqual(self.property("ActiveState"), "active")
        over, refused, made = threading.Event(), [], [0]

        def connect():
            while not over.wait(0.005):
                try:
                    socket.create_connection(("127.0.0.1", self.port), 30).close()
                    made[0] += 1
                except OSError as error:
                    refused.append(error)

        thread = threading.Thread(target=connect)
        thread.start()
        for _ in range(3):
            self.systemctl("restart", "weir")
        over.set()
        thread.join()
        self.assertEqual(refused, [])
        self.assertGreater(made[0], 10)
        self.assert_table(table)
        self.assert_table(self.send_batch())


class Life(PackageCase):
    def test_an_upgrade_starts_it_again_and_a_purge_leaves_the_tables(self):
        self.systemctl("enable", "--now", "weir")
        table, process = self.send_batch(), self.property("MainPID")
        self.machine.run(*INSTALL)
        self.assertNotEqual(self.property("MainPID"), process)
        self.assertEqual(self.property("ActiveState"), "active")
        self.assert_table(table)
        options = self.machine.run("cat", "/etc/weir/weir.env").stdout
        self.assertIn(f"WEIR_PORT={self.port}", options)

        self.machine.run("dpkg", "--purge", "weir")
        self.assertEqual(self.systemctl("is-active", "weir", check=False).stdout.strip(),
                         "inactive")
        self.assertFalse(self.is_serving())
        left = self.machine.run("sh", "-c", "cd / && ls -d etc/weir var/lib/weir usr/bin/weir "
                                "etc/systemd/system/*/weir* 2>&1", check=False).stdout
        self.assertEqual([line for line in left.splitlines() if not line.startswith("ls:")],
                         ["var/lib/weir"])
        self.machine.run(*INSTALL)
        self.assert_table(table)


if __name__ == "__main__":
    unittest.main()

"""Sockets that systemd listens on: clients find someone there while weir restarts."""
import signal
import socket
import subprocess
import sys
import threading
import unittest

import certificates
from certificates import Identity
from model import Column, Table
from patience import SANITIZED
from server import WEIR, Server, free_port, wait_until

BACKLOG = 4096

# As systemd starts a service: the sockets from descriptor 3 on, and variables that say whose.
START = """
import os, sys
given = [int(fd) for fd in sys.argv[1].split(",")]
for number, fd in enumerate([os.dup(fd) for fd in given]):
    os.dup2(fd, 100 + number)
for number in range(len(given)):
    os.dup2(100 + number, 3 + number)
process = os.getpid() + int(sys.argv[2])
os.environ.update(LISTEN_PID=str(process), LISTEN_FDS=str(len(given)), LISTEN_FDNAMES="weir.socket")
os.execv(sys.argv[3], sys.argv[3:])
"""


class ActivatedServer(Server):
    """Gets sockets that listen; `meant_for` is 0 for this process, other for another one."""

    def __init__(self, sockets, *options, meant_for=0, **more):
        super().__init__(*options, **more)
        self.sockets = sockets
        self.meant_for = meant_for

    def launch(self):
        fds = [given.fileno() for given in self.sockets]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", START, ",".join(map(str, fds)), str(self.meant_for), WEIR,
                 "serve", "--data-dir", self.data_dir, *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
                pass_fds=fds)


class Activation(unittest.TestCase):
    def listen(self, host="127.0.0.1"):
        """As systemd does: as many may wait as the kernel allows."""
        listening = self.enterContext(socket.create_server((host, 0), backlog=BACKLOG))
        return listening, listening.getsockname()[1]

    def make(self, sockets, *options, **more):
        server = ActivatedServer(sockets, *options, **more)
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(server.kill)
        return server

    def test_it_serves_on_the_sockets_and_on_nothing_else(self):
        (first, port), (second, other_port) = self.listen(), self.listen()
        own_port = free_port()
        server = self.make([first, second], "--port", str(own_port), port=port)
        server.start()
        self.assertIn(f"weir is ready on port {port}", server.log())
        for number in (port, other_port):
            server.port = number
            with server.client() as client:
                client.create("shop", Table("shop", f"t{number}", [Column("id", "INT", key=True)])
                              .message())
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", own_port), 5)
        self.assertEqual(server.stop(), 0)

    def test_no_connection_is_refused_during_a_restart(self):
        listening, port = self.listen()
        server = self.make([listening], port=port)
        server.start()
        stop, refused, made = threading.Event(), [], [0]

        def connect():
            while not stop.is_set():
                try:
                    socket.create_connection(("127.0.0.1", port), 10).close()
                    made[0] += 1
                except OSError as error:
                    refused.append(error)
                stop.wait(0.005)

        thread = threading.Thread(target=connect)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.set)
        for _ in range(2):
            self.assertEqual(server.stop(), 0)
            with socket.create_connection(("127.0.0.1", port), 10) as waiting:
                server.start()
                # What came while nobody was there is served by who comes: HTTP/2's settings.
                waiting.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5))
                self.assertEqual(len(waiting.recv(9, socket.MSG_WAITALL)), 9)
        stop.set()
        thread.join()
        self.assertEqual(refused, [])
        self.assertGreater(made[0], 10)

    def test_a_new_frontend_has_them_too(self):
        listening, port = self.listen()
        server = self.make([listening], port=port)
        server.start()
        first = server.roles()["frontend"]
        subprocess.run(["kill", "-KILL", str(first)], check=True)
        socket.create_connection(("127.0.0.1", port), 10).close()
        wait_until(lambda: server.roles().get("frontend", first) != first, 20, "a new frontend")
        wait_until(server.is_serving, 20, "the new frontend to serve")

    @unittest.skipIf(SANITIZED, "a sanitizer opens descriptors of its own")
    def test_it_goes_on_when_descriptors_have_run_out(self):
        listening, port = self.listen()
        server = self.make([listening], port=port)
        server.start()
        frontend = server.roles()["frontend"]
        subprocess.run(["prlimit", "--pid", str(frontend), "--nofile=48:48"], check=True)
        crowd = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(100)]
        self.assertFalse(server.is_serving())
        for connection in crowd:
            connection.close()
        wait_until(server.is_serving, 20, "room for a client")
        self.assertEqual(server.roles()["frontend"], frontend)

    def test_sockets_of_another_process_are_not_taken(self):
        listening, _ = self.listen()
        port = free_port()
        server = self.make([listening], "--port", str(port), meant_for=1, port=port)
        server.start()
        self.assertIn(f"weir is ready on port {port}", server.log())

    def test_tls_on_them_is_refused(self):
        listening, _ = self.listen()
        server, identity = self.make([listening]), Identity("localhost")
        for option, content in (("--tls-cert", identity.certificate), ("--tls-key", identity.key)):
            server.options += [option, certificates.write(server.folder.name, option, content)]
        server.launch()
        self.assertEqual(server.process.wait(30), 1)
        self.assertIn("cannot serve TLS on sockets that systemd listens on", server.log())

    def test_a_descriptor_that_does_not_listen_is_refused(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            server = self.make([datagrams])
            server.launch()
            self.assertEqual(server.process.wait(30), 1)
            self.assertIn("descriptor 3, which is no socket that listens", server.log())

    def test_all_interfaces_are_warned_about(self):
        listening, port = self.listen("0.0.0.0")
        server = self.make([listening], port=port)
        server.start()
        self.assertIn("can read and write tables", server.log())
        self.assertEqual(server.stop(signal_number=signal.SIGINT), 0)


if __name__ == "__main__":
    unittest.main()

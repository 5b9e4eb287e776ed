"""--listen: the addresses that a server is at, and what it says about them."""
import json
import socket
import unittest

from server import Server, free_port

WARNING = "can read and write tables"


def is_listening(host, port):
    try:
        with socket.create_connection((host, port), 5):
            return True
    except OSError:
        return False


def other_address():
    """An address of this machine that is not the loopback's, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            return probe.getsockname()[0]
        except OSError:
            return None


class Listen(unittest.TestCase):
    def start(self, *options, **where):
        server = Server(*options, **where)
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(server.kill)
        server.start()
        return server

    def refusal(self, *options):
        """The log of a server that must not start."""
        server = Server(*options)
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(server.kill)
        server.launch()
        self.assertEqual(server.process.wait(30), 1)
        return server.log()

    def test_all_interfaces_are_the_default_and_warned_about(self):
        server = self.start()

        for host in ("127.0.0.1", "::1", "127.0.0.2"):
            self.assertTrue(is_listening(host, server.port), host)
        lines = [line for line in server.log_lines() if WARNING in line["message"]]
        self.assertEqual([line["level"] for line in lines], ["WARNING"])

    def test_one_address_is_the_only_one(self):
        server = self.start("--listen", "127.0.0.1")

        self.assertTrue(is_listening("127.0.0.1", server.port))
        self.assertFalse(is_listening("127.0.0.2", server.port))
        self.assertFalse(is_listening("::1", server.port))
        if other_address() is not None:
            self.assertFalse(is_listening(other_address(), server.port))
        self.assertNotIn(WARNING, server.log())

    def test_several_addresses_share_the_port(self):
        for options, environment in (
                (("--listen", "[::1]", "--listen=127.0.0.3"), None),
                ((), {"WEIR_LISTEN": "::1,127.0.0.3"})):
            with self.subTest(environment=environment):
                server = self.start(*options, environment=environment)
                self.assertTrue(is_listening("::1", server.port))
                self.assertTrue(is_listening("127.0.0.3", server.port))
                self.assertFalse(is_listening("127.0.0.1", server.port))
                self.assertNotIn(WARNING, server.log())

    def test_port_0_is_the_same_free_port_everywhere(self):
        server = Server("--listen", "127.0.0.1", "--listen", "::1")
        server.options += ["--port", "0"]  # the last one counts
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(server.kill)
        server.is_serving = lambda: "weir is ready" in server.log()
        server.start()

        port = [line["port"] for line in server.log_lines() if "port" in line][0]
        self.assertTrue(is_listening("127.0.0.1", port))
        self.assertTrue(is_listening("::1", port))

    def test_an_address_of_another_machine_is_refused(self):
        self.assertIn("this machine has no such address", self.refusal("--listen", "192.0.2.1"))

    def test_what_is_no_address_is_refused(self):
        for text in ("localhost", "127.0.0.1:50052", "1.2.3", "[::1", "::1]", "unix:/tmp/weir",
                     "[]", "127.0.0.1 ", "::" + "0" * 200):
            with self.subTest(text):
                log = self.refusal("--listen", text)
                self.assertIn("it is no IPv4 or IPv6 address", log)
                self.assertIn("--listen takes an address in numbers", log)

    def test_an_address_in_use_is_refused(self):
        server = self.start("--listen", "127.0.0.1")
        second = Server("--listen", "127.0.0.1", port=server.port)
        self.addCleanup(second.folder.cleanup)
        second.launch()

        self.assertEqual(second.process.wait(30), 1)
        self.assertIn(f"cannot listen on 127.0.0.1:{server.port}: it is in use", second.log())

    def test_the_same_port_at_another_address_is_free(self):
        port = free_port()
        first = self.start("--listen", "127.0.0.1", port=port)
        second = Server("--listen", "127.0.0.2", port=port)
        self.addCleanup(second.folder.cleanup)
        self.addCleanup(second.kill)
        second.launch()
        second.is_serving = lambda: is_listening("127.0.0.2", port)
        second.wait_serving()

        self.assertTrue(first.is_serving())
        self.assertEqual(json.loads(second.log().splitlines()[-1])["port"], port)


if __name__ == "__main__":
    unittest.main()

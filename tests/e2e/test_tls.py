"""TLS and client certificates: who may connect, and new certificates without a new server."""
import os
import signal
import socket
import ssl
import tempfile
import unittest

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

import certificates
from bigbatch import BigBatch, create_big_table, versions_of
from certificates import Identity
from server import Server, wait_until

AUTHORITY = Identity("weir test authority")
STRANGER = Identity("another authority")
SERVER = Identity("localhost", AUTHORITY)
NEXT_SERVER = Identity("localhost", AUTHORITY)
CLIENT = Identity("fivetran", AUTHORITY)
WRONG_CLIENT = Identity("somebody", STRANGER)


class TlsServer(Server):
    """Serves SERVER's certificate; with `mutual`, only clients of AUTHORITY may connect."""

    def __init__(self, *options, mutual=False, key_mode=0o600):
        super().__init__()
        self.put("cert.pem", SERVER.certificate)
        self.put("key.pem", SERVER.key, key_mode)
        self.put("ca.pem", AUTHORITY.certificate)
        self.options += ["--tls-cert", self.file("cert.pem"), "--tls-key", self.file("key.pem")]
        self.options += ["--tls-client-ca", self.file("ca.pem")] if mutual else []
        self.options += options
        self.identity = CLIENT if mutual else None

    def file(self, name):
        return os.path.join(self.folder.name, name)

    def put(self, name, content, mode=0o600):
        certificates.write(self.folder.name, name, content, mode)

    def credentials(self, identity=None, authority=AUTHORITY):
        return grpc.ssl_channel_credentials(
            authority.certificate, identity.key if identity else None,
            identity.certificate if identity else None)

    def client(self, options=()):
        return self.client_of(self.credentials(self.identity), options)

    def reload(self, message):
        """Sends SIGHUP and waits for the log line that says what came of it."""
        before = self.log().count(message)
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.log().count(message) > before, 20, message)

    def shown_serial(self):
        """Of the certificate that a new connection gets."""
        context = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
        context.set_alpn_protocols(["h2"])
        with socket.create_connection(("localhost", self.port), 20) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as secured:
            return x509.load_der_x509_certificate(secured.getpeercert(True)).serial_number


class TlsCase(unittest.TestCase):
    def start(self, *options, **how):
        server = TlsServer(*options, **how)
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(server.kill)
        server.start()
        return server

    def assert_refused(self, client):
        with client, self.assertRaises(grpc.RpcError) as raised:
            client.capabilities()
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)


class Connections(TlsCase):
    def test_a_batch_arrives_over_tls(self):
        server = self.start()
        with server.client() as client:
            table = create_big_table(client, "small")
            batch = BigBatch(server.batch_dir, 1, rows=10)
            response = client.write(batch.request(table, 1))

        self.assertEqual(response.WhichOneof("response"), "success", response)
        self.assertEqual(versions_of(server, table), {1: 10})
        self.assertNotIn("can read and write tables", server.log())

    def test_plain_clients_and_those_of_another_authority_are_refused(self):
        server = self.start()

        self.assert_refused(Server.client(server))
        self.assert_refused(server.client_of(server.credentials(authority=STRANGER)))
        self.assertTrue(server.is_serving())

    def test_client_certificates_are_required_and_verified(self):
        server = self.start(mutual=True)

        self.assert_refused(server.client_of(server.credentials()))
        self.assert_refused(server.client_of(server.credentials(WRONG_CLIENT)))
        with server.client() as client:
            client.capabilities()


class Reloading(TlsCase):
    def test_a_new_certificate_is_for_new_connections_and_old_ones_go_on(self):
        server = self.start()
        with server.client() as client:
            table = create_big_table(client, "big")
            running = client.start("WriteBatch", BigBatch(server.batch_dir, 1).request(table, 1))
            self.assertEqual(server.shown_serial(), SERVER.serial)

            server.put("cert.pem", NEXT_SERVER.certificate)
            server.put("key.pem", NEXT_SERVER.key)
            server.reload("read the TLS certificate")

            self.assertEqual(server.shown_serial(), NEXT_SERVER.serial)
            self.assertEqual(running.result().WhichOneof("response"), "success")
            client.capabilities()

    def test_a_new_client_authority_takes_effect(self):
        server = self.start(mutual=True)
        server.put("ca.pem", STRANGER.certificate)
        server.reload("read the TLS certificate")

        self.assert_refused(server.client())
        with server.client_of(server.credentials(WRONG_CLIENT)) as client:
            client.capabilities()

    def test_links_to_files_elsewhere_are_followed_again(self):
        with tempfile.TemporaryDirectory(prefix="weir-test-") as elsewhere:
            server = TlsServer()
            self.addCleanup(server.folder.cleanup)
            self.addCleanup(server.kill)
            for name in ("cert.pem", "key.pem"):
                os.rename(server.file(name), os.path.join(elsewhere, name))
                os.symlink(os.path.join(elsewhere, name), server.file(name))
            server.start()
            certificates.write(elsewhere, "cert.pem", NEXT_SERVER.certificate, 0o600)
            certificates.write(elsewhere, "key.pem", NEXT_SERVER.key, 0o600)
            server.reload("read the TLS certificate")
            self.assertEqual(server.shown_serial(), NEXT_SERVER.serial)

    def test_every_listener_gets_the_new_certificate(self):
        server = self.start("--listen", "::1", "--listen", "127.0.0.1")
        server.put("cert.pem", NEXT_SERVER.certificate)
        server.put("key.pem", NEXT_SERVER.key)
        server.reload("read the TLS certificate")

        for host in ("::1", "127.0.0.1"):
            with self.subTest(host):
                pem = ssl.get_server_certificate((host, server.port))
                serial = x509.load_pem_x509_certificate(pem.encode()).serial_number
                self.assertEqual(serial, NEXT_SERVER.serial)

    def test_what_cannot_be_used_keeps_the_old_certificate(self):
        server = self.start()
        for name, content, reason in bad_files():
            with self.subTest(reason):
                server.put("cert.pem", SERVER.certificate)
                server.put("key.pem", SERVER.key)
                server.put(name, content)
                server.reload("the old certificate stays in use")

                line = server.log_lines()[-1]
                self.assertEqual(line["level"], "WARNING")
                self.assertIn(reason, line["message"])
                self.assertIn(server.file(name), line["message"])
                self.assertEqual(server.shown_serial(), SERVER.serial)

    def test_a_client_authority_that_cannot_be_used_keeps_the_old_one(self):
        server = self.start(mutual=True)
        for content in (b"garbage", AUTHORITY.certificate + STRANGER.certificate[:300]):
            server.put("ca.pem", content)
            server.reload("the old certificate stays in use")
            self.assertIn("client CA file", server.log_lines()[-1]["message"])
            with server.client() as client:
                client.capabilities()
        self.assert_refused(server.client_of(server.credentials(WRONG_CLIENT)))

    def test_sighup_without_tls_changes_nothing(self):
        with Server() as server:
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "nothing to reload" in server.log(), 20, "the log line")
            self.assertTrue(server.is_serving())


def bad_files():
    """(file, content, what the message says) of files that a server must not use."""
    return [
        ("cert.pem", b"garbage", "holds no PEM certificate"),
        ("cert.pem", SERVER.certificate[:200], "holds no PEM certificate"),
        ("cert.pem", SERVER.certificate + AUTHORITY.certificate[:200], "or a damaged one"),
        ("cert.pem", Identity("localhost", AUTHORITY, -9, -2).certificate, "has expired"),
        ("cert.pem", Identity("localhost", AUTHORITY, 2, 9).certificate, "is not valid before"),
        ("cert.pem", NEXT_SERVER.certificate, "it is not the key of certificate file"),
        ("key.pem", NEXT_SERVER.key, "it is not the key of certificate file"),
        ("key.pem", b"", "holds no PEM private key"),
        ("key.pem", SERVER.key_pem(BestAvailableEncryption(b"password")), "encrypted"),
    ]


class Starting(TlsCase):
    def refusal(self, server):
        """The log of a server that must not start."""
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(server.kill)
        server.launch()
        self.assertEqual(server.process.wait(30), 1)
        return server.log()

    def test_files_that_cannot_be_used_are_named(self):
        for name, content, reason in bad_files():
            with self.subTest(reason):
                server = TlsServer()
                server.put(name, content)
                log = self.refusal(server)
                self.assertIn(reason, log)
                self.assertIn(server.file(name), log)

    def test_a_missing_file_is_named(self):
        for name, what in (("cert.pem", "certificate file"), ("key.pem", "key file"),
                           ("ca.pem", "client CA file")):
            with self.subTest(name):
                server = TlsServer(mutual=True)
                os.remove(server.file(name))
                self.assertIn(f'could not open {what} \\"{server.file(name)}\\": No such file',
                              self.refusal(server))

    def test_a_certificate_without_its_key_is_refused(self):
        server = TlsServer()
        server.options = ["--tls-cert", server.file("cert.pem")]
        log = self.refusal(server)
        self.assertIn("cannot serve TLS: no key of the certificate is given", log)
        self.assertIn("Give both --tls-cert and --tls-key.", log)

    def test_a_key_that_all_can_read_is_warned_about(self):
        self.assertIn("can read the TLS key file", self.start(key_mode=0o644).log())
        self.assertNotIn("can read the TLS key file", self.start(key_mode=0o640).log())


if __name__ == "__main__":
    unittest.main()

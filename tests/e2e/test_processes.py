"""The processes: who runs, what happens when one is killed, how the server starts and stops."""
import contextlib
import json
import os
import re
import signal
import socket
import time
import unittest
from pathlib import Path

import grpc

import destination_sdk_pb2 as sdk
from bigbatch import ROWS, BigBatch, create_big_table, versions_of
from patience import PATIENCE, SANITIZED
from sandbox import LANDLOCK_CREATE_RULESET, OPENAT2, without
from server import Server, children_of, free_port, process_alive, wait_until

# What a batch may take that is under way at the stop.
GRACE = f"{30 * PATIENCE}s"


class ProcessCase(unittest.TestCase):
    def start(self, *options, **where):
        server = Server(*options, **where)
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(server.kill)
        server.start()
        return server

    def client(self, server):
        client = server.client()
        self.addCleanup(client.channel.close)
        return client

    def write_small(self, server, version=1, name="small"):
        """A batch of its own on a table of its own, which must succeed."""
        with server.client() as client:
            response = client.describe("shop", name)
            table = create_big_table(client, name) if response.not_found else None
            if table is None:
                raise AssertionError(f"{name} is used twice")
            batch = BigBatch(server.batch_dir, version, rows=10)
            response = client.write(batch.request(table, 1))
            self.assertEqual(response.WhichOneof("response"), "success", response)
            self.assertEqual(versions_of(server, table), {version: 10})
        return table

    def prepare_big(self, server):
        """A table with rows of version 1 and a batch of version 2 that takes seconds."""
        client = self.client(server)
        table = create_big_table(client, "big")
        client.write(BigBatch(server.batch_dir, 1).request(table, 1))
        self.assertEqual(versions_of(server, table), {1: ROWS})
        return table, BigBatch(server.batch_dir, 2)

    def start_batch(self, server, request):
        """Sends a large batch, and returns the call while its files are being decoded."""
        call = self.client(server).start("WriteBatch", request)
        runs = Path(server.data_dir, "runs")
        wait_until(lambda: any(runs.iterdir()), 10, "the batch to run")
        return call


def is_confined(pid):
    try:
        return "Seccomp:\t2" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


class Roles(ProcessCase):
    def test_the_processes_are_those_of_the_design(self):
        server = self.start("--workers", 3)

        self.assertEqual(set(server.roles()),
                         {"frontend", "worker 0", "worker 1", "worker 2", "worker express"})

    def test_sockets_are_in_a_private_folder_that_goes_with_the_server(self):
        server = self.start()
        worker = server.roles()["worker 0"]
        environment = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
        folder = next(entry.split(b"=", 1)[1].decode() for entry in environment
                      if entry.startswith(b"WEIR_RUNTIME_DIR_="))

        self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(folder))

    def test_it_listens_for_ipv4_and_ipv6(self):
        server = self.start()
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, server.port), timeout=5):
                pass

    def test_log_lines_are_json_objects_of_known_levels(self):
        server = self.start()
        self.write_small(server)
        server.stop()

        lines = [json.loads(line) for line in server.log().splitlines()]

        self.assertTrue(lines)
        for line in lines:
            self.assertIn(line["level"], ("INFO", "WARNING", "SEVERE"))
            self.assertEqual(line["message-origin"], "sdk_destination")
            self.assertTrue(line["message"])

    def test_any_folder_for_batch_files_is_warned_about(self):
        server = self.start()

        self.assertTrue(any(line["level"] == "WARNING" and "batch-dir" in json.dumps(line)
                            for line in server.log_lines()))


@unittest.skipIf(SANITIZED, "sanitizers need what is taken away")
class Confined(ProcessCase):
    def test_every_thread_of_every_child_is_confined(self):
        with Server("--workers", "2") as server:
            for name, pid in server.roles().items():
                threads = list(Path(f"/proc/{pid}/task").iterdir())
                self.assertGreater(len(threads), 1, name)
                for thread in threads:
                    status = (thread / "status").read_text()
                    self.assertRegex(status, r"NoNewPrivs:\s+1\b", name)
                    self.assertRegex(status, r"Seccomp:\s+2\b", name)
            self.assertNotIn("more rights", server.log())

    def test_a_kernel_without_landlock_is_told_once(self):
        server = Server("--workers", "2")
        server.prefix = without(LANDLOCK_CREATE_RULESET)
        with server:
            self.write_small(server)
            told = [line for line in server.log_lines() if "more rights" in line["message"]]
        self.assertEqual([line["level"] for line in told], ["WARNING"])
        self.assertIn("the kernel has no Landlock", told[0]["message"])

    def test_a_file_that_balloons_fails_its_batch_and_nothing_else(self):
        with Server("--workers", "1", "--worker-memory", "256MiB", "--cell-max", "1GiB",
                    "--run-budget", "16MiB") as server, server.client() as client:
            table = create_big_table(client, "orders")
            path = os.path.join(server.batch_dir, "balloon.csv")
            with open(path, "wb") as file:
                file.write(b"id,version,notes\n1,2," + b"x" * 300 * 1024 * 1024 + b"\n")
            with self.assertRaises(grpc.RpcError) as caught:
                client.write(sdk.WriteBatchRequest(schema_name=table.schema, replace_files=[path],
                                                   table=table.message()))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertIn("balloon.csv", caught.exception.details())
            response = client.write(BigBatch(server.batch_dir, 1, rows=10).request(table, 1))
            self.assertEqual(response.WhichOneof("response"), "success")
            self.assertEqual(versions_of(server, table), {1: 10})


class Killed(ProcessCase):
    def test_an_idle_worker_is_replaced(self):
        server = self.start("--workers", 2)
        for name in ("worker 0", "worker 1", "worker express"):
            with self.subTest(name):
                killed = server.roles()[name]
                os.kill(killed, signal.SIGKILL)
                wait_until(lambda: server.roles().get(name, killed) != killed, 10,
                           f"a new {name}")
        self.write_small(server)

    def test_killing_a_worker_during_a_batch_goes_unnoticed(self):
        server = self.start("--workers", 2)
        table, batch = self.prepare_big(server)
        client = self.client(server)
        for delay in (0.1, 0.5, 1.0):
            with self.subTest(delay=delay):
                call = client.start("WriteBatch", batch.request(table, 10))
                time.sleep(delay)
                for name, pid in server.roles().items():
                    if name == "worker 0":
                        os.kill(pid, signal.SIGKILL)
                response = call.result()
                self.assertEqual(response.WhichOneof("response"), "success", response)
                self.assertEqual(versions_of(server, table), {2: ROWS})

    def test_a_killed_frontend_is_back_within_two_seconds(self):
        server = self.start("--workers", 2)
        table, batch = self.prepare_big(server)
        call = self.start_batch(server, batch.request(table, 10))
        before = server.roles()

        os.kill(before["frontend"], signal.SIGKILL)
        wait_until(lambda: server.roles().get("frontend", before["frontend"])
                   != before["frontend"] and server.is_serving(), 2, "the server to be back")

        with self.assertRaises(grpc.RpcError) as caught:
            call.result()
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertIn(versions_of(server, table), ({1: ROWS}, {2: ROWS}))
        self.write_small(server)

    def test_a_killed_supervisor_leaves_no_process_and_the_next_start_works(self):
        server = self.start("--workers", 2)
        table, batch = self.prepare_big(server)
        call = self.start_batch(server, batch.request(table, 10))
        children = children_of(server.process.pid).values()

        server.process.kill()
        server.process.wait()

        wait_until(lambda: not any(map(process_alive, children)), 5, "the children to end")
        with self.assertRaises(grpc.RpcError):
            call.result()
        server.start()
        self.assertIn(versions_of(server, table), ({1: ROWS}, {2: ROWS}))
        self.assertEqual(os.listdir(os.path.join(server.data_dir, "runs")), [])
        self.write_small(server)

    def test_everything_killed_at_once_starts_again(self):
        server = self.start("--workers", 2)
        table, batch = self.prepare_big(server)
        self.client(server).start("WriteBatch", batch.request(table, 10))
        time.sleep(0.8)
        for pid in [server.process.pid, *children_of(server.process.pid).values()]:
            os.kill(pid, signal.SIGKILL)
        server.process.wait()

        server.start()

        self.assertIn(versions_of(server, table), ({1: ROWS}, {2: ROWS}))
        self.assertEqual(os.listdir(os.path.join(server.data_dir, "runs")), [])

    def test_children_ignore_what_a_terminal_sends(self):
        server = self.start()
        before = server.roles()
        for pid in before.values():
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGTERM)

        self.write_small(server)

        self.assertEqual(server.roles(), before)

    def test_a_server_that_cannot_start_again_gives_up(self):
        server = self.start()
        Path(server.data_dir, "registry.mdb").write_bytes(b"no registry" * 1000)
        os.kill(server.roles()["frontend"], signal.SIGKILL)
        self.assertEqual(server.process.wait(60 * PATIENCE), 70)
        last = [line for line in server.log_lines() if line["level"] == "SEVERE"][-1]
        self.assertIn("frontend ended 8 times in a row before it was ready", last["message"])


    @unittest.skipIf(SANITIZED, "a sanitized worker does not show when it is ready")
    def test_workers_that_all_keep_dying_end_the_server(self):
        server = self.start("--workers", 1)
        while server.process.poll() is None:
            confined = [pid for role, pid in server.roles().items()
                        if role.startswith("worker") and is_confined(pid)]
            time.sleep(0.05)  # what is left to do until it is ready
            for pid in confined:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.assertEqual(server.process.returncode, 70)
        last = [line for line in server.log_lines() if line["level"] == "SEVERE"][-1]
        self.assertIn("all workers ended 50 times in a row", last["message"])


class Refused(ProcessCase):
    def ending(self, server):
        """Launches a server that must end by itself; returns its status and what it said."""
        server.launch()
        status = server.process.wait(30 * PATIENCE)
        return status, server.log()

    def test_a_second_server_on_the_same_data_folder(self):
        first = self.start()
        second = Server(data_dir=first.data_dir)
        self.addCleanup(second.folder.cleanup)
        self.addCleanup(second.kill)

        status, said = self.ending(second)

        self.assertEqual(status, 1, said)
        self.assertIn(first.data_dir, said)
        self.assertRegex(said, re.compile("in use|another|running|already", re.I))
        self.write_small(first)

    def test_a_port_in_use(self):
        first = self.start()
        second = Server(port=first.port)
        self.addCleanup(second.folder.cleanup)
        self.addCleanup(second.kill)

        status, said = self.ending(second)

        self.assertEqual(status, 1, said)
        self.assertIn(str(first.port), said)
        self.assertRegex(said, re.compile("in use", re.I))

    def test_a_data_folder_that_cannot_be_made(self):
        server = Server(data_dir="/proc/nothing/data", port=free_port())
        self.addCleanup(server.folder.cleanup)

        status, said = self.ending(server)

        self.assertEqual(status, 1, said)
        self.assertIn("/proc/nothing", said)


    def test_batch_folders_that_cannot_be_used(self):
        for folder, reason in (("batches", 'it does not begin with \\"/\\"'),
                               ("./", 'it does not begin with \\"/\\"'),
                               ("/nothing/here", "could not open it: No such file or directory"),
                               ("/etc/passwd", "could not open it: Not a directory")):
            with self.subTest(folder):
                server = Server("--batch-dir", "/tmp", "--batch-dir", folder)
                self.addCleanup(server.folder.cleanup)
                self.addCleanup(server.kill)

                status, said = self.ending(server)

                self.assertEqual(status, 1, said)
                self.assertIn(f'could not use batch folder \\"{folder}\\": {reason}', said)

    def test_a_sandbox_in_which_batch_folders_hold_nothing(self):
        """Told at start, instead of in the answer to every batch."""
        server = Server("--batch-dir", "/tmp")
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(server.kill)
        server.prefix = without(OPENAT2)

        status, said = self.ending(server)

        self.assertEqual(status, 1, said)
        self.assertIn('could not use batch folder \\"/tmp\\": openat2(2) is not allowed here', said)


class Stop(ProcessCase):
    def test_an_idle_server_stops_at_once_with_status_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                server = self.start()
                children = children_of(server.process.pid).values()
                started = time.monotonic()
                self.assertEqual(server.stop(signal_number=number), 0)
                self.assertLess(time.monotonic() - started, 5 * PATIENCE)
                self.assertFalse(any(map(process_alive, children)))

    def test_a_running_batch_is_finished(self):
        server = self.start("--workers", 2, "--grace", GRACE)
        table, batch = self.prepare_big(server)
        call = self.start_batch(server, batch.request(table, 10))

        status = server.stop()

        self.assertEqual(call.result().WhichOneof("response"), "success")
        self.assertEqual(status, 0)
        self.assertEqual(versions_of(server, table), {2: ROWS})

    def test_no_new_call_is_accepted_meanwhile(self):
        server = self.start("--workers", 2, "--grace", GRACE)
        table, batch = self.prepare_big(server)
        call = self.start_batch(server, batch.request(table, 20))
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)

        with self.assertRaises(grpc.RpcError) as caught:
            self.client(server).describe("shop", "big")

        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(call.result().WhichOneof("response"), "success")

    def test_after_the_grace_period_a_batch_is_aborted(self):
        server = self.start("--workers", 1, "--grace", "200ms")
        table, batch = self.prepare_big(server)
        call = self.start_batch(server, batch.request(table, 60))
        started = time.monotonic()

        status = server.stop()

        self.assertLess(time.monotonic() - started, 5 * PATIENCE)
        self.assertEqual(status, 0)
        with self.assertRaises(grpc.RpcError) as caught:
            call.result()
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(versions_of(server, table), {1: ROWS})
        self.assertEqual(os.listdir(os.path.join(server.data_dir, "runs")), [])

    def test_tables_survive_a_restart(self):
        server = self.start()
        table = self.write_small(server)
        server.stop()

        server.start()

        self.assertEqual(versions_of(server, table), {1: 10})
        with server.client() as client:
            self.assertEqual(list(client.describe("shop", "small").table.columns),
                             list(table.message().columns))


class LeftOvers(ProcessCase):
    def test_what_a_crash_left_is_swept_at_start(self):
        server = self.start()
        table = self.write_small(server)
        server.stop()
        run = os.path.join(server.data_dir, "runs", "left", "over.run")
        os.makedirs(os.path.dirname(run))
        orphan = os.path.join(server.data_dir, "tables", "999999", "1.mdb")
        os.makedirs(os.path.dirname(orphan))
        for path in (run, orphan):
            Path(path).write_bytes(b"left over")

        server.start()

        self.assertFalse(os.path.exists(os.path.dirname(run)))
        self.assertFalse(os.path.exists(os.path.dirname(orphan)))
        self.assertEqual(versions_of(server, table), {1: 10})


if __name__ == "__main__":
    unittest.main()

"""Keys and passwords go out of memory when they are no longer needed: with the request, and what
gRPC has read of it with its connection."""
import os
import unittest

from batch import Batch
from bigbatch import BigBatch, create_big_table
from case import ServerCase
from patience import SANITIZED
from server import children_of, wait_until


def memory_holds(pid, secrets):
    """Whether one of them is anywhere in the memory that a process can write."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            if rights.startswith("rw"):
                memory.seek(start)
                content = memory.read(end - start)
                if any(secret in content for secret in secrets):
                    return True
    return False


def can_read_memory():
    """Of children: Yama lets a parent do so."""
    try:
        with open("/proc/self/mem", "rb"):
            return True
    except OSError:
        return False


@unittest.skipUnless(can_read_memory(), "needs /proc/PID/mem")
@unittest.skipIf(SANITIZED, "a sanitizer keeps what was freed")
class Wiping(ServerCase):
    SERVER_OPTIONS = ("--workers", "2")

    def holders(self, secrets):
        return [title for title, pid in children_of(self.server.process.pid).items()
                if memory_holds(pid, secrets)]

    def assert_wiped(self, secrets):
        wait_until(lambda: not self.holders(secrets), 10,
                   f"secrets to go from {self.holders(secrets)}")

    def test_the_scan_finds_what_is_there(self):
        self.assertTrue(memory_holds(os.getpid(), [os.urandom(32)]))

    def test_no_call_of_a_library_is_looked_up_late(self):
        """The dynamic linker would put the vector registers on the stack, once in many batches with
        a key that was moved just before."""
        children = children_of(self.server.process.pid)
        self.assertGreater(len(children), 2)
        for title, pid in children.items():
            with open(f"/proc/{pid}/environ", "rb") as environment:
                self.assertIn(b"LD_BIND_NOW=1", environment.read().split(b"\0"), title)

    def test_the_keys_of_small_batches(self):
        tables, keys = [self.new_table() for _ in range(10)], []
        with self.server.client() as client:
            for table in tables:
                batch = Batch(self.server.batch_dir, table)
                batch.replace([["1", "a", "2"]])
                self.assert_success(client.write(batch.request()))
                keys += batch.files.keys.values()
        self.assert_wiped(keys)

    def test_the_keys_of_a_large_batch(self):
        table = create_big_table(self.client, "large")
        with self.server.client() as client:
            request = BigBatch(self.server.batch_dir, 1, key=os.urandom(32)).request(table, 20)
            self.assert_success(client.write(request))
        self.assert_wiped(list(request.keys.values()))

    def test_the_keys_of_a_batch_that_fails(self):
        table, key = self.new_table(), os.urandom(32)
        with self.server.client() as client:
            batch = Batch(self.server.batch_dir, table)
            path = batch.replace([["1", "a", "2"]])
            request = batch.request()
            request.keys[path] = key
            self.assert_task(client.write(request), path)
        self.assert_wiped([key, *batch.files.keys.values()])

    def test_a_password(self):
        password = "planted-" + os.urandom(12).hex()
        with self.server.client() as client:
            for name in ("connect", "select"):
                client.test(name, {"writerType": "Database", "password": password})
        self.assert_wiped([password.encode()])


if __name__ == "__main__":
    unittest.main()

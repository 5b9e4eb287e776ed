"""A record of what a server's processes change under its data folder, made by strace.

strace stands between every process and the kernel, so that nothing is missed: a system call that
changes files and that nobody here knows is an error.
"""
import os
import re
import subprocess

from server import WEIR, Server, children_of

# All that change files or folders, or make changes durable.
CALLS = ("openat open creat lseek write pwrite64 pwritev pwritev2 writev ftruncate "
         "truncate rename renameat renameat2 unlink unlinkat mkdir mkdirat rmdir fsync "
         "fdatasync sync syncfs msync sync_file_range fallocate copy_file_range sendfile "
         "splice link linkat symlink symlinkat mmap").split()

LINE = re.compile(r"(\d+) +(\d+\.\d+) (.*)")
CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+|\?)")
UNFINISHED = " <unfinished ...>"
SYNC = re.compile(r"f(data)?sync\(")
RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
DESCRIPTOR = re.compile(r"^(?:AT_FDCWD|\d+)<([^>]*)>")
MAPPED = re.compile(r", \d+<([^>]*)>, \w+$")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
VECTOR = re.compile(r'iov_base="((?:\\x[0-9a-f]{2})*)", iov_len=\d+')


class RecordedServer(Server):
    """Writes its record to `record_path`."""

    def __init__(self, *options, **more):
        super().__init__(*options, **more)
        self.record_path = os.path.join(self.folder.name, "record")

    def launch(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["strace", "-f", "-ttt", "-y", "-xx", "-s", str(2**26), "-o", self.record_path,
                 "-e", "trace=" + ",".join(CALLS), WEIR, "serve", "--port", str(self.port),
                 "--data-dir", self.data_dir, *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)

    def stop(self, *_, **__):
        """The signal is for weir: strace ends with it."""
        for pid in children_of(self.process.pid).values():
            os.kill(pid, 15)
        return self.process.wait(60)


class Event:
    """A call that succeeded, by a thread, and when strace saw its end (of one that nothing came
    between: its beginning)."""

    def __init__(self, thread, ended, name, arguments, result):
        self.thread = thread
        self.ended = ended
        self.name = name
        self.arguments = arguments
        self.result = result

    def descriptor(self):
        """The path of the first argument, which is a descriptor."""
        return unescape(DESCRIPTOR.match(self.arguments)[1]).removesuffix(" (deleted)")

    def mapped(self):
        """The path of the file that is mapped; None: memory alone."""
        found = MAPPED.search(self.arguments)
        return unescape(found[1]) if found else None

    def handle(self):
        """What tells the descriptor from others: weir opens and writes a file in one thread."""
        number = self.result if self.name == "openat" else int(self.arguments.split("<")[0])
        return self.thread, number

    def is_deleted(self):
        return "(deleted)" in unescape(DESCRIPTOR.match(self.arguments)[1])

    def paths(self):
        """The path arguments, relative ones resolved against their folder."""
        base = self.descriptor() if DESCRIPTOR.match(self.arguments) else "/"
        return [os.path.normpath(os.path.join(base, unescape(text)))
                for text in STRING.findall(self.arguments)]

    def content(self):
        """The bytes of a write."""
        vectors = VECTOR.findall(self.arguments)
        texts = vectors or STRING.findall(self.arguments)[:1]
        return b"".join(bytes.fromhex(text.replace("\\x", "")) for text in texts)

    def numbers(self):
        """The last arguments that are numbers."""
        return [int(text) for text in re.findall(r", (\d+)(?=,|$)", self.arguments)]


def unescape(text):
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text)


def read_record(path):
    """The calls that succeeded, in the order of their ends; a sync during which another thread did
    something has a beginning, too."""
    begun = {}
    with open(path, encoding="latin-1") as file:
        for line in file:
            thread, time, text = LINE.match(line).groups()
            if text.endswith(UNFINISHED):
                begun[thread] = text.removesuffix(UNFINISHED)
                if SYNC.match(text):
                    yield Event(thread, float(time), "begin_sync",
                                begun[thread].split("(", 1)[1], 0)
                continue
            resumed = RESUMED.match(text)
            if resumed:
                text = begun.pop(thread) + resumed[2]
            call = CALL.match(text)
            if call and call[3] != "?" and int(call[3]) >= 0:
                yield Event(thread, float(time), call[1], call[2], int(call[3]))

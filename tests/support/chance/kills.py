"""kill -9 of a server's processes, at random moments of what it does."""
import os
import signal
import time

WORKERS = ("a worker", "all workers")
VICTIMS = (*WORKERS, "the frontend", "the supervisor", "everything", "a server that starts")

# Up to so long after the requests: as a small operation takes, as a larger one, as a long one.
MOMENTS = (0.005, 0.05, 0.5)
START_SECONDS = 0.3


class Killer:
    """Kills at most one victim after each aim(): what is aimed at is looked up before the requests
    are sent, since looking takes longer than small operations do."""

    def __init__(self, random, server):
        self.random = random
        self.server = server
        self.waiting = []  # victims of this round: each has its turn
        self.victim = None
        self.processes = {}

    def aim(self):
        if not self.waiting:
            self.waiting = self.random.sample(VICTIMS, len(VICTIMS))
        self.victim = self.waiting.pop()
        self.processes = self.server.roles()

    def wait(self, calls):
        """Until a random moment, or right after the last answer."""
        end = time.monotonic() + self.random.uniform(0, self.random.choice(MOMENTS))
        while time.monotonic() < end and not all(call.done() for call in calls):
            time.sleep(0.0005)

    def kill(self):
        """The server may be gone after it; start_again() brings it back."""
        workers = [pid for role, pid in self.processes.items() if role.startswith("worker")]
        if self.victim == "a worker":
            self.kill_children([self.random.choice(workers)])
        elif self.victim == "all workers":
            self.kill_children(workers)
        elif self.victim == "the frontend":
            self.kill_children([self.processes["frontend"]])
        elif self.victim == "the supervisor":
            self.server.process.kill()
        else:
            self.kill_children(self.processes.values())
            self.server.process.kill()

    @staticmethod
    def kill_children(pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # a worker ends by itself, too

    def goes_unnoticed(self):
        """Whether every request is answered as if nothing had happened."""
        return self.victim in WORKERS

    def start_again(self):
        if self.victim == "the frontend":
            self.server.wait_serving()
        elif not self.goes_unnoticed():
            self.server.process.wait()
            if self.victim == "a server that starts":
                self.server.launch()
                time.sleep(self.random.uniform(0, START_SECONDS))
                self.server.kill()
            self.server.start()

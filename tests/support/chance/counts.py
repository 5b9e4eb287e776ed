"""What runs of random operations have done, in numbers."""
import collections
import time


class Counts:
    def __init__(self):
        self.started = time.monotonic()
        self.seeds = 0
        self.answers = collections.Counter()  # by operation and kind of answer
        self.kills = collections.Counter()  # by victim
        self.unanswered = 0  # kills while at least one request had no answer yet
        self.lost_answers = collections.Counter()  # by what had become of the operation

    def kill(self, victim, calls):
        self.kills[victim] += 1
        self.unanswered += not all(call.done() for call in calls)

    def summary(self):
        text = f"{self.seeds} seeds, {self.answers.total()} operations"
        if self.kills:
            text += (f", {self.kills.total()} kills, {self.unanswered} of them before an answer;"
                     f" of the operations whose answer was lost {self.lost_answers['whole']} were"
                     f" there, whole, and {self.lost_answers['absent']} were not")
        return f"{text}; nothing lost, no difference; {time.monotonic() - self.started:.0f} s"

    def lines(self):
        yield from (f"{count:8} {name}: {answer}"
                    for (name, answer), count in sorted(self.answers.items()))
        yield from (f"{count:8} killed: {victim}" for victim, count in sorted(self.kills.items()))

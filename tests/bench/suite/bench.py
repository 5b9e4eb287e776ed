"""One run of the suite: how much of everything, where, against whom, and what came out."""
from dataclasses import dataclass, field

from measure import median


@dataclass
class Line:
    """What one engine did in one case."""
    case: str
    engine: str
    rows: int
    measures: list

    def seconds(self):
        return median(measure.seconds for measure in self.measures)

    def cpu(self):
        return median(measure.cpu for measure in self.measures)

    def system(self):
        return median(measure.system for measure in self.measures)


@dataclass
class Bench:
    rows: int          # of the case load; every other case has its share of them
    repetitions: int
    small_batches: int  # of one client
    folder: str
    peers: list
    lines: list = field(default_factory=list)
    latencies: list = field(default_factory=list)
    stages: dict = field(default_factory=dict)   # {step of a worker: nanoseconds a row}

    def add(self, case, engine, rows, measures):
        self.lines.append(Line(case, engine, rows, measures))

    def line(self, case, engine):
        return next((line for line in self.lines if (line.case, line.engine) == (case, engine)),
                    None)

    def latency(self, case):
        return next((latency for latency in self.latencies if latency.case == case), None)

    def ratio(self, case, peer, what="seconds"):
        """Median over the pairs of a run: how many times as much as weir the peer took, or None."""
        lines = [self.line(case, engine) for engine in ("weir", peer)]
        if None in lines:
            return None
        return median(getattr(theirs, what) / getattr(ours, what)
                      for ours, theirs in zip(*(line.measures for line in lines)))

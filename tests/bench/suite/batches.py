"""The cases that are one batch: workloads, and how weir and its peers are run on them in turn."""
from folders import scratch
from rows import Rows
from tables import HISTORY, LONG, ORDERS, PAGES, PAIRS, WIDE
from weir import Weir
from workload import Stage, Workload


def only_load(table, rows):
    return Workload(table, {"replace": rows}, [rows])


def load(rows):
    return only_load(ORDERS, Rows(rows))


def load_ascending(rows):
    return only_load(ORDERS, Rows(rows, order="ascending"))


def load_more(rows):
    return load(rows * 5 // 2)


def load_ten_times(rows):
    return load(rows * 10)


def quarter(rows, **options):
    """Every fourth of the rows, in its second version."""
    return Rows(rows // 4, stride=4, version=1, **options)


def other_quarters(rows):
    return [Rows(rows // 4, stride=4, offset=offset) for offset in (1, 2, 3)]


def upsert(rows):
    return Workload(ORDERS, {"replace": quarter(rows)}, [quarter(rows), *other_quarters(rows)],
                    before={"replace": Rows(rows)})


def update(rows):
    return Workload(ORDERS, {"update": quarter(rows, what="update")},
                    [quarter(rows, what="merged"), *other_quarters(rows)],
                    before={"replace": Rows(rows)})


def delete(rows):
    return Workload(ORDERS, {"delete": quarter(rows, columns=("id",))}, other_quarters(rows),
                    before={"replace": Rows(rows)})


def history(rows):
    """Half of the records get a second version, of which half are updates."""
    half, quarter_of = {"count": rows // 4, "stride": 2}, {"count": rows // 8, "stride": 4}
    earliest = Rows(**half, version=1, columns=("id", "_fivetran_start"))
    replaced = Rows(**quarter_of, version=1)
    updated = {**quarter_of, "offset": 2, "version": 1}
    return Workload(HISTORY, {"earliest_start": earliest, "replace": replaced,
                              "update": Rows(**updated, what="update")},
                    [Rows(**half, what="closed"), Rows(**half, offset=1), replaced,
                     Rows(**updated, what="merged")],
                    before={"replace": Rows(rows // 2)})


def string_key(rows):
    return only_load(PAIRS, Rows(rows // 2))


def long_key(rows):
    return only_load(PAGES, Rows(rows // 4))


def wide(rows):
    return only_load(WIDE, Rows(rows // 20))


def long_cells(rows):
    return only_load(LONG, Rows(rows // 2000))


def decode(rows):
    """Updates of rows that are not there: all is decoded, nothing is stored."""
    return Workload(ORDERS, {"update": Rows(rows // 2, what="update")}, [])


def run(bench, name, make_workload, peers, also=None, repetitions=None):
    """`peers` are the names of those that the case is for; `also` measures more on its files."""
    workload = make_workload(bench.rows)
    engines = [Weir] + [peer for peer in bench.peers if peer.name in peers]
    measures = {engine: [] for engine in engines}
    with scratch(bench.folder) as folder:
        stage = Stage(workload, folder)
        for engine in engines:
            stage.prepare(engine)
        for _ in range(repetitions or bench.repetitions):
            for engine in engines:
                measures[engine].append(stage.run(engine))
        if also:
            also(stage, bench)
    for engine in engines:
        bench.add(name, engine.name, workload.rows(), measures[engine])

"""What the tables hold: columns as DescribeTable tells them, rows as `weir dump` prints them."""
import subprocess

import common_pb2 as common


def report(session, weir, data_dir):
    """The lines for every table that the scenario asks for, rows only if `weir` is given."""
    for name in session.scenario.describe:
        yield f"table {name}"
        table = session.describe(name)
        if table is None:
            yield "  is not there"
            continue
        for column in table.columns:
            yield "  " + shown_column(column)
        if weir is not None:
            yield from rows(session.schema, name, weir, data_dir)


def shown_column(column):
    params = column.params.decimal
    size = f" ({params.precision}, {params.scale})" if column.params.HasField("decimal") else ""
    key = " key" if column.primary_key else ""
    return f"{column.name} {common.DataType.Name(column.type)}{size}{key}"


def rows(schema, name, weir, data_dir):
    command = [weir, "dump", "--data-dir", data_dir, schema, name]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

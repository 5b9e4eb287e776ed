"""Migrate in history mode: a column comes or goes at a moment, and versions tell so."""
from .history import MILLISECOND, is_history
from .migrate import add_column, need_column, read_default, read_value
from .table import ACTIVE, END, START, Refused


def add_column_in_history_mode(model, schema, name, column, type_name, default, moment):
    table = history_table(model, schema, name)
    moment = read_value("UTC_DATETIME", moment)
    value = read_default(type_name, default)
    add_column(table, column, type_name)
    begin_versions(table, moment, column, value, list(table.rows.values()))
    model.put(table)


def drop_column_in_history_mode(model, schema, name, column, moment):
    table = history_table(model, schema, name)
    moment = read_value("UTC_DATETIME", moment)
    if need_column(table, column).key:
        raise Refused("a key column")
    with_value = [row for row in table.rows.values() if row[column] is not None]
    begin_versions(table, moment, column, None, with_value)
    model.put(table)


def history_table(model, schema, name):
    table = model.get(schema, name).copy()
    if not is_history(table):
        raise Refused("no history table")
    return table


def begin_versions(table, moment, column, value, versions):
    """From the moment on, the active ones of the versions have the value in the column.

    They go on as new versions, which take the place of any that begins at the moment.
    """
    if any(row[ACTIVE] and row[START] > moment for row in table.rows.values()):
        raise Refused("an active version starts later")
    begun = []
    for row in sorted(versions, key=lambda row: row[START]):
        if row[START] == moment:
            row[column] = value
        elif row[ACTIVE] and row[START] < moment:
            begun.append({**row, START: moment, column: value})
            row.update({ACTIVE: False, END: moment - MILLISECOND})
    table.rows.update({table.key_of(row): row for row in begun})

"""Migrate: what its operations do to tables and to single columns.

Each function takes a destination and the schema and name of a table; see history_columns.py and
sync_modes.py for those that know of history.
"""
from .table import Column, Refused, Unsupported
from .values import READ

# Where the text "NULL" or no text at all may be meant as a value.
KEEP_TEXT = ("STRING", "JSON", "XML", "BINARY")


def unsupported(*_):
    raise Unsupported("no operation, or a live mode")


def drop_table(model, schema, name):
    model.tables.pop((schema, name), None)


def rename_table(model, schema, name, target):
    if model.find(schema, target) is not None:
        if model.find(schema, name) is None:
            return
        raise Refused("the target exists")
    model.put(model.get(schema, name).copy(target))
    drop_table(model, schema, name)


def copy_table(model, schema, name, target):
    put_copy(model, model.get(schema, name), target, lambda copy: copy)


def put_copy(model, table, target, change):
    """Puts change(a copy) there; a copy of the same table may be replaced."""
    existing = model.find(table.schema, target)
    if existing is not None and existing.copy_of != table.name:
        raise Refused("the target exists")
    copy = change(table.copy(target))
    copy.copy_of = table.name
    model.put(copy)


def rename_column(model, schema, name, column, target):
    table = model.get(schema, name).copy()
    if table.column(target) is not None:
        if table.column(column) is None:
            return
        raise Refused("the target exists")
    need_column(table, column)
    table.columns = [c.with_(name=target) if c.name == column else c for c in table.columns]
    for row in table.rows.values():
        row[target] = row.pop(column)
    table.set_rows(table.rows.values())
    model.put(table)


def copy_column(model, schema, name, column, target):
    table = model.get(schema, name).copy()
    source = need_column(table, column)
    existing = table.column(target)
    if existing is None:
        table.columns.append(source.with_(name=target, key=False))
    elif existing.type != source.type or existing.key:
        raise Refused("the target is of another type or in the key")
    for row in table.rows.values():
        row[target] = row[column]
    model.put(table)


def add_column_with_default_value(model, schema, name, column, type_name, default):
    table = model.get(schema, name).copy()
    value = read_default(type_name, default)
    add_column(table, column, type_name)
    set_all(table, column, value)
    model.put(table)


def update_column_value(model, schema, name, column, text):
    table = model.get(schema, name).copy()
    target = need_column(table, column)
    if target.key:
        raise Refused("a key column")
    set_all(table, column, None if text == "NULL" else read_default(target.type, text))
    model.put(table)


def need_column(table, name):
    if table.column(name) is None:
        raise Refused(f"no column {name!r}")
    return table.column(name)


def add_column(table, name, type_name):
    """Adds the column, NULL everywhere, unless it is there as one of that type outside the key."""
    column = table.column(name)
    if column is None:
        table.columns.append(Column(name, type_name))
        set_all(table, name, None)
    elif column.type != type_name or column.key:
        raise Refused(f"{name!r} is of another type or in the key")


def set_all(table, name, value):
    for row in table.rows.values():
        row[name] = value


def read_default(type_name, text):
    if type_name not in READ:
        raise Refused("no type")
    if type_name not in KEEP_TEXT and text in ("", "NULL"):
        return None
    return read_value(type_name, text)


def read_value(type_name, text):
    try:
        return READ[type_name](text)
    except ValueError as error:
        raise Refused(str(error)) from error

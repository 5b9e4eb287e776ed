"""Migrate between soft deletes and history."""
from .history import END_OF_TIME, is_history
from .migrate import add_column, put_copy, set_all
from .table import ACTIVE, DELETED, END, ID, START, SYNCED, Column, Refused
from .values import ZERO, read_utc

BEGIN_OF_TIME = ZERO["UTC_DATETIME"]
HISTORY = (START, END, ACTIVE)


def copy_table_to_history_mode(model, schema, name, target, soft_deleted_column):
    def change(copy):
        if soft_deleted_column:
            return with_history(copy, soft_deleted_column)
        return with_versions(copy, deleted=lambda row: False)

    put_copy(model, model.get(schema, name), target, change)


def soft_delete_to_history(model, schema, name, soft_deleted_column=None):
    model.put(with_history(model.get(schema, name).copy(), soft_deleted_column or DELETED))


def with_history(table, soft_deleted_column):
    if is_history(table):
        return table
    with_versions(table, deleted=lambda row: row.get(soft_deleted_column))
    drop_columns(table, (DELETED,))
    return table


def with_versions(table, deleted):
    """Every row becomes one version: from the last sync on, or of no time if it is deleted."""
    moments = [row[SYNCED] for row in table.rows.values() if row.get(SYNCED) is not None]
    latest = max(moments, default=BEGIN_OF_TIME)
    for row in table.rows.values():
        if deleted(row):
            row.update({START: BEGIN_OF_TIME, END: BEGIN_OF_TIME, ACTIVE: False})
        else:
            row.update({START: latest, END: read_utc(END_OF_TIME), ACTIVE: True})
    table.columns += [Column(START, "UTC_DATETIME", key=True), Column(END, "UTC_DATETIME"),
                      Column(ACTIVE, "BOOLEAN")]
    table.set_rows(table.rows.values())
    return table


def history_to_soft_delete(model, schema, name, soft_deleted_column=None):
    table = model.get(schema, name).copy()
    if not any(table.column(column) for column in HISTORY):
        return
    if not all(table.column(column) for column in HISTORY):
        raise Refused("no history table")
    add_deleted(table)
    soft = soft_deleted_column or DELETED
    if table.column(soft) is None:
        raise Refused("no such soft_deleted_column")
    for row in table.rows.values():
        row[soft] = not row[ACTIVE]
    set_record_key(table)
    keep_latest(table)
    drop_columns(table, HISTORY)
    model.put(table)


def add_deleted(table):
    if table.column(DELETED) is None:
        add_column(table, DELETED, "BOOLEAN")
        set_all(table, DELETED, False)


def set_record_key(table):
    """The key without the start; `_fivetran_id` where nothing else is in it."""
    keys = [name for name in table.keys() if name != START]
    if not keys and table.column(ID) is None:
        raise Refused("no key")
    table.columns = [column.with_(key=column.name in (keys or [ID])) for column in table.columns]


def keep_latest(table):
    in_order = sorted(table.rows.values(), key=lambda row: row[START])
    table.set_rows({table.key_of(row): row for row in in_order}.values())


def drop_columns(table, names):
    table.columns = [column for column in table.columns if column.name not in names]
    for row in table.rows.values():
        for name in names:
            row.pop(name, None)

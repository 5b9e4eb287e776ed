"""Migrate between soft deletes and history."""
from .history import END_OF_TIME, is_history
from .migrate import add_column, put_copy, set_all
from .table import ACTIVE, DELETED, END, ID, START, SYNCED, Refused
from .values import ZERO, read_utc

BEGIN_OF_TIME = ZERO["UTC_DATETIME"]
HISTORY = (START, END, ACTIVE)


def copy_table_to_history_mode(model, schema, name, target, soft_deleted_column):
    def change(copy):
        if is_history(copy):
            return copy
        return with_history(copy, soft_deleted_column, (DELETED,) if soft_deleted_column else ())

    put_copy(model, model.get(schema, name), target, change)


def soft_delete_to_history(model, schema, name, soft_deleted_column=None):
    table = model.get(schema, name).copy()
    if not all(table.column(column) for column in HISTORY) or START not in table.keys():
        with_history(table, soft_deleted_column or DELETED, dropped=(DELETED,))
        model.put(table)


def with_history(table, soft_deleted_column, dropped):
    """Every row becomes one version: from the last sync on, or of no time if it is deleted."""
    soft = table.column(soft_deleted_column)
    if soft is not None and soft.type != "BOOLEAN":
        raise Refused("soft_deleted_column is no BOOLEAN")
    moments = [row[SYNCED] for row in table.rows.values()
               if table.has(SYNCED, "UTC_DATETIME") and row[SYNCED] is not None]
    versions = {False: (max(moments, default=BEGIN_OF_TIME), read_utc(END_OF_TIME), True),
                True: (BEGIN_OF_TIME, BEGIN_OF_TIME, False)}
    deleted = [bool(row.get(soft_deleted_column)) for row in table.rows.values()]
    drop_columns(table, dropped)
    if not table.keys():
        raise Refused("no key is left")
    for name, type_name in zip(HISTORY, ("UTC_DATETIME", "UTC_DATETIME", "BOOLEAN")):
        add_column(table, name, type_name)
    for row, is_deleted in zip(table.rows.values(), deleted):
        row.update(zip(HISTORY, versions[is_deleted]))
    table.columns = [column.with_(key=column.key or column.name == START)
                     for column in table.columns]
    table.set_rows(table.rows.values())
    return table


def history_to_soft_delete(model, schema, name, soft_deleted_column=None):
    table = model.get(schema, name).copy()
    if not any(table.column(column) for column in HISTORY):
        return
    if not (table.has(START, "UTC_DATETIME") and table.has(END, "UTC_DATETIME")
            and table.has(ACTIVE, "BOOLEAN") and not {END, ACTIVE} & set(table.keys())):
        raise Refused("no history table")
    add_deleted(table)
    soft = soft_deleted_column or DELETED
    if not table.has(soft, "BOOLEAN") or table.column(soft).key or soft in HISTORY:
        raise Refused("no such soft_deleted_column")
    for row in table.rows.values():
        row[soft] = not row[ACTIVE]
    set_record_key(table)
    keep_latest(table)
    drop_columns(table, HISTORY)
    model.put(table)


def add_deleted(table):
    is_new = table.column(DELETED) is None
    add_column(table, DELETED, "BOOLEAN")
    if is_new:
        set_all(table, DELETED, False)


def set_record_key(table):
    """The key without the start; `_fivetran_id` where nothing else is in it."""
    keys = [name for name in table.keys() if name != START]
    if not keys and table.column(ID) is None:
        raise Refused("no key")
    table.columns = [column.with_(key=column.name in (keys or [ID])) for column in table.columns]


def keep_latest(table):
    in_order = sorted(table.rows.values(),
                      key=lambda row: BEGIN_OF_TIME if row[START] is None else row[START])
    table.set_rows({table.key_of(row): row for row in in_order}.values())


def drop_columns(table, names):
    table.columns = [column for column in table.columns if column.name not in names]
    for row in table.rows.values():
        for name in names:
            row.pop(name, None)

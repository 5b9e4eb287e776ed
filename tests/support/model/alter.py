"""AlterTable, and CreateTable, which alters a table without columns."""
from .convert import convert
from .table import ID, Refused, Table
from .values import ZERO


def alter(table, wished, drop_columns=False):
    """The table with the wished columns, and its rows."""
    wishes = wished_columns(wished)
    kept = [altered(column, wishes.get(column.name)) for column in table.columns
            if column.name in wishes or not drop_columns]
    new = [wish.stored() for wish in wishes.values() if table.column(wish.name) is None]
    after = Table(table.schema, table.name, kept + new)
    after.copy_of = table.copy_of
    after.set_rows([altered_row(row, table, after) for row in table.rows.values()])
    return after


def wished_columns(wished):
    """{name: column} of a request; its key is `_fivetran_id` where no column is marked."""
    wishes = {column.name: column for column in wished.columns}
    if len(wishes) < len(wished.columns):
        raise Refused("a column comes twice")
    if any(wish.type == "UNSPECIFIED" for wish in wishes.values()):
        raise Refused("a column without a type")
    if not any(wish.key for wish in wishes.values()):
        if ID not in wishes:
            raise Refused("no key")
        wishes[ID] = wishes[ID].with_(key=True)
    return wishes


def altered(column, wish):
    """Params that the request leaves out stay as they were; those of another type do not."""
    if wish is None:
        return column.with_(key=False)
    if wish.precision is None and wish.type == column.type:
        return column.with_(key=wish.key)
    return wish.stored()


def altered_row(row, before, after):
    try:
        return {column.name: altered_value(row, before.column(column.name), column)
                for column in after.columns}
    except ValueError as error:
        raise Refused(str(error)) from error


def altered_value(row, before, column):
    if before is None:
        return ZERO[column.type] if column.key else None
    return convert(row[column.name], before.type, column.type)

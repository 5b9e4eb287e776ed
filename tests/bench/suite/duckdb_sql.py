"""What a phase of a batch is in DuckDB's SQL, from any source of rows: a list of statements."""
from weir import UNMODIFIED

SQL_TYPES = {"LONG": "BIGINT", "INT": "INTEGER", "DOUBLE": "DOUBLE", "DECIMAL": "DECIMAL(18,2)",
             "BOOLEAN": "BOOLEAN", "NAIVE_DATE": "DATE", "UTC_DATETIME": "TIMESTAMP"}


def sql_types(table):
    return {name: SQL_TYPES.get(kind, "VARCHAR") for name, kind in table.types().items()}


def create(table):
    columns = ", ".join(f"{name} {kind}" for name, kind in sql_types(table).items())
    return [f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({', '.join(table.keys)}))"]


def same_record(table, names):
    """Joins the table t and the rows s of a file, which may be text."""
    types = sql_types(table)
    return " AND ".join(f"t.{name} = CAST(s.{name} AS {types[name]})" for name in names)


def record_keys(table):
    return [name for name in table.keys if name != "_fivetran_start"]


def either(name, kind):
    return (f"CASE WHEN s.{name} = '{UNMODIFIED}' THEN t.{name} "
            f"ELSE CAST(s.{name} AS {kind}) END")


def replace(table, source):
    return [f"INSERT OR REPLACE INTO {table.name} BY NAME SELECT * FROM {source}"]


def update(table, source):
    if table.is_history():
        return add_versions(table, source)
    cells = ", ".join(f"{name} = {either(name, kind)}" for name, kind in sql_types(table).items()
                      if name not in table.keys)
    return [f"UPDATE {table.name} AS t SET {cells} FROM {source} AS s "
            f"WHERE {same_record(table, table.keys)}"]


def delete(table, source):
    if table.is_history():
        return [f"UPDATE {table.name} AS t SET _fivetran_active = false, "
                f"_fivetran_end = s._fivetran_end FROM {source} AS s "
                f"WHERE {same_record(table, record_keys(table))} AND t._fivetran_active"]
    return [f"DELETE FROM {table.name} AS t USING {source} AS s "
            f"WHERE {same_record(table, table.keys)}"]


def earliest_start(table, source):
    """As Fivetran's guide has it: what starts later goes, what is active ends."""
    record = same_record(table, record_keys(table))
    return [f"DELETE FROM {table.name} AS t USING {source} AS s "
            f"WHERE {record} AND t._fivetran_start >= s._fivetran_start",
            f"UPDATE {table.name} AS t SET _fivetran_active = false, "
            f"_fivetran_end = s._fivetran_start - INTERVAL 1 MILLISECOND FROM {source} AS s "
            f"WHERE {record} AND t._fivetran_active"]


def add_versions(table, source):
    """Unmodified cells come from the record's latest version before."""
    cells = ", ".join(either(name, kind) for name, kind in sql_types(table).items())
    return [f"INSERT OR REPLACE INTO {table.name} SELECT {cells} "
            f"FROM {source} AS s JOIN {table.name} AS t "
            f"ON {same_record(table, record_keys(table))} "
            f"AND t._fivetran_start < CAST(s._fivetran_start AS TIMESTAMP) "
            f"QUALIFY row_number() OVER (PARTITION BY s.{', s.'.join(table.keys)} "
            f"ORDER BY t._fivetran_start DESC) = 1"]


STATEMENTS = {"earliest_start": earliest_start, "replace": replace, "update": update,
              "delete": delete}

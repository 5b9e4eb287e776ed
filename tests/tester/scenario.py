"""An input file in the format of Fivetran's destination tester, read and checked.

    {"create_table": {TABLE: {"columns": {NAME: TYPE}, "primary_key": [NAME], "history_mode": B}},
     "alter_table": the same form,
     "ops": [{"upsert" | "update" | "delete" | "soft_delete": {TABLE: [ROW]}},
             {"truncate_before" | "soft_truncate_before": [TABLE]}],
     "schema_migration": [{OPERATION: [ENTRY]}],
     "describe_table": [TABLE]}

A TYPE is a name or {"type": NAME, "precision": N, "scale": N}. All parts may be missing.
"""
import json

import common_pb2 as common
from migrations import MIGRATIONS
from model import DELETED, END, ID, START, SYNCED, ACTIVE, Column

PARTS = {"create_table": dict, "alter_table": dict, "ops": list, "schema_migration": list,
         "describe_table": list}
ROW_OPERATIONS = ("upsert", "update", "delete", "soft_delete")
TRUNCATES = ("truncate_before", "soft_truncate_before")
OPERATION_TIME = "op_time"


class BadInput(Exception):
    """What is wrong with the file, and where."""


class Definition:
    """A table as the file wants it; `columns` are those of the file and those that are added."""

    def __init__(self, name, columns, history):
        self.name = name
        self.columns = columns
        self.history = history

    def names(self):
        return [column.name for column in self.columns]

    def keys(self):
        """Of a record: the start of a version is no part of it."""
        return [column.name for column in self.columns if column.key and column.name != START]

    def message(self):
        return common.Table(name=self.name, columns=[column.message() for column in self.columns])


class Scenario:
    """`create` and `alter` are lists of Definition; `operations` and `migrations` lists of
    (name, what); `describe` is a list of table names."""

    def __init__(self, content, soft_deleted):
        self.create = definitions(content, "create_table", soft_deleted)
        self.alter = definitions(content, "alter_table", soft_deleted)
        self.operations = pairs(content, "ops")
        self.migrations = pairs(content, "schema_migration")
        self.describe = content.get("describe_table", [])

    def definition(self, name):
        """The table as it is when rows are sent; None: the file does not define it."""
        found = [table for table in self.create + self.alter if table.name == name]
        return found[-1] if found else None

    def tables(self):
        """The names of all tables that the file may leave behind."""
        names = [table.name for table in self.create + self.alter] + self.describe
        for name, entries in self.migrations:
            names += [entry[field] for entry in entries for field in MIGRATIONS[name].tables
                      if field in entry]
        return list(dict.fromkeys(names))


def read_scenario(path):
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError) as problem:
        raise BadInput(f"{path}: {problem}") from problem
    try:
        check_parts(content)
        scenario = Scenario(content, soft_deleted_tables(content))
        check_operations(scenario)
        check_migrations(scenario)
    except BadInput as problem:
        raise BadInput(f"{path}: {problem}") from problem
    return scenario


def check_parts(content):
    require(isinstance(content, dict), "the file is no JSON object")
    for part, value in content.items():
        require(part in PARTS, f'"{part}" is unknown; known are {", ".join(PARTS)}')
        require(isinstance(value, PARTS[part]), f'"{part}" is no {PARTS[part].__name__}')
    for part in ("ops", "schema_migration"):
        require(all(isinstance(entry, dict) for entry in content.get(part, [])),
                f'"{part}" holds something else than objects')


def require(condition, problem):
    if not condition:
        raise BadInput(problem)


def pairs(content, part):
    """Objects of several operations as a list of (position, name, what)."""
    return [pair for entry in content.get(part, []) for pair in entry.items()]


def soft_deleted_tables(content):
    found = set()
    for name, what in pairs(content, "ops"):
        if name in ("soft_delete", "soft_truncate_before"):
            found.update(what)
    return found


def definitions(content, part, soft_deleted):
    return [definition(f'{part} "{name}"', name, table, name in soft_deleted)
            for name, table in content.get(part, {}).items()]


def definition(where, name, table, soft_deleted):
    """The table with the system columns that Fivetran adds."""
    require(isinstance(table, dict) and isinstance(table.get("columns"), dict),
            f'{where} has no "columns"')
    keys = table.get("primary_key", [])
    history = table.get("history_mode", False)
    columns = [column(where, column_name, type_, column_name in keys)
               for column_name, type_ in table["columns"].items()]
    for key in keys:
        require(key in table["columns"], f'{where}: "{key}" of the primary key is no column')
    if not keys and ID not in table["columns"]:
        columns.append(Column(ID, "STRING", key=True))
    if soft_deleted or "history_mode" not in table:
        columns.append(Column(DELETED, "BOOLEAN"))
    if history:
        columns += [Column(START, "UTC_DATETIME", key=True), Column(END, "UTC_DATETIME"),
                    Column(ACTIVE, "BOOLEAN")]
    columns.append(Column(SYNCED, "UTC_DATETIME"))
    return Definition(name, columns, history)


def column(where, name, type_, key):
    params = type_ if isinstance(type_, dict) else {"type": type_}
    type_name = params.get("type")
    require(type_name in common.DataType.keys() and type_name != "UNSPECIFIED",
            f'{where}, column "{name}": {type_name!r} is no type')
    return Column(name, type_name, key, params.get("precision"), params.get("scale"))


def check_operations(scenario):
    for position, (name, what) in enumerate(scenario.operations, 1):
        where = f'operation {position} "{name}"'
        if name in TRUNCATES:
            require(isinstance(what, list), f"{where} is no list of tables")
            continue
        require(name in ROW_OPERATIONS,
                f"{where} is unknown; known are {', '.join(ROW_OPERATIONS + TRUNCATES)}")
        require(isinstance(what, dict), f"{where} is no object of tables")
        for table, rows in what.items():
            known = scenario.definition(table)
            require(known is not None, f'{where}: the file does not create table "{table}"')
            require(isinstance(rows, list), f'{where}: table "{table}" has no list of rows')
            for row in rows:
                check_row(f'{where}, table "{table}"', known, row)


def check_row(where, table, row):
    require(isinstance(row, dict), f"{where}: a row is no object")
    for name in row:
        require(name == OPERATION_TIME or name in table.names(),
                f'{where}: column "{name}" is unknown')
    for key in table.keys():
        require(row.get(key) is not None, f'{where}: a row lacks "{key}" of the primary key')
    require(not table.history or OPERATION_TIME in row,
            f'{where}: a row lacks "{OPERATION_TIME}", which history mode needs')


def check_migrations(scenario):
    for name, entries in scenario.migrations:
        where = f'schema migration "{name}"'
        require(name in MIGRATIONS, f"{where} is unknown; known are {', '.join(MIGRATIONS)}")
        require(isinstance(entries, list), f"{where} is no list")
        for entry in entries:
            missing = [field for field in MIGRATIONS[name].needed if field not in entry]
            require(not missing, f"{where}: an entry lacks {', '.join(missing)}")

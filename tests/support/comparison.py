"""A server compared with the model of a destination: what it describes and dumps of each table."""
import json

DIFFERENCES_SHOWN = 5
VALUE_SHOWN = 500


def compare(server, client, model, tables):
    """What differs in tables of these names, as text, or None."""
    for table in tables:
        problem = compare_table(server, client, model, table.schema, table.name)
        if problem:
            return f"table {table.schema!r}.{table.name!r}: {problem}"
    return None


def compare_table(server, client, model, schema, name):
    described = client.describe(schema, name)
    table = model.find(schema, name)
    if table is None:
        return None if described.WhichOneof("response") == "not_found" else \
            f"the model has none, the server {described}"
    columns = [column.stored().message() for column in table.columns]
    if list(described.table.columns) != columns:
        return f"the model has the columns\n{columns}\nthe server\n{described}"
    return compare_rows(table, server.dump(schema, name))


def compare_rows(table, stored):
    def by_key(rows):
        return {tuple(row[name] for name in table.keys()): row for row in rows}

    expected, found = by_key(table.dump()), by_key(stored)
    if len(stored) == len(expected) and found == expected:
        return None
    return f"{len(expected)} rows in the model, {len(stored)} on the server\n" + \
        "\n".join(list(differences(expected, found))[:DIFFERENCES_SHOWN])


def differences(expected, found):
    for key in sorted(expected.keys() | found.keys(), key=str):
        if key not in found:
            yield f"only in the model: {show(expected[key])}"
        elif key not in expected:
            yield f"only on the server: {show(found[key])}"
        elif expected[key] != found[key]:
            other = [name for name in expected[key].keys() | found[key].keys()
                     if expected[key].get(name) != found[key].get(name)]
            yield f"row {show(key)}: " + "; ".join(
                f"{name!r} is {show(expected[key].get(name))} in the model, "
                f"{show(found[key].get(name))} on the server" for name in other)


def show(value):
    return json.dumps(value, ensure_ascii=False)[:VALUE_SHOWN]

"""Writes the corpora of the fuzz targets of the RPCs: corpus/rpc_<method>/{good,bad}-<what>.

    PYTHONPATH=build/cmake/Debug/tests/python /usr/bin/python3 tests/fuzz/rpc_corpus.py

The tables and batch files that the requests name are those of service.c.
"""
from pathlib import Path

from google.protobuf import text_format

import admin_pb2 as admin
import common_pb2 as common
import destination_sdk_pb2 as sdk

CORPUS = Path(__file__).parent / "corpus"

SOFT = """schema_name: "s" table { name: "t"
    columns { name: "id" type: LONG primary_key: true } columns { name: "name" type: STRING }
    columns { name: "price" type: DECIMAL } columns { name: "_fivetran_synced" type: UTC_DATETIME }
    columns { name: "_fivetran_deleted" type: BOOLEAN } }"""
HISTORY = """schema_name: "s" table { name: "h"
    columns { name: "id" type: LONG primary_key: true } columns { name: "name" type: STRING }
    columns { name: "_fivetran_start" type: UTC_DATETIME primary_key: true }
    columns { name: "_fivetran_end" type: UTC_DATETIME }
    columns { name: "_fivetran_active" type: BOOLEAN }
    columns { name: "_fivetran_synced" type: UTC_DATETIME } }"""
NEW = """schema_name: "new" table { name: "n"
    columns { name: "id" type: INT primary_key: true }
    columns { name: "x" type: DECIMAL params { decimal { precision: 43 scale: 15 } } } }"""
CONFIGURED = """configuration { key: "writerType" value: "Database" }
    configuration { key: "port" value: "5432" }"""
TIME = '"2024-03-01T00:00:00Z"'

# Method -> name of the file -> the request as text.
REQUESTS = {
    "ConfigurationForm": {"good-empty": ""},
    "Capabilities": {"good-empty": ""},
    "Test": {
        "good-connect": f'name: "connect" {CONFIGURED}',
        "good-select": 'name: "select"',
        "bad-name": 'name: "none"',
        "bad-writer": 'name: "connect" configuration { key: "writerType" value: "Cloud" }',
    },
    "DescribeTable": {
        "good-soft": 'schema_name: "s" table_name: "t"',
        "good-none": f'schema_name: "s" table_name: "none" {CONFIGURED}',
        "bad-no-name": 'schema_name: "s"',
    },
    "CreateTable": {
        "good-new": NEW,
        "good-row-id": 'schema_name: "s" table { name: "i" '
                       'columns { name: "_fivetran_id" type: STRING } }',
        "bad-exists": SOFT,
        "bad-type": 'schema_name: "s" table { name: "n" columns { name: "id" primary_key: true } }',
        "bad-twice": 'schema_name: "s" table { name: "n" columns { name: "a" type: INT } '
                     'columns { name: "a" type: INT primary_key: true } }',
        "bad-no-table": 'schema_name: "s"',
    },
    "AlterTable": {
        "good-same": SOFT,
        "good-add": SOFT.replace("columns", 'columns { name: "new" type: JSON } columns', 1),
        "good-drop": f'drop_columns: true {SOFT.replace("price", "cost")}',
        "good-text": SOFT.replace("LONG", "STRING").replace("DECIMAL", "STRING"),
        "good-history": HISTORY.replace("LONG", "DECIMAL"),
        "bad-narrow": SOFT.replace("STRING", "SHORT"),
        "bad-null-key": SOFT.replace("DECIMAL", "DECIMAL primary_key: true"),
        "bad-none": NEW,
    },
    "Truncate": {
        "good-hard": 'schema_name: "s" table_name: "t" synced_column: "_fivetran_synced" '
                     'utc_delete_before { seconds: 1704153600 nanos: 1 }',
        "good-soft": 'schema_name: "s" table_name: "t" synced_column: "_fivetran_synced" '
                     'utc_delete_before { seconds: 1704153600 } '
                     'soft { deleted_column: "_fivetran_deleted" }',
        "good-history": 'schema_name: "s" table_name: "h" synced_column: "_fivetran_start" '
                        'utc_delete_before { seconds: 1706745600 }',
        "bad-column": 'schema_name: "s" table_name: "t" synced_column: "name"',
        "bad-time": 'schema_name: "s" table_name: "t" synced_column: "_fivetran_synced" '
                    'utc_delete_before { seconds: -9000000000000 nanos: -1 }',
    },
    "WriteBatch": {
        "good-replace": f'{SOFT} {CONFIGURED} replace_files: "./t.csv"',
        "good-all": f'{SOFT} replace_files: "./t.csv" update_files: "./t.csv" '
                    'delete_files: "./t.csv" file_params { unmodified_string: "unmod-x" }',
        "bad-value": f'{SOFT} replace_files: "./t.csv" file_params {{ null_string: "null-x" }}',
        "good-nothing": SOFT,
        "bad-columns": f'{SOFT} replace_files: "./h.csv"',
        "bad-key": f'{SOFT} replace_files: "./t.csv" keys {{ key: "./t.csv" value: "k" }} '
                   'file_params { encryption: AES compression: ZSTD }',
        "bad-gzip": f'{SOFT} replace_files: "./t.csv" file_params {{ compression: GZIP }}',
        "bad-path": f'{SOFT} delete_files: "./../t.csv"',
    },
    "WriteHistoryBatch": {
        "good-all": f'{HISTORY} earliest_start_files: "./h.csv" replace_files: "./h.csv" '
                    'update_files: "./h.csv" delete_files: "./h.csv"',
        "good-earliest": f'{HISTORY} earliest_start_files: "./h.csv" {CONFIGURED}',
        "bad-table": f'{SOFT} update_files: "./t.csv"',
    },
    "Migrate": {
        name: f'details {{ schema: "s" table: "{table}" {operation} }}'
        for name, table, operation in [
            ("good-drop", "t", "drop { drop_table: true }"),
            ("good-drop-history", "h", 'drop { drop_column_in_history_mode { column: "name" '
                                       f"operation_timestamp: {TIME} }} }}"),
            ("good-copy", "t", 'copy { copy_table { from_table: "t" to_table: "u" } }'),
            ("good-copy-column", "t",
             'copy { copy_column { from_column: "price" to_column: "cost" } }'),
            ("good-copy-history", "t",
             'copy { copy_table_to_history_mode { from_table: "t" to_table: "u" '
             'soft_deleted_column: "_fivetran_deleted" } }'),
            ("good-rename", "t", 'rename { rename_table { from_table: "t" to_table: "u" } }'),
            ("good-rename-column", "t",
             'rename { rename_column { from_column: "id" to_column: "number" } }'),
            ("good-add", "t", 'add { add_column_with_default_value { column: "new" '
                              'column_type: NAIVE_DATE default_value: "2024-01-01" } }'),
            ("good-add-history", "h", 'add { add_column_in_history_mode { column: "new" '
             f'column_type: DOUBLE default_value: "1e3" operation_timestamp: {TIME} }} }}'),
            ("good-update", "t", 'update_column_value { column: "price" value: "NULL" }'),
            ("good-to-history", "t", "table_sync_mode_migration { type: SOFT_DELETE_TO_HISTORY "
                                     'soft_deleted_column: "_fivetran_deleted" }'),
            ("good-to-soft", "h", "table_sync_mode_migration { type: HISTORY_TO_SOFT_DELETE }"),
            ("good-live", "t", "table_sync_mode_migration { type: SOFT_DELETE_TO_LIVE }"),
            ("good-unset", "t", ""),
            ("bad-history", "t", 'drop { drop_column_in_history_mode { column: "name" '
                                 f"operation_timestamp: {TIME} }} }}"),
            ("bad-value", "t", 'update_column_value { column: "price" value: "cheap" }'),
            ("bad-target", "t", 'copy { copy_table { from_table: "t" to_table: "h" } }'),
        ]
    },
    "Compact": {
        "good-soft": 'schema_name: "s" table_name: "t"',
        "good-history": 'schema_name: "s" table_name: "h"',
        "bad-none": 'schema_name: "s" table_name: "none"',
        "bad-no-name": 'schema_name: "s"',
    },
}

# Bytes that are no request of any method.
GARBAGE = {"bad-cut": b"\x0a\x7f", "bad-group": b"\x0b\x0c", "bad-wire-type": b"\x0f\x00"}


def request_type(method):
    name = f"{method}Request"
    return next(getattr(module, name) for module in (sdk, common, admin) if hasattr(module, name))


def main():
    for method, requests in REQUESTS.items():
        folder = CORPUS / f"rpc_{method}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in GARBAGE.items():
            (folder / name).write_bytes(content)
        for name, text in requests.items():
            request = text_format.Parse(text, request_type(method)())
            (folder / name).write_bytes(request.SerializeToString())


if __name__ == "__main__":
    main()

"""A batch under construction: rows go into files on disk, and, once sent, into the model."""
import destination_sdk_pb2 as sdk
from batchfile import BatchFiles


class Batch:
    """replace(), update() and delete() each add one file to their phase.

    `request_table` is the table as the request describes it, which may know fewer columns.
    """

    def __init__(self, folder, table, request_table=None, **file_options):
        self.table = table
        self.request_table = request_table or table
        self.files = BatchFiles(folder, **file_options)
        self.phases = {"replace": [], "update": [], "delete": []}

    def replace(self, rows, header=None):
        return self.add("replace", rows, header)

    def update(self, rows, header=None):
        return self.add("update", rows, header)

    def delete(self, rows, header=None):
        return self.add("delete", rows, header)

    def add(self, phase, rows, header=None):
        header = self.table.names() if header is None else header
        rows = list(rows)
        path = self.files.add(header, rows)
        self.phases[phase].append((path, header, rows))
        return path

    def request(self):
        return sdk.WriteBatchRequest(
            schema_name=self.table.schema, table=self.request_table.message(),
            keys=self.files.keys,
            replace_files=[path for path, _, _ in self.phases["replace"]],
            update_files=[path for path, _, _ in self.phases["update"]],
            delete_files=[path for path, _, _ in self.phases["delete"]],
            file_params=self.files.params())

    def apply_to_model(self):
        self.apply_to(self.table)

    def apply_to(self, table):
        for phase, files in self.phases.items():
            for _, header, rows in files:
                getattr(table, phase)(header, rows, self.request_table.names())

"""One operation on a destination: a request, and the same on the model."""
import os

from google.protobuf import text_format

SHOWN_ROWS = 30
SHOWN_REQUEST = 6000
SHOWN_ROW = 400


class Operation:
    """A request, what it does to the model, and the tables that it is about."""

    def __init__(self, rpc, request, apply, tables, batch=None, name=None):
        self.rpc = rpc
        self.name = name or rpc
        self.request = request
        self.apply = apply
        self.tables = tables
        self.batch = batch

    def __str__(self):
        request = type(self.request)()
        request.CopyFrom(self.request)
        if self.batch is not None:
            request.ClearField("keys")
        text = text_format.MessageToString(request, as_one_line=True, as_utf8=True)
        return f"{self.rpc} {text[:SHOWN_REQUEST]}{self.rows()}"

    def rows(self):
        lines = []
        for phase, files in (self.batch.phases if self.batch else {}).items():
            for _, header, rows in files:
                lines += [f"{phase} file of {len(rows)} rows: {header}"]
                lines += [f"    {row}"[:SHOWN_ROW] for row in rows[:SHOWN_ROWS]]
        return "".join("\n  " + line for line in lines)

    def forget_files(self):
        """Removes the batch files."""
        for files in (self.batch.phases if self.batch else {}).values():
            for path, _, _ in files:
                os.unlink(path)

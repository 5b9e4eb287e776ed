"""A batch of history mode under construction; its table is model.HistoryTable."""
import destination_sdk_pb2 as sdk
from batch import Batch


class HistoryBatch(Batch):
    """earliest(), replace(), update() and delete() each add one file to their phase."""

    def __init__(self, folder, table, **options):
        super().__init__(folder, table, **options)
        self.phases = {"earliest_start": [], **self.phases}

    def earliest(self, rows, header=None):
        return self.add("earliest_start", rows, header)

    def request(self):
        paths = {phase: [path for path, _, _ in files] for phase, files in self.phases.items()}
        return sdk.WriteHistoryBatchRequest(
            schema_name=self.table.schema, table=self.request_table.message(),
            keys=self.files.keys, earliest_start_files=paths["earliest_start"],
            replace_files=paths["replace"], update_files=paths["update"],
            delete_files=paths["delete"], file_params=self.files.params())

    def apply_to(self, table):
        for phase, files in self.phases.items():
            if phase == "update":
                table.update_all([(header, rows) for _, header, rows in files])
                continue
            for _, header, rows in files:
                getattr(table, phase)(header, rows, self.request_table.names())

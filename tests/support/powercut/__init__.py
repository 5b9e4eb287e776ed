"""Power cuts: what a disk may hold after one, made from a record of all writes of a server."""
from .disk import FATES, Disk, holds_data
from .record import RecordedServer, read_record

__all__ = ["FATES", "Disk", "RecordedServer", "holds_data", "read_record"]

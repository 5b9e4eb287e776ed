"""A destination as the rules of the protocol have it, independent of weir's own code.

Slow and simple on purpose: what the server answers and holds is compared with this. Where the two
disagree, read the rules before changing either.
"""
from . import history_columns, migrate, sync_modes
from .convert import convert
from .destination import Destination
from .history import END_OF_TIME, MILLISECOND, SYSTEM_COLUMNS, HistoryTable, is_history
from .table import ACTIVE, DELETED, END, ID, START, SYNCED, Column, Refused, Table, \
    Unsupported
from .values import READ, SHOW, ZERO, read_boolean, read_utc

__all__ = [
    "ACTIVE", "Column", "DELETED", "Destination", "END", "END_OF_TIME", "HistoryTable", "ID",
    "MILLISECOND", "READ", "Refused", "SHOW", "START", "SYNCED", "SYSTEM_COLUMNS", "Table", "ZERO",
    "Unsupported", "convert", "history_columns", "is_history", "migrate", "read_boolean",
    "read_utc", "sync_modes",
]

"""Durable storage: exactly one answer per event, the delivery ledger, and recorded exchanges."""

from . import opt_out_rows, reachability_rows
from .archive import Archive, Filter
from .durable import DurableJournal
from .engine import Engine
from .gauges import GAUGES, read_gauges
from .indexes import Index
from .ledger import Ledger, LedgerEntry
from .opening import open_engine, sqlite_path
from .opt_out_rows import OptOut, OptOutChange
from .rows import ExchangeRow
from .send_archive import Pause, SendArchive, SendCounts, SendFilter
from .send_rows import Ending, SendRow, metadata_of
from .send_store import SendStore

__all__ = [
    "GAUGES",
    "Archive",
    "DurableJournal",
    "Ending",
    "Engine",
    "ExchangeRow",
    "Filter",
    "Index",
    "Ledger",
    "LedgerEntry",
    "OptOut",
    "OptOutChange",
    "Pause",
    "SendArchive",
    "SendCounts",
    "SendFilter",
    "SendRow",
    "SendStore",
    "metadata_of",
    "open_engine",
    "opt_out_rows",
    "reachability_rows",
    "read_gauges",
    "sqlite_path",
]

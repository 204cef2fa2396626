"""Durable storage: exactly one answer per event, the delivery ledger, and recorded exchanges."""

from .archive import Archive, Filter
from .durable import DurableJournal
from .engine import Engine
from .indexes import Index
from .ledger import Ledger, LedgerEntry
from .opening import open_engine, sqlite_path
from .rows import ExchangeRow
from .send_archive import Pause, SendArchive, SendCounts, SendFilter
from .send_rows import Ending, SendRow, metadata_of
from .send_store import SendStore

__all__ = [
    "Archive",
    "DurableJournal",
    "Ending",
    "Engine",
    "ExchangeRow",
    "Filter",
    "Index",
    "Ledger",
    "LedgerEntry",
    "Pause",
    "SendArchive",
    "SendCounts",
    "SendFilter",
    "SendRow",
    "SendStore",
    "metadata_of",
    "open_engine",
    "sqlite_path",
]

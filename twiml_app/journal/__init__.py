"""Durable storage: exactly one answer per event, the delivery ledger, and recorded exchanges."""

from .archive import Archive, Filter
from .conversation_rows import ConversationRow
from .conversation_store import ConversationStore, Drawn, Ticket
from .durable import DurableJournal
from .engine import Engine
from .gauges import GAUGES, read_gauges
from .indexes import Index
from .ledger import Ledger, LedgerEntry
from .opening import open_engine, sqlite_path
from .rows import ExchangeRow

__all__ = [
    "GAUGES",
    "Archive",
    "ConversationRow",
    "ConversationStore",
    "Drawn",
    "DurableJournal",
    "Engine",
    "ExchangeRow",
    "Filter",
    "Index",
    "Ledger",
    "LedgerEntry",
    "Ticket",
    "open_engine",
    "read_gauges",
    "sqlite_path",
]

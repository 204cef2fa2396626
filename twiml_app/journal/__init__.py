"""The durable side: exactly one answer an event, the delivery ledger, recordings of the traffic."""

from .durable import DurableJournal as DurableJournal
from .engine import Engine as Engine
from .ledger import Ledger as Ledger
from .ledger import LedgerEntry as LedgerEntry
from .opening import open_engine as open_engine

__all__ = ["DurableJournal", "Engine", "Ledger", "LedgerEntry", "open_engine"]

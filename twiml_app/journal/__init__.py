"""Durable storage: exactly one answer per event, the delivery ledger, and recorded exchanges."""

from .archive import Archive, Filter
from .durable import DurableJournal
from .engine import Engine
from .indexes import Index
from .ledger import Ledger, LedgerEntry
from .opening import open_engine, sqlite_path
from .rows import ExchangeRow
from .stores import Execute
from .work_archive import WorkArchive, WorkCounts, WorkFilter
from .work_rows import (
    GAVE_UP,
    MAX_ERROR,
    WAITING,
    WORKED,
    Attempt,
    WorkRow,
    claim_work,
    end_attempt,
    expired_work,
    insert_work,
    next_due_at,
    record_worker,
    renew_leases,
)

__all__ = [
    "GAVE_UP",
    "MAX_ERROR",
    "WAITING",
    "WORKED",
    "Archive",
    "Attempt",
    "DurableJournal",
    "Engine",
    "ExchangeRow",
    "Execute",
    "Filter",
    "Index",
    "Ledger",
    "LedgerEntry",
    "WorkArchive",
    "WorkCounts",
    "WorkFilter",
    "WorkRow",
    "claim_work",
    "end_attempt",
    "expired_work",
    "insert_work",
    "next_due_at",
    "open_engine",
    "record_worker",
    "renew_leases",
    "sqlite_path",
]

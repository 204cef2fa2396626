"""Durable storage: exactly one answer per event, the delivery ledger, and recorded exchanges."""

from . import opt_out_rows, reachability_rows
from .archive import Archive, Filter, Overview
from .conversation_rows import ConversationRow
from .conversation_store import ConversationStore, Drawn, Ticket
from .dialog_versions import DialogVersions
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
from .stores import Execute
from .work_archive import WorkArchive, WorkCounts, WorkFilter
from .work_rows import (
    GAVE_UP,
    MAX_ERROR,
    WAITING,
    WORKED,
    Attempt,
    WorkRow,
    await_work,
    claim_work,
    end_attempt,
    end_waiting,
    expired_work,
    insert_work,
    next_due_at,
    put_back_work,
    record_worker,
    renew_leases,
    waiting_key,
)

__all__ = [
    "GAUGES",
    "GAVE_UP",
    "MAX_ERROR",
    "WAITING",
    "WORKED",
    "Archive",
    "Attempt",
    "ConversationRow",
    "ConversationStore",
    "DialogVersions",
    "Drawn",
    "DurableJournal",
    "Ending",
    "Engine",
    "ExchangeRow",
    "Execute",
    "Filter",
    "Index",
    "Ledger",
    "LedgerEntry",
    "OptOut",
    "OptOutChange",
    "Overview",
    "Pause",
    "SendArchive",
    "SendCounts",
    "SendFilter",
    "SendRow",
    "SendStore",
    "Ticket",
    "WorkArchive",
    "WorkCounts",
    "WorkFilter",
    "WorkRow",
    "await_work",
    "claim_work",
    "end_attempt",
    "end_waiting",
    "expired_work",
    "insert_work",
    "metadata_of",
    "next_due_at",
    "open_engine",
    "opt_out_rows",
    "put_back_work",
    "reachability_rows",
    "read_gauges",
    "record_worker",
    "renew_leases",
    "sqlite_path",
    "waiting_key",
]

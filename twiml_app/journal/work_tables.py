"""The tables of work, and of the processes that run it."""

from __future__ import annotations

from typing import Final

from .indexes import Index

_INDEXES: Final = (
    Index("work_due", "work (due_at, id) WHERE state = 'waiting'"),
    Index("work_leases", "work (lease_until) WHERE state = 'running'"),
    Index("work_failed", "work (created_at, id) WHERE state = 'failed'"),
    Index("work_created", "work (created_at, id)"),
    Index("work_contact", "work (contact)"),
    Index("work_origin", "work (origin)"),
    Index("work_keep", "work (keep_until)"),
    Index("workers_keep", "workers (keep_until)"),
)
#: The indexes are created with the tables, which are empty then, however large the journal is.
WORK_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS work (
    id {id},
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    function TEXT NOT NULL,
    arguments TEXT NOT NULL,
    contact TEXT NOT NULL,
    number TEXT NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    due_at {real} NOT NULL,
    owner TEXT NOT NULL,
    lease_until {real} NOT NULL,
    history TEXT NOT NULL,
    created_at {real} NOT NULL,
    keep_until {real} NOT NULL
)""",
    """CREATE TABLE IF NOT EXISTS workers (
    owner TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    started_at {real} NOT NULL,
    seen_at {real} NOT NULL,
    keep_until {real} NOT NULL
)""",
    *(index.statement() for index in _INDEXES),
)

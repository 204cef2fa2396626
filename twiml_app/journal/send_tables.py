"""The tables of messages that the program sends first: the messages, the pace of each sender, and what is paused."""

from __future__ import annotations

from typing import Final

#: ``due_at`` is when the dispatcher looks at a message next, whatever its state; ``FOREVER`` if it is done with it.
FOREVER: Final = 1e18

_SENDS = """CREATE TABLE IF NOT EXISTS sends (
    n {id},
    id TEXT NOT NULL UNIQUE,
    key TEXT UNIQUE,
    state TEXT NOT NULL,
    priority BIGINT NOT NULL,
    account TEXT NOT NULL,
    contact TEXT NOT NULL,
    number TEXT NOT NULL,
    body TEXT NOT NULL,
    media TEXT NOT NULL,
    template TEXT NOT NULL,
    variables TEXT NOT NULL,
    metadata TEXT NOT NULL,
    segments BIGINT NOT NULL,
    if_unknown TEXT NOT NULL,
    due_at {real} NOT NULL,
    expires_at {real},
    give_up_at {real} NOT NULL,
    base_url TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at {real} NOT NULL,
    updated_at {real} NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    attempted_at {real} NOT NULL DEFAULT 0,
    lookups BIGINT NOT NULL DEFAULT 0,
    repeats BIGINT NOT NULL DEFAULT 0,
    owner TEXT NOT NULL DEFAULT '',
    message_sid TEXT NOT NULL DEFAULT '',
    other_sid TEXT NOT NULL DEFAULT '',
    probable_sid TEXT NOT NULL DEFAULT '',
    error_code BIGINT,
    problem TEXT NOT NULL DEFAULT '',
    keep_until {real} NOT NULL
)"""
_SENDERS = """CREATE TABLE IF NOT EXISTS senders (
    number TEXT PRIMARY KEY,
    free_at {real} NOT NULL,
    blocked_until {real} NOT NULL
)"""
_PAUSES = """CREATE TABLE IF NOT EXISTS send_pauses (
    scope TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at {real} NOT NULL,
    PRIMARY KEY (scope, value)
)"""
#: The states that need attention; the index ``sends_failed`` covers them.
FAILED_SENDS = "state IN ('failed', 'unknown', 'refused', 'expired')"

#: The tables are new, so their indexes take no time in a large journal either.
SEND_TABLES = (
    _SENDS,
    _SENDERS,
    _PAUSES,
    "CREATE INDEX IF NOT EXISTS sends_due ON sends (due_at)",
    "CREATE INDEX IF NOT EXISTS sends_waiting ON sends (number, priority, due_at, n, key) WHERE state = 'waiting'",
    "CREATE INDEX IF NOT EXISTS sends_expiring ON sends (expires_at) WHERE state = 'waiting'",
    "CREATE INDEX IF NOT EXISTS sends_leaving ON sends (due_at) WHERE state = 'leaving'",
    "CREATE INDEX IF NOT EXISTS sends_unknown ON sends (due_at) WHERE state = 'unknown'",
    "CREATE INDEX IF NOT EXISTS sends_sid ON sends (message_sid) WHERE message_sid <> ''",
    "CREATE INDEX IF NOT EXISTS sends_other_sid ON sends (other_sid) WHERE other_sid <> ''",
    "CREATE INDEX IF NOT EXISTS sends_probable_sid ON sends (probable_sid) WHERE probable_sid <> ''",
    "CREATE INDEX IF NOT EXISTS sends_contact ON sends (contact)",
    "CREATE INDEX IF NOT EXISTS sends_keep ON sends (keep_until)",
    f"CREATE INDEX IF NOT EXISTS sends_failed ON sends (updated_at) WHERE {FAILED_SENDS}",
    "ALTER TABLE ledger ADD COLUMN send_id TEXT NOT NULL DEFAULT ''",
)

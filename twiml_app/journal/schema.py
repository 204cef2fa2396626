"""The tables of both stores, and which releases can use them.

Changes only add: a table, a column with a default, an index. So an older release still works after a rollback, unless
``OLDEST_READER`` says otherwise.
"""

from __future__ import annotations

from ..errors import JournalTooNew
from .engine import Execute

#: The schema version of this release, and the oldest version whose releases can still use it.
SCHEMA_VERSION = 1
OLDEST_READER = 1

#: ``{id}``, ``{blob}`` and ``{real}`` are replaced by the types of the store.
TABLES = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS exchanges (
        id {id},
        key TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        sid TEXT NOT NULL,
        contact TEXT NOT NULL,
        number TEXT NOT NULL,
        message_status TEXT NOT NULL,
        error_code BIGINT,
        received_at {real} NOT NULL,
        endpoint TEXT NOT NULL,
        method TEXT NOT NULL,
        target TEXT NOT NULL DEFAULT '',
        url {blob},
        headers TEXT,
        body {blob},
        state TEXT NOT NULL,
        owner BIGINT NOT NULL,
        answer_status BIGINT,
        answer_type TEXT,
        answer {blob},
        handler TEXT NOT NULL DEFAULT '',
        outcome TEXT NOT NULL DEFAULT '',
        results TEXT,
        milliseconds {real},
        said TEXT NOT NULL DEFAULT '',
        keep_until {real} NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS exchanges_sid ON exchanges (sid)",
    "CREATE INDEX IF NOT EXISTS exchanges_contact ON exchanges (contact, received_at)",
    "CREATE INDEX IF NOT EXISTS exchanges_keep ON exchanges (keep_until)",
    """CREATE TABLE IF NOT EXISTS ledger (
        sid TEXT PRIMARY KEY,
        status TEXT NOT NULL,
        progress BIGINT NOT NULL,
        error_code BIGINT,
        contact TEXT NOT NULL,
        number TEXT NOT NULL,
        in_reply_to TEXT NOT NULL,
        first_at {real} NOT NULL,
        updated_at {real} NOT NULL,
        keep_until {real} NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS ledger_contact ON ledger (contact)",
    "CREATE INDEX IF NOT EXISTS ledger_keep ON ledger (keep_until)",
    """CREATE TABLE IF NOT EXISTS refusals (
        id {id},
        received_at {real} NOT NULL,
        status BIGINT NOT NULL,
        reason TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        method TEXT NOT NULL,
        url {blob} NOT NULL,
        headers TEXT NOT NULL,
        body {blob} NOT NULL,
        keep_until {real} NOT NULL
    )""",
)


def create(execute: Execute, types: dict[str, str]) -> None:
    """Create the missing tables; refuse a journal that only a later release can read.

    Raises: JournalTooNew.
    """
    for statement in TABLES:
        execute(statement.format(**types))
    found: dict[str, str] = dict(execute("SELECT name, value FROM meta"))
    if int(found.get("oldest_reader", "0")) > SCHEMA_VERSION:
        raise JournalTooNew(
            f"the journal has schema version {found['schema_version']} and needs a release that supports version"
            f" {found['oldest_reader']}; this one supports {SCHEMA_VERSION}: install the later release again"
        )
    if int(found.get("schema_version", "0")) < SCHEMA_VERSION:
        for name, value in (("schema_version", SCHEMA_VERSION), ("oldest_reader", OLDEST_READER)):
            upsert = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            execute(upsert, (name, str(value)))

"""The tables and statements of a release with schema 1: a frozen copy, so it imports nothing from the application."""

from __future__ import annotations

import sqlite3
import time

RETENTION_S = 30 * 86400.0
TYPES = {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "blob": "BLOB", "real": "REAL"}
TABLES = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS exchanges (
        id {id}, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, sid TEXT NOT NULL,
        contact TEXT NOT NULL, number TEXT NOT NULL, message_status TEXT NOT NULL, error_code BIGINT,
        received_at {real} NOT NULL, endpoint TEXT NOT NULL, method TEXT NOT NULL, target TEXT NOT NULL DEFAULT '',
        url {blob}, headers TEXT, body {blob}, state TEXT NOT NULL, owner BIGINT NOT NULL, answer_status BIGINT,
        answer_type TEXT, answer {blob}, handler TEXT NOT NULL DEFAULT '', outcome TEXT NOT NULL DEFAULT '',
        results TEXT, milliseconds {real}, said TEXT NOT NULL DEFAULT '', keep_until {real} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS exchanges_sid ON exchanges (sid)",
    "CREATE INDEX IF NOT EXISTS exchanges_contact ON exchanges (contact, received_at)",
    "CREATE INDEX IF NOT EXISTS exchanges_keep ON exchanges (keep_until)",
    """CREATE TABLE IF NOT EXISTS ledger (
        sid TEXT PRIMARY KEY, status TEXT NOT NULL, progress BIGINT NOT NULL, error_code BIGINT, contact TEXT NOT NULL,
        number TEXT NOT NULL, in_reply_to TEXT NOT NULL, first_at {real} NOT NULL, updated_at {real} NOT NULL,
        keep_until {real} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS ledger_contact ON ledger (contact)",
    "CREATE INDEX IF NOT EXISTS ledger_keep ON ledger (keep_until)",
    """CREATE TABLE IF NOT EXISTS refusals (
        id {id}, received_at {real} NOT NULL, status BIGINT NOT NULL, reason TEXT NOT NULL,
        endpoint TEXT NOT NULL, method TEXT NOT NULL, url {blob} NOT NULL, headers TEXT NOT NULL, body {blob} NOT NULL,
        keep_until {real} NOT NULL)""",
)
INSERT = (
    "INSERT INTO exchanges (key, kind, sid, contact, number, message_status, error_code, received_at, endpoint, method,"
    " target, url, headers, body, state, owner, answer_status, answer_type, answer, handler, outcome, results,"
    " milliseconds, said, keep_until)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (key) DO NOTHING RETURNING id"
)
SELECT = "SELECT id, state, owner, answer_status, answer_type, answer, handler FROM exchanges WHERE key = ?"
TAKE = "UPDATE exchanges SET state = ?, owner = ? WHERE id = ? AND state = ? AND owner = ? RETURNING id"
FINISH = (
    "UPDATE exchanges SET state = ?, answer_status = ?, answer_type = ?, answer = ?, handler = ?, outcome = ?,"
    " results = ?, milliseconds = ?, said = ? WHERE key = ? AND owner = ? RETURNING id"
)


class TooNewError(Exception):
    """Only a later release can use the journal."""


def create(connection: sqlite3.Connection) -> None:
    """Create the missing tables; refuse a journal that only a later release can read.

    Raises: TooNewError.
    """
    for statement in TABLES:
        connection.execute(statement.format(**TYPES))
    found: dict[str, str] = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    if int(found.get("oldest_reader", "0")) > 1:
        raise TooNewError(f"the journal needs a release that supports version {found['oldest_reader']}")
    if int(found.get("schema_version", "0")) < 1:
        for name in ("schema_version", "oldest_reader"):
            connection.execute("INSERT INTO meta VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = '1'", (name,))


def claimed_row(key: str, owner: int) -> tuple[object, ...]:
    """Return the parameters of ``INSERT`` for a message, whose sid is its key."""
    identity = (key, "message", key, "+15005550001", "+15005550006", "", None, time.time(), "message", "POST")
    request = ("message?", b"https://sms.example.com/message", "{}", f"MessageSid={key}&Body=hello".encode())
    return *identity, *request, "running", owner, *[None] * 3, "", "", None, None, "", time.time() + RETENTION_S


def finished_row(key: str, owner: int, answer: str) -> tuple[object, ...]:
    """Return the parameters of ``FINISH`` for a message that was answered."""
    outcome = ("done", 200, "text/xml; charset=utf-8", answer.encode(), "older.release", "replied", None, 1.0, "")
    return *outcome, key, owner

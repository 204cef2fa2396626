"""The delivery ledger: the furthest status of each sent message, whatever the order in which callbacks arrive."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..events import StatusCallback
from ..statuses import progress
from .engine import Engine
from .stores import Execute

_UPSERT = """INSERT INTO ledger
    (sid, status, progress, error_code, contact, number, in_reply_to, send_id, first_at, updated_at, keep_until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (sid) DO UPDATE SET
        status = CASE WHEN (excluded.progress, excluded.status) > (ledger.progress, ledger.status)
            THEN excluded.status ELSE ledger.status END,
        progress = CASE WHEN excluded.progress > ledger.progress THEN excluded.progress ELSE ledger.progress END,
        error_code = CASE WHEN ledger.error_code IS NULL OR excluded.error_code < ledger.error_code
            THEN excluded.error_code ELSE ledger.error_code END,
        in_reply_to = CASE WHEN ledger.in_reply_to = '' THEN excluded.in_reply_to ELSE ledger.in_reply_to END,
        send_id = CASE WHEN ledger.send_id = '' THEN excluded.send_id ELSE ledger.send_id END,
        updated_at = excluded.updated_at,
        keep_until = excluded.keep_until
    RETURNING progress"""
_COLUMNS = "sid, status, error_code, contact, number, in_reply_to, first_at, updated_at"


def filed(text: str) -> str:
    """Return a string cut to a length that any index takes; Twilio's own values are far shorter."""
    return text[:255]


def record_status(execute: Execute, status: StatusCallback, now: float, keep_until: float) -> bool:
    """Write a status callback to the ledger, and return whether the ledger was already further.

    Of two error codes the smaller is kept, so that the entry does not depend on the order of arrival.
    """
    reached = progress(status.message_status)
    rows = execute(
        _UPSERT,
        (
            filed(status.message_sid),
            filed(status.message_status),
            reached,
            status.error_code,
            filed(status.contact),
            filed(status.number),
            filed(status.in_reply_to),
            filed(status.send_id),
            now,
            now,
            keep_until,
        ),
    )
    return bool(rows[0][0] > reached)


def record_sent(
    execute: Execute, message_sid: str, status: str, about: tuple[str, str, str], now: float, keep_until: float
) -> None:
    """Write a message that Twilio has just accepted to the ledger; ``about`` is its contact, number and send."""
    contact, number, send_id = about
    known = (filed(message_sid), filed(status), progress(status), None, contact, number, "", send_id)
    execute(_UPSERT, (*known, now, now, keep_until))


def cause_of(execute: Execute, message_sid: str) -> tuple[str, str]:
    """Return the inbound message that a message answered, and its send; empty if they are not known."""
    rows = execute("SELECT in_reply_to, send_id FROM ledger WHERE sid = ?", (filed(message_sid),))
    return (rows[0][0], rows[0][1]) if rows else ("", "")


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One status callback in the history of a message."""

    #: When it was received, in seconds since 1970.
    received_at: float
    status: str
    error_code: int | None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The delivery of one message; times are in seconds since 1970."""

    message_sid: str
    #: The furthest MessageStatus.
    status: str
    error_code: int | None
    contact: str
    number: str
    #: The inbound message that it answers; empty for a message that was sent through the REST API.
    in_reply_to: str
    first_at: float
    updated_at: float
    history: tuple[StatusChange, ...] = ()


class Ledger:
    """Reads the ledger of an application: ``app.extensions["twiml"].ledger``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, message_sid: str) -> LedgerEntry | None:
        """Return the delivery of a message, with its history; None if no status callback was received for it.

        Raises: JournalUnavailable.
        """
        return self._engine.read(lambda execute: _read_ledger_entry(execute, message_sid))

    def failed_since(self, since: float) -> list[LedgerEntry]:
        """Return the messages that failed or were not delivered since a time, in seconds since 1970.

        Raises: JournalUnavailable.
        """
        failures = "status IN ('failed', 'undelivered')"  # written out, as the index ledger_failed is for these
        statement = f"SELECT {_COLUMNS} FROM ledger WHERE {failures} AND updated_at >= ? ORDER BY updated_at"  # noqa: S608
        rows = self._engine.read(lambda execute: execute(statement, (since,)))
        return [LedgerEntry(*row) for row in rows]


def _read_ledger_entry(execute: Execute, message_sid: str) -> LedgerEntry | None:
    rows = execute(f"SELECT {_COLUMNS} FROM ledger WHERE sid = ?", (message_sid,))  # noqa: S608
    history = execute(
        "SELECT received_at, message_status, error_code FROM exchanges WHERE sid = ? AND kind = 'status' ORDER BY id",
        (message_sid,),
    )
    return replace(LedgerEntry(*rows[0]), history=tuple(StatusChange(*row) for row in history)) if rows else None

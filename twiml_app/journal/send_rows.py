"""Messages that the program sends first, as rows: store one, withdraw one, and how each attempt ended.

A message is ``waiting`` until an attempt claims it, and ``leaving`` while Twilio's API is called. It ends as
``accepted``, ``failed``, ``refused``, ``expired`` or ``cancelled``. It is ``unknown`` if the call had no answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from ..errors import Forbidden
from ..events import StatusCallback
from .ledger import filed, record_sent
from .send_tables import FOREVER
from .stores import Execute, Row

WAITING: Final = "waiting"
LEAVING: Final = "leaving"
ACCEPTED: Final = "accepted"
UNKNOWN: Final = "unknown"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
EXPIRED: Final = "expired"
REFUSED: Final = "refused"

#: How long after an attempt of unknown outcome its message is searched for, in seconds.
LOOK_AFTER_S = 10.0
#: The length to which a reason is cut: some of it comes from an answer of the API.
_MAX_PROBLEM = 500
_TWICE = "it was sent twice, as the outcome of an earlier attempt was not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRow:
    """One row of the table ``sends``: the fields are its columns, in order; times are in seconds since 1970."""

    n: int
    id: str
    key: str | None
    state: str
    priority: int
    account: str
    contact: str
    #: Our number, or the messaging service that chooses one.
    number: str
    body: str
    media: str
    template: str
    variables: str
    metadata: str
    segments: int
    if_unknown: str
    #: When it is looked at next; for a message that is leaving, the end of its lease.
    due_at: float
    expires_at: float | None
    give_up_at: float
    base_url: str
    origin: str
    created_at: float
    updated_at: float
    attempts: int
    attempted_at: float
    #: How often the messages at Twilio were searched for it.
    lookups: int
    #: How often it was sent again although the outcome of the attempt before was not known.
    repeats: int
    owner: str
    message_sid: str
    #: The second message, if it was sent twice.
    other_sid: str
    #: The message at Twilio that is probably this one.
    probable_sid: str
    error_code: int | None
    problem: str
    keep_until: float

    @classmethod
    def read(cls, row: Row) -> Self:
        """Return a row that was selected with ``SEND_COLUMNS``."""
        return cls(**dict(zip(_NAMES, row, strict=True)))


_NAMES = tuple(field.name for field in fields(SendRow))
SEND_COLUMNS: Final = ", ".join(_NAMES)
_INSERTED = (*_NAMES[1:22], "keep_until")
_INSERT = (
    f"INSERT INTO sends ({', '.join(_INSERTED)}) VALUES ({', '.join('?' * len(_INSERTED))})"  # noqa: S608
    " ON CONFLICT (key) DO NOTHING RETURNING id"
)


def insert_send(execute: Execute, columns: Mapping[str, Any]) -> str:
    """Store a message, and return its id; if its key was accepted before, return the id of that message."""
    execute(
        "INSERT INTO senders (number, free_at, blocked_until) VALUES (?, 0, 0) ON CONFLICT (number) DO NOTHING",
        (columns["number"],),
    )
    values = {**columns, "state": WAITING, "updated_at": columns["created_at"], "keep_until": FOREVER}
    inserted = execute(_INSERT, [values[name] for name in _INSERTED])
    return str((inserted or execute("SELECT id FROM sends WHERE key = ?", (columns["key"],)))[0][0])


def cancel_send(execute: Execute, key: str, now: float, keep_until: float) -> bool:
    """Withdraw the message with a key, and return whether it was still waiting."""
    ended = "UPDATE sends SET state = ?, due_at = ?, updated_at = ?, keep_until = ? WHERE key = ? AND state = ?"
    return execute.count(ended, (CANCELLED, FOREVER, now, keep_until, key, WAITING)) > 0


def find_send(execute: Execute, send_id: str) -> SendRow | None:
    """Return a message by its id."""
    rows = execute(f"SELECT {SEND_COLUMNS} FROM sends WHERE id = ?", (send_id,))  # noqa: S608
    return SendRow.read(rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt, or the message itself, ended."""

    state: str
    problem: str = ""
    error_code: int | None = None


def end_attempt(execute: Execute, row: SendRow, ending: Ending, now: float, keep_until: float) -> bool:
    """Store how an attempt ended without a message; False if a status callback has proven that there is one."""
    due_at = now + LOOK_AFTER_S if ending.state == UNKNOWN else FOREVER
    statement = (
        "UPDATE sends SET state = ?, problem = ?, error_code = ?, due_at = ?, updated_at = ?, keep_until = ?"
        " WHERE id = ? AND state = ? AND owner = ?"
    )
    values = (ending.state, ending.problem[:_MAX_PROBLEM], ending.error_code, due_at, now, keep_until)
    return execute.count(statement, (*values, row.id, LEAVING, row.owner)) > 0


def put_back(execute: Execute, row: SendRow, due_at: float, problem: str, now: float) -> bool:
    """Let a message wait for another attempt, of which Twilio certainly has nothing."""
    statement = (
        "UPDATE sends SET state = ?, problem = ?, due_at = ?, updated_at = ? WHERE id = ? AND state = ? AND owner = ?"
    )
    return execute.count(statement, (WAITING, problem[:_MAX_PROBLEM], due_at, now, row.id, LEAVING, row.owner)) > 0


def accept(execute: Execute, row: SendRow, message_sid: str, status: str, now: float, keep_until: float) -> bool:
    """Store that Twilio has accepted a message; return whether it is the only one of this send.

    It counts whatever the state has become meanwhile, as the message exists; only what was erased is not stored again.
    """
    if not execute("SELECT 1 FROM sends WHERE id = ?", (row.id,)):
        return True
    record_sent(execute, message_sid, status, (row.contact, row.number, row.id), now, keep_until)
    return _tie(execute, row.id, filed(message_sid), now, keep_until)


def _tie(execute: Execute, send_id: str, sid: str, now: float, keep_until: float) -> bool:
    statement = (
        "UPDATE sends SET state = ?, due_at = ?, updated_at = ?, keep_until = ?, error_code = NULL,"
        " problem = CASE WHEN message_sid IN ('', ?) THEN '' ELSE ? END,"
        " other_sid = CASE WHEN message_sid IN ('', ?) THEN other_sid ELSE ? END,"
        " message_sid = CASE WHEN message_sid = '' THEN ? ELSE message_sid END"
        " WHERE id = ? RETURNING other_sid"
    )
    values = (ACCEPTED, FOREVER, now, keep_until, sid, _TWICE, sid, sid, sid, send_id)
    return all(not row[0] for row in execute(statement, values))


def join_status(
    execute: Execute, status: StatusCallback, now: float, keep_until: float, *, by_token: bool
) -> dict[str, Any] | None:
    """Tie the message of a status callback to its send, which proves that it was sent, and return the metadata.

    None is returned for a send that is not in the journal any more.

    Raises: Forbidden, for the token of another send's message, or of one that is not in the journal any more.
    """
    found = execute(
        "SELECT message_sid, attempts, other_sid, state, metadata FROM sends WHERE id = ?", (status.send_id,)
    )
    if not found:
        if by_token:
            raise _foreign(f"the journal has no send {status.send_id}")
        return None
    message_sid, attempts, other_sid, state, metadata = found[0]
    sid = filed(status.message_sid)
    if sid and sid not in (message_sid, other_sid):
        if attempts == 0 or (message_sid and (attempts == 1 or other_sid)):
            raise _foreign(f"{sid} is not the message of the send {status.send_id}")
        _tie(execute, status.send_id, sid, now, keep_until)
    elif sid and state == UNKNOWN:
        _tie(execute, status.send_id, sid, now, keep_until)
    known: dict[str, Any] = json.loads(metadata)
    return known


def metadata_of(execute: Execute, send_id: str) -> dict[str, Any]:
    """Return the metadata of a send; empty if it is not in the journal any more."""
    found = execute("SELECT metadata FROM sends WHERE id = ?", (send_id,))
    known: dict[str, Any] = json.loads(found[0][0]) if found else {}
    return known


def _foreign(problem: str) -> Forbidden:
    return Forbidden("the token of the status URL is of another message", reason=problem)

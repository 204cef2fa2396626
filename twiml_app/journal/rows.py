"""Exchanges as rows of the journal, and the statements that run for every request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal, Self

from ..config import Settings
from ..events import InboundMessage, parse_event
from ..pending import Effect
from ..receiver import Outcome, Place
from ..webhook import Endpoint, Form, WebhookResponse
from .ledger import filed
from .received_events import DAY_S, FOUND_BY, EventColumns, ReceivedEvent
from .stores import Execute, Row

if TYPE_CHECKING:
    from ..recordings import Exchange

LOOP_WINDOW_S = 60.0

RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
#: The outcome of an event whose process died while its handler ran.
KILLED: Final = "killed"

#: Counts only the latest exchanges, as a contact may send without end.
LATELY: Final = (
    "SELECT said, count(*) AS count FROM (SELECT said FROM exchanges WHERE contact = ? AND received_at BETWEEN ? AND ?"
    " AND number = ? ORDER BY received_at DESC LIMIT 100) AS latest WHERE said <> '' GROUP BY said"
    " HAVING count(*) >= ?"
)
_MAX_FIELDS = 10_000
_SELECT = "SELECT id, state, owner, answer_status, answer_type, answer, handler FROM exchanges"
SELECT: Final = f"{_SELECT} WHERE key = ?"
#: The exchanges about a message at one of our URLs, the latest first; the parameters are sid and target.
SELECT_ANSWERS: Final = (
    f"{_SELECT} WHERE sid = ? AND target = ? AND kind = 'message' AND endpoint = 'message' ORDER BY id DESC"
)


def said_lately(execute: Execute, message: InboundMessage, now: float, least: int) -> dict[str, int]:
    """Return how often replies were sent to a contact within the last minute, by digest, if ``least`` times or more."""
    return dict(execute(LATELY, lately(message, now, least)))


def lately(message: InboundMessage, now: float, least: int) -> tuple[str, float, float, str, int]:
    """Return the parameters of ``LATELY``."""
    return filed(message.contact), now - LOOP_WINDOW_S, now, filed(message.number), least


def keeps_request(settings: Settings, kind: str, outcome: Outcome, state: str) -> bool:
    """Return whether the bytes of a request are kept after it was answered."""
    if settings.record == "all" or state == FAILED or outcome.name in ("failed", "apologized", "overdue"):
        return True
    return settings.record == "messages" and kind != "status"


def stored_response(status: int, content_type: str, body: bytes) -> WebhookResponse:
    """Return a stored answer; that of a callback whose handlers were run again by hand is empty."""
    return WebhookResponse(status=status or 204, content_type=content_type or "", body=bytes(body or b""))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRow:
    """One row of the table ``exchanges``: the fields are its columns, in order.

    ``url`` and ``body`` are None if the request was not kept; the fields of the answer are None until there is one.
    """

    id: int = 0
    key: str
    kind: str
    sid: str
    #: The other person's address, and ours.
    contact: str
    number: str
    message_status: str
    error_code: int | None
    received_at: float
    endpoint: Endpoint
    method: str
    target: str = ""
    url: bytes | None
    headers: str | None
    body: bytes | None
    state: str
    owner: int = 0
    answer_status: int | None = None
    answer_type: str | None = None
    answer: bytes | None = None
    handler: str = ""
    outcome: str = ""
    results: str | None = None
    milliseconds: float | None = None
    said: str = ""
    #: What the handlers asked for besides the answer, as JSON; None if it was nothing.
    effects: str | None = None
    keep_until: float

    @classmethod
    def read(cls, row: Row) -> Self:
        """Return a row that was selected with ``COLUMNS``."""
        return cls(**dict(zip(_NAMES, row, strict=True)))

    @classmethod
    def of_recording(cls, exchange: Exchange, keep_until: float) -> Self:
        """Return the row of an imported exchange."""
        answer = exchange.answer
        found_by = EventColumns.of(parse_event(exchange.form))._replace(kind=exchange.kind, sid=filed(exchange.sid))
        return cls(
            key=f"imported {exchange.time} {exchange.sid} {exchange.url}",
            **found_by._asdict(),
            received_at=exchange.received_at,
            endpoint=exchange.endpoint,
            method=exchange.method,
            url=exchange.url.encode("utf-8", "surrogateescape"),
            headers=json.dumps(dict(exchange.headers)),
            body=exchange.form.encode().encode() if exchange.method == "POST" else b"",
            state=DONE,
            answer_status=answer.status,
            answer_type=answer.content_type,
            answer=answer.body,
            handler=exchange.handler,
            outcome=exchange.outcome,
            results=json.dumps(dict(exchange.results)) if exchange.results else None,
            milliseconds=exchange.milliseconds,
            effects=json.dumps([*exchange.effects]) if exchange.effects else None,
            keep_until=keep_until,
        )

    @classmethod
    def of_trace(cls, record: bytes) -> Self:
        """Return the row of an event whose process died while its handler ran.

        Raises: ValueError; TypeError.
        """
        received = ReceivedEvent.of_trace(record)
        return cls(**received._asdict(), state=FAILED, outcome=KILLED)

    def insert(self, execute: Execute) -> int | None:
        """Insert the row and return its id; None if the key is taken."""
        return _insert(execute, [getattr(self, name) for name in _NAMES[1:]])

    @property
    def shown_outcome(self) -> str:
        """The outcome, or the state if there is no outcome yet."""
        return self.outcome or self.state

    @property
    def exchange(self) -> Exchange | None:
        """The exchange, as it is exported and replayed; None if the request was not kept."""
        if self.url is None or self.body is None:
            return None
        from ..recordings import Exchange  # a server never needs it, and it is slow to import

        url, body = (bytes(each).decode("utf-8", "surrogateescape") for each in (self.url, self.body))
        encoded = body if self.method == "POST" else url.partition("#")[0].partition("?")[2]
        answer_body = bytes(self.answer or b"")
        return Exchange(
            id=self.id,
            received_at=self.received_at,
            kind=self.kind,
            endpoint=self.endpoint,
            method=self.method,
            url=url,
            headers=json.loads(self.headers or "{}"),
            form=Form.read(encoded, max_fields=_MAX_FIELDS, strict=False),
            answer=WebhookResponse(
                status=self.answer_status or 0, content_type=self.answer_type or "", body=answer_body
            ),
            handler=self.handler,
            outcome=self.shown_outcome,
            results=json.loads(self.results or "{}"),
            milliseconds=self.milliseconds or 0.0,
            effects=tuple(json.loads(self.effects or "[]")),
        )


_NAMES = tuple(field.name for field in fields(ExchangeRow))
COLUMNS = ", ".join(_NAMES)
_VALUES = f"INSERT INTO exchanges ({', '.join(_NAMES[1:])}) VALUES ({', '.join('?' * (len(_NAMES) - 1))})"  # noqa: S608
_INSERT = f"{_VALUES} ON CONFLICT (key) DO NOTHING RETURNING id"
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[2:])
_STORE = f"{_VALUES} ON CONFLICT (key) DO UPDATE SET {_REPLACED} WHERE exchanges.state <> '{DONE}'"


def insert_running(execute: Execute, received: ReceivedEvent, owner: int) -> int | None:
    """Insert the row of an event that a process is claiming, and return its id; None if the key is taken."""
    no_answer = (None, None, None, "", "", None, None, "", None)
    return _insert(execute, (*received[:-1], RUNNING, owner, *no_answer, received.keep_until))


def answered_values(
    received: ReceivedEvent, outcome: Outcome, state: str, *, keeps_request: bool, now: float
) -> tuple[object, ...]:
    """Return the values of the row of an event that was claimed by a lock and has been answered."""
    request = received[:-1] if keeps_request else (*received[:FOUND_BY], None, None, None)
    return (*request, state, 0, *answer_values(outcome), received.keep_until if keeps_request else now + DAY_S)


def answer_values(outcome: Outcome) -> tuple[object, ...]:
    """Return the values of the columns from ``answer_status`` to ``effects``."""
    response = outcome.response
    results = json.dumps(dict(outcome.results)) if outcome.results else None
    answer = (response.status, response.content_type, response.body)
    asked = [each.described() for each in outcome.effects if each.is_asked_for] if outcome.effects else ()
    effects = json.dumps(asked) if asked else None
    return (*answer, outcome.handler, outcome.name, results, outcome.milliseconds, outcome.digest, effects)


def store(execute: Execute, values: Sequence[object]) -> bool:
    """Write a row, over that of an earlier attempt; return False if the event has been answered."""
    return execute.count(_STORE, values) > 0


def write_effects(execute: Execute, effects: Iterable[Effect], turn: Place | None = None) -> Literal[True]:
    """Store what handlers asked for in the transaction that stores their answer, and end their turn.

    Raises: ClaimLost, if another process has the turn.
    """
    for effect in effects:
        effect.write(execute)
    if turn:
        turn.write(execute)
    return True


def _insert(execute: Execute, values: Sequence[object]) -> int | None:
    inserted = execute(_INSERT, values)
    return inserted[0][0] if inserted else None

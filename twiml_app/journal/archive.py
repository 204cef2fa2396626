"""What the journal holds, for people: lists, export and import, erasure, what is to be run again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..events import StatusCallback, UnknownEvent, parse_event
from ..recordings import Exchange
from ..webhook import Form, WebhookResponse
from .engine import Engine, Execute, Row
from .ledger import filed
from .refusals import Refusal, latest_refusals

_COLUMNS = (
    "id, received_at, kind, endpoint, method, url, headers, body, answer_status, answer_type, answer, handler, outcome,"
    " results, milliseconds, sid, contact, number, message_status, error_code, state, owner"
)
_PAGE = 500
_MAX_FIELDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which exchanges are meant; what is None does not matter."""

    since: float | None = None
    #: MessageStatus of a status callback.
    status: str | None = None
    handler: str | None = None
    outcome: str | None = None
    #: The other person's address.
    contact: str | None = None
    sid: str | None = None
    failed: bool = False

    def where(self) -> tuple[str, list[object]]:
        """Return the condition in SQL, and its parameters."""
        wanted = {
            "received_at >= ?": self.since,
            "message_status = ?": self.status,
            "handler LIKE ?": f"%{self.handler}%" if self.handler else None,
            "outcome = ?": self.outcome,
            "contact = ?": self.contact,
            "sid = ?": self.sid,
        }
        given = {condition: value for condition, value in wanted.items() if value is not None}
        failed = ["(outcome IN ('failed', 'apologized') OR state <> 'done')"] if self.failed else []
        return " AND ".join([*given, *failed, "1 = 1"]), list(given.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An exchange as the journal keeps it, with what it is filed under; the request is None where it was forgotten."""

    number: int
    received_at: float
    kind: str
    sid: str
    contact: str
    our_number: str
    message_status: str
    error_code: int | None
    state: str
    owner: int
    handler: str
    outcome: str
    milliseconds: float
    exchange: Exchange | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The state of things at a glance."""

    exchanges: int
    last_inbound_at: float | None
    failed: int
    unfinished: int
    refused: int
    last_refusal: Refusal | None
    top_error_codes: list[tuple[int, int]]


class Archive:
    """Reads and tends a journal.

    Raises, each of its methods: JournalUnavailable.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def latest(self, wanted: Filter, limit: int) -> list[Kept]:
        """Return the newest exchanges, newest first."""
        where, parameters = wanted.where()
        statement = f"SELECT {_COLUMNS} FROM exchanges WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        rows = self._engine.query(statement, (*parameters, limit))
        return [_kept(row) for row in rows]

    def all(self, wanted: Filter, also: str = "1 = 1") -> list[Kept]:
        """Return every exchange, oldest first; read in pages, so that nobody waits behind a long read."""
        where, parameters = wanted.where()
        statement = f"SELECT {_COLUMNS} FROM exchanges WHERE {where} AND {also} AND id > ? ORDER BY id LIMIT ?"  # noqa: S608
        found: list[Kept] = []
        while True:
            page = (*parameters, found[-1].number if found else 0, _PAGE)
            rows = self._engine.query(statement, page)
            found += [_kept(row) for row in rows]
            if len(rows) < _PAGE:
                return found

    def find(self, number: int) -> Kept | None:
        """Return one exchange by its number."""
        statement = f"SELECT {_COLUMNS} FROM exchanges WHERE id = ?"  # noqa: S608
        rows = self._engine.query(statement, (number,))
        return _kept(rows[0]) if rows else None

    def add(self, exchanges: Iterable[Exchange], *, keep_until: float) -> int:
        """Take in recorded exchanges, and return how many were new."""
        rows = [_imported_row(exchange, keep_until) for exchange in exchanges]
        return self._engine.run(lambda execute: sum(len(execute(_INSERT, row)) for row in rows))

    def erase(self, address: str) -> int:
        """Delete everything about one address on every channel, and return how many rows that were.

        Refused requests were never told apart by sender: they are deleted all together.
        """

        def delete(execute: Execute) -> int:
            execute("DELETE FROM refusals")
            statement = "DELETE FROM {} WHERE contact = ? OR contact LIKE ? RETURNING sid"
            parameters = (address, f"%:{address}")
            return sum(len(execute(statement.format(table), parameters)) for table in ("exchanges", "ledger"))

        erased = self._engine.run(delete)
        self._engine.forget()
        return erased

    def to_retry(self, wanted: Filter) -> list[Kept]:
        """Return the status callbacks whose handlers failed, or whose process died over them."""
        open_ones = self.all(wanted, "kind = 'status' AND (outcome = 'failed' OR state = 'running')")
        return [kept for kept in open_ones if kept.state != "running" or not self._is_at_work(kept)]

    def _is_at_work(self, kept: Kept) -> bool:
        return self._engine.run(lambda _: self._engine.is_alive(kept.owner), durable=False)

    def settle(self, number: int, results: dict[str, str], outcome: str) -> None:
        """Write down what the handlers of a status callback did when they were run again."""
        update = "UPDATE exchanges SET state = 'done', outcome = ?, results = ?, answer_status = 204 WHERE id = ?"
        self._engine.run(lambda execute: execute(update, (outcome, json.dumps(results), number)))

    def refusals(self, limit: int) -> list[Refusal]:
        """Return the last refused requests, newest first."""
        return self._engine.run(lambda execute: latest_refusals(execute, limit))

    def overview(self) -> Overview:
        """Return the state of things at a glance."""
        return self._engine.run(_overview)


def _overview(execute: Execute) -> Overview:
    failed = "SELECT count(*) FROM exchanges WHERE outcome IN ('failed', 'apologized')"
    codes = (
        "SELECT error_code, count(*) AS times FROM ledger WHERE error_code IS NOT NULL"
        " GROUP BY error_code ORDER BY times DESC, error_code LIMIT 5"
    )
    return Overview(
        exchanges=execute("SELECT count(*) FROM exchanges")[0][0],
        last_inbound_at=execute("SELECT max(received_at) FROM exchanges WHERE kind = 'message'")[0][0],
        failed=execute(failed)[0][0],
        unfinished=execute("SELECT count(*) FROM exchanges WHERE state = 'running'")[0][0],
        refused=execute("SELECT count(*) FROM refusals")[0][0],
        last_refusal=next(iter(latest_refusals(execute, 1)), None),
        top_error_codes=[(row[0], row[1]) for row in execute(codes)],
    )


def _decoded(value: Any) -> str:
    return bytes(value or b"").decode("utf-8", "surrogateescape")


def _kept(row: Row) -> Kept:
    number, received_at, kind, endpoint, method, url, headers, body, *rest = row
    status, content_type, answer, handler, outcome, results, milliseconds, sid, *filed = rest
    contact, our_number, message_status, error_code, state, owner = filed
    exchange = None
    if url is not None and body is not None:
        exchange = Exchange(
            received_at=received_at,
            kind=kind,
            endpoint=endpoint,
            method=method,
            url=_decoded(url),
            headers=json.loads(headers or "{}"),
            form=_stored_form(method, _decoded(url), _decoded(body)),
            answer=WebhookResponse(status=status or 0, content_type=content_type or "", body=bytes(answer or b"")),
            handler=handler,
            outcome=outcome or state,
            results=json.loads(results or "{}"),
            milliseconds=milliseconds or 0.0,
            number=number,
        )
    return Kept(
        number=number,
        received_at=received_at,
        kind=kind,
        sid=sid,
        contact=contact,
        our_number=our_number,
        message_status=message_status,
        error_code=error_code,
        state=state,
        owner=owner,
        handler=handler,
        outcome=outcome or state,
        milliseconds=milliseconds or 0.0,
        exchange=exchange,
    )


def _stored_form(method: str, url: str, body: str) -> Form:
    encoded = body if method == "POST" else url.partition("#")[0].partition("?")[2]
    return Form.read(encoded, max_fields=_MAX_FIELDS, strict=False)


_INSERT = (
    "INSERT INTO exchanges (key, kind, sid, contact, number, message_status, error_code, received_at, endpoint, method,"
    " url, headers, body, state, owner, answer_status, answer_type, answer, handler, outcome, results, milliseconds,"
    " keep_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'done', 0, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (key) DO NOTHING RETURNING id"
)


def _imported_row(exchange: Exchange, keep_until: float) -> tuple[object, ...]:
    form, answer, event = exchange.form, exchange.answer, parse_event(exchange.form)
    status = event if isinstance(event, StatusCallback) else None
    message = None if isinstance(event, UnknownEvent) else event
    return (
        f"imported {exchange.time} {exchange.sid} {exchange.url}",
        exchange.kind,
        filed(exchange.sid),
        filed(message.contact if message else form.get("From", "")),
        filed(message.number if message else form.get("To", "")),
        filed(status.message_status if status else ""),
        message.error_code if message else None,
        exchange.received_at,
        exchange.endpoint,
        exchange.method,
        exchange.url.encode("utf-8", "surrogateescape"),
        json.dumps(dict(exchange.headers)),
        form.encode().encode() if exchange.method == "POST" else b"",
        answer.status,
        answer.content_type,
        answer.body,
        exchange.handler,
        exchange.outcome,
        json.dumps(dict(exchange.results)) if exchange.results else None,
        exchange.milliseconds,
        keep_until,
    )

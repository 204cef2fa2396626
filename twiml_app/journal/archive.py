"""Read and manage the journal: list, export, import and erase exchanges, and find those to retry."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ..recordings import Exchange
from .engine import Engine, Execute
from .refusals import Refusal, latest_refusals
from .rows import COLUMNS, ExchangeRow

_PAGE = 500
#: The handler raised, or answered when Twilio no longer waited.
_FAILED = "outcome IN ('failed', 'apologized')"
_OVERDUE = "outcome = 'overdue'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which exchanges to select; a field that is None matches all of them."""

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
        failed = [f"({_FAILED} OR {_OVERDUE} OR state <> 'done')"] if self.failed else []
        return " AND ".join([*given, *failed, "1 = 1"]), list(given.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A summary of the journal."""

    exchanges: int
    last_inbound_at: float | None
    failed: int
    #: Answers that came after Twilio had stopped waiting.
    overdue: int
    unfinished: int
    refused: int
    last_refusal: Refusal | None
    top_error_codes: list[tuple[int, int]]


class Archive:
    """Reads and manages a journal.

    Raises: JournalUnavailable, from every method.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def latest(self, wanted: Filter, limit: int) -> list[ExchangeRow]:
        """Return the newest exchanges, newest first."""
        where, parameters = wanted.where()
        statement = f"SELECT {COLUMNS} FROM exchanges WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        rows = self._engine.query(statement, (*parameters, limit))
        return [ExchangeRow.read(row) for row in rows]

    def all(self, wanted: Filter, also: str = "1 = 1") -> list[ExchangeRow]:
        """Return all exchanges, oldest first; read in pages, so that no request waits behind a long read."""
        where, parameters = wanted.where()
        statement = f"SELECT {COLUMNS} FROM exchanges WHERE {where} AND {also} AND id > ? ORDER BY id LIMIT ?"  # noqa: S608
        found: list[ExchangeRow] = []
        while True:
            page = (*parameters, found[-1].id if found else 0, _PAGE)
            rows = self._engine.query(statement, page)
            found += [ExchangeRow.read(row) for row in rows]
            if len(rows) < _PAGE:
                return found

    def find(self, exchange_id: int) -> ExchangeRow | None:
        """Return one exchange by its id."""
        statement = f"SELECT {COLUMNS} FROM exchanges WHERE id = ?"  # noqa: S608
        rows = self._engine.query(statement, (exchange_id,))
        return ExchangeRow.read(rows[0]) if rows else None

    def add(self, exchanges: Iterable[Exchange], *, keep_until: float) -> int:
        """Import recorded exchanges, and return how many were new."""
        rows = [ExchangeRow.of_recording(exchange, keep_until) for exchange in exchanges]
        return self._engine.run(lambda execute: sum(row.insert(execute) is not None for row in rows))

    def erase(self, address: str) -> int:
        """Delete everything about one address on every channel, and return the number of rows deleted.

        Refused requests are stored without their sender, so all of them are deleted.
        """

        def delete(execute: Execute) -> int:
            execute("DELETE FROM refusals")
            statement = "DELETE FROM {} WHERE contact = ? OR contact LIKE ? RETURNING sid"
            parameters = (address, f"%:{address}")
            return sum(len(execute(statement.format(table), parameters)) for table in ("exchanges", "ledger"))

        erased = self._engine.run(delete)
        self._engine.forget()
        return erased

    def to_retry(self, wanted: Filter) -> list[ExchangeRow]:
        """Return the status callbacks whose handlers failed, or whose process died while handling them."""
        candidates = self.all(wanted, "kind = 'status' AND (outcome = 'failed' OR state = 'running')")
        return [row for row in candidates if row.state != "running" or not self._is_alive(row)]

    def _is_alive(self, row: ExchangeRow) -> bool:
        return self._engine.run(lambda _: self._engine.is_alive(row.owner), durable=False)

    def settle(self, exchange_id: int, results: dict[str, str], outcome: str) -> None:
        """Store the results of a status callback whose handlers were run again."""
        update = "UPDATE exchanges SET state = 'done', outcome = ?, results = ?, answer_status = 204 WHERE id = ?"
        self._engine.run(lambda execute: execute(update, (outcome, json.dumps(results), exchange_id)))

    def refusals(self, limit: int) -> list[Refusal]:
        """Return the latest refused requests, newest first."""
        return self._engine.run(lambda execute: latest_refusals(execute, limit))

    def overview(self) -> Overview:
        """Return a summary of the journal."""
        return self._engine.run(_overview)


def _overview(execute: Execute) -> Overview:
    codes = (
        "SELECT error_code, count(*) AS times FROM ledger WHERE error_code IS NOT NULL"
        " GROUP BY error_code ORDER BY times DESC, error_code LIMIT 5"
    )
    return Overview(
        exchanges=execute("SELECT count(*) FROM exchanges")[0][0],
        last_inbound_at=execute("SELECT max(received_at) FROM exchanges WHERE kind = 'message'")[0][0],
        failed=execute(f"SELECT count(*) FROM exchanges WHERE {_FAILED}")[0][0],  # noqa: S608
        overdue=execute(f"SELECT count(*) FROM exchanges WHERE {_OVERDUE}")[0][0],  # noqa: S608
        unfinished=execute("SELECT count(*) FROM exchanges WHERE state = 'running'")[0][0],
        refused=execute("SELECT count(*) FROM refusals")[0][0],
        last_refusal=next(iter(latest_refusals(execute, 1)), None),
        top_error_codes=[(row[0], row[1]) for row in execute(codes)],
    )

"""Read and manage the journal: list, export, import and erase exchanges, and find those to retry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ..pending import Effect
from .engine import Engine
from .forgetting import forget
from .killed import collect_killed
from .migrations import FAILED_CONDITION
from .opt_out_rows import count_opted_out, hide_opt_outs
from .refusals import Refusal, latest_refusals
from .rows import COLUMNS, KILLED, RUNNING, ExchangeRow, write_effects
from .stores import Execute

if TYPE_CHECKING:
    from ..recordings import Exchange

#: How many exchanges are read at once, and how many rows are written in one transaction.
_PAGE = 500
_BATCH = 200
#: The tables with rows about a contact, and their keys.
_WITH_CONTACT = (
    *(("exchanges", "id"), ("ledger", "sid"), ("unreachable", "contact"), ("daily_segments", "id")),
    *(("sends", "n"), ("work", "id"), ("conversations", "id"), ("conversation_tickets", "id")),
)
#: How long one of these transactions may wait, in seconds.
_WAIT_S = 10.0
#: How long a command waits before it shows what there is, in seconds.
_COLLECT_WAIT_S = 2.0
#: The inner statement reads only the index of the list, and the outer one only the rows that were found.
_SELECT = (
    f"SELECT {COLUMNS} FROM exchanges WHERE id IN"  # noqa: S608
    " (SELECT id FROM exchanges WHERE {where} ORDER BY {order} LIMIT ?) ORDER BY {order}"
)


_LAST_ALERT = (
    "SELECT received_at, message_status, error_code FROM exchanges WHERE id IN"
    " (SELECT id FROM exchanges WHERE kind = 'alert' ORDER BY received_at DESC LIMIT 1)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which exchanges to select; a field that is None matches all of them."""

    since: float | None = None
    #: MessageStatus of a status callback.
    status: str | None = None
    #: Part of the name of a handler.
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
            "outcome = ?": self.outcome,
            "contact = ?": self.contact,
            "sid = ?": self.sid,
            "lower(handler) LIKE ? ESCAPE '!'": f"%{escaped(self.handler.lower())}%" if self.handler else None,
        }
        given = {condition: value for condition, value in wanted.items() if value is not None}
        failed = [FAILED_CONDITION] if self.failed else []
        return " AND ".join([*given, *failed, "1 = 1"]), list(given.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A summary of the journal."""

    exchanges: int
    last_inbound_at: float | None
    failed: int
    #: Answers that came after Twilio had stopped waiting.
    overdue: int
    #: Events whose process died while their handler ran.
    killed: int
    unfinished: int
    refused: int
    last_refusal: Refusal | None
    #: Contacts who get nothing from at least one sender.
    opted_out: int
    top_error_codes: list[tuple[int, int]]
    #: How many alerts of Twilio's debugger there are; the last one with its time, level and error code.
    alerts: int
    last_alert: tuple[float, str, int | None] | None


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased."""

    rows: int
    #: False if a process that reads the journal still holds deleted texts: they are removed when it has ended.
    is_finished: bool


class Archive:
    """Reads and manages a journal: no writer waits for its reading, and its writing is done in small transactions.

    Raises: JournalUnavailable, from every method.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def latest(self, wanted: Filter, limit: int) -> list[ExchangeRow]:
        """Return the newest exchanges, newest first."""
        where, parameters = wanted.where()
        return self._read(_SELECT.format(where=where, order="received_at DESC, id DESC"), [*parameters, limit])

    def all(self, wanted: Filter, also: str = "1 = 1") -> list[ExchangeRow]:
        """Return all exchanges, oldest first."""
        return [row for page in self.pages(wanted, also) for row in page]

    def pages(self, wanted: Filter, also: str = "1 = 1") -> Iterator[list[ExchangeRow]]:
        """Yield exchanges, oldest first; no snapshot is held between two pages."""
        where, parameters = wanted.where()
        condition = f"{where} AND {also} AND (received_at, id) > (?, ?)"
        statement = _SELECT.format(where=condition, order="received_at, id")
        last: tuple[float, int] = (-1e300, 0)
        while page := self._read(statement, [*parameters, *last, _PAGE]):
            yield page
            if len(page) < _PAGE:
                return
            last = page[-1].received_at, page[-1].id

    def find(self, exchange_id: int) -> ExchangeRow | None:
        """Return one exchange by its id."""
        rows = self._read(f"SELECT {COLUMNS} FROM exchanges WHERE id = ?", [exchange_id])  # noqa: S608
        return rows[0] if rows else None

    def add(self, exchanges: Iterable[Exchange], *, keep_until: float) -> int:
        """Import recorded exchanges, and return how many were new."""
        rows = [ExchangeRow.of_recording(exchange, keep_until) for exchange in exchanges]
        batches = [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]
        return sum(self._engine.run(partial(_insert, batch), wait_s=_WAIT_S) for batch in batches)

    def collect_killed(self) -> None:
        """Store what killed processes were handling, so that it can be listed."""
        collect_killed(self._engine, wait_s=_COLLECT_WAIT_S)

    def erase(self, address: str, keys: Sequence[str] = ()) -> Erased:
        """Delete everything about one address on every channel; work that waits for it never runs.

        Refused requests are stored without their sender, so all of them are deleted. A hash with the first of ``keys``
        remains of opt-outs, so that the contact still gets nothing.

        Raises: ConfigurationError, if the contact has opted out and there is no key.
        """
        self.collect_killed()
        hidden = self._engine.run(partial(hide_opt_outs, contact=address, keys=keys), wait_s=_WAIT_S)
        self._engine.run(lambda execute: execute("DELETE FROM refusals"), wait_s=_WAIT_S)
        rows = sum(self._erase_from(table, key, address) for table, key in _WITH_CONTACT)
        return Erased(rows + hidden, forget(self._engine))

    def to_retry(self, wanted: Filter) -> list[ExchangeRow]:
        """Return the status callbacks and alerts whose handlers failed, or whose process died while handling them."""
        self.collect_killed()
        return self.all(
            wanted, f"{FAILED_CONDITION} AND kind IN ('status', 'alert') AND outcome IN ('failed', 'killed')"
        )

    def settle(self, exchange_id: int, results: dict[str, str], outcome: str, effects: Sequence[Effect] = ()) -> None:
        """Store the results and effects of a status callback or an alert whose handlers were run again."""
        update = "UPDATE exchanges SET state = 'done', outcome = ?, results = ?, answer_status = 204 WHERE id = ?"

        def write(execute: Execute) -> None:
            execute(update, (outcome, json.dumps(results), exchange_id))
            write_effects(execute, effects)

        self._engine.run(write, wait_s=_WAIT_S)

    def refusals(self, limit: int) -> list[Refusal]:
        """Return the latest refused requests, newest first."""
        return self._engine.read(lambda execute: latest_refusals(execute, limit))

    def overview(self) -> Overview:
        """Return a summary of the journal."""
        found = self._engine.read(_overview)
        return replace(found, unfinished=found.unfinished + self._engine.store.count_in_flight())

    def _read(self, statement: str, parameters: Sequence[object]) -> list[ExchangeRow]:
        return [ExchangeRow.read(row) for row in self._engine.read(lambda execute: execute(statement, parameters))]

    def _erase_from(self, table: str, key: str, address: str) -> int:
        """Delete the rows of an address, a few at a time, and return how many there were."""
        find = f"SELECT {key} FROM {table} WHERE contact = ? OR contact LIKE ? ESCAPE '!'"  # noqa: S608
        erased = 0
        while found := self._engine.read(lambda execute: execute(find, (address, f"%:{escaped(address)}"))):
            for start in range(0, len(found), _BATCH):
                delete = partial(_delete, table, key, [row[0] for row in found[start : start + _BATCH]])
                erased += self._engine.run(delete, wait_s=_WAIT_S)
        return erased


def escaped(text: str) -> str:
    """Return a string that LIKE takes literally."""
    return re.sub("[!%_]", r"!\g<0>", text)


def _insert(rows: Sequence[ExchangeRow], execute: Execute) -> int:
    return sum(row.insert(execute) is not None for row in rows)


def _delete(table: str, key: str, keys: Sequence[object], execute: Execute) -> int:
    marks = ", ".join("?" * len(keys))
    return len(execute(f"DELETE FROM {table} WHERE {key} IN ({marks}) RETURNING {key}", keys))  # noqa: S608


def _overview(execute: Execute) -> Overview:
    codes = (
        "SELECT error_code, count(*) AS times FROM ledger WHERE error_code IS NOT NULL"
        " GROUP BY error_code ORDER BY times DESC, error_code LIMIT 5"
    )
    counts = f"SELECT state, outcome, count(*) FROM exchanges WHERE {FAILED_CONDITION} GROUP BY state, outcome"  # noqa: S608
    failures = {(state, outcome): times for state, outcome, times in execute(counts)}
    last = "SELECT received_at FROM exchanges WHERE kind = 'message' ORDER BY received_at DESC LIMIT 1"
    return Overview(
        exchanges=execute("SELECT count(*) FROM exchanges")[0][0],
        last_inbound_at=next((row[0] for row in execute(last)), None),
        failed=sum(times for (_, outcome), times in failures.items() if outcome in ("failed", "apologized")),
        overdue=sum(times for (_, outcome), times in failures.items() if outcome == "overdue"),
        killed=sum(times for (_, outcome), times in failures.items() if outcome == KILLED),
        unfinished=sum(times for (state, _), times in failures.items() if state == RUNNING),
        refused=execute("SELECT count(*) FROM refusals")[0][0],
        last_refusal=next(iter(latest_refusals(execute, 1)), None),
        opted_out=count_opted_out(execute),
        top_error_codes=[(row[0], row[1]) for row in execute(codes)],
        alerts=execute("SELECT count(*) FROM exchanges WHERE kind = 'alert'")[0][0],
        last_alert=next((tuple(row) for row in execute(_LAST_ALERT)), None),
    )

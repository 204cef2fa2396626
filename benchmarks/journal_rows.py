"""Fills a journal with rows such as years of traffic leave behind, without a request for each of them."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.journal.engine import Engine
from twiml_app.journal.migrations import INDEXES
from twiml_app.journal.rows import COLUMNS
from twiml_app.journal.stores import Execute
from twiml_app.statuses import progress

CONTACTS = 50_000
HANDLERS = tuple(f"shop.orders.handler_{number:02}" for number in range(20))
NUMBER = "+15005550006"
#: The rows are spread evenly over this time.
SPAN_S = 20 * 86400.0
_KEEP_S = 90 * 86400.0
_BATCH = 20_000
_TEXT = " ".join(["please bring it to the door in the second yard"] * 10)[:286]
_HEADERS = json.dumps({"content-type": "application/x-www-form-urlencoded", "user-agent": "TwilioProxy/1.1"})
_ANSWER = b'<?xml version="1.0" encoding="UTF-8"?><Response><Message>Thanks! It will be there in ten minutes.</Message>'
_LEDGER = "sid, status, progress, error_code, contact, number, in_reply_to, first_at, updated_at, keep_until"
#: Of a thousand statuses, how many are of each kind; failed ones have an error code.
_STATUSES = (("sent", 480, None), ("delivered", 508, None), ("undelivered", 9, 30003), ("failed", 3, 30007))

Values = tuple[Any, ...]


def fill(engine: Engine, url: str, count: int, *, now: float | None = None) -> None:
    """Insert rows into an empty journal, without its indexes, which are much faster to build afterwards."""
    engine.check()
    engine.run(_drop_indexes, durable=False)
    rows = _rows(count, time.time() if now is None else now)
    write = _fill_sqlite if url.startswith("sqlite:") else _fill_postgres
    while batch := list(islice(rows, _BATCH)):
        write(url, [row for row, _ in batch], [entry for _, entry in batch if entry])


def build_indexes(engine: Engine) -> Iterator[tuple[str, float]]:
    """Build every missing index, and yield its name and the seconds that it took."""
    for index in engine.missing_indexes():
        started = time.perf_counter()
        engine.build_index(index)
        yield index.name, time.perf_counter() - started


def _drop_indexes(execute: Execute) -> None:
    for index in INDEXES:
        execute(f"DROP INDEX IF EXISTS {index.name}")


def _rows(count: int, now: float) -> Iterator[tuple[Values, Values | None]]:
    """Yield the values of exchanges, and of the ledger's entry if it is a status; the same for every run."""
    dice = random.Random(7)
    weights = [1000 // (place + 1) for place in range(len(HANDLERS) - 1)] + [1]
    handlers = dice.choices(HANDLERS, weights, k=10_000)
    contacts = [f"+1555{number:07}" for number in range(CONTACTS)]
    message = inbound_form(_TEXT, from_="CONTACT", to=NUMBER, message_sid="SID").encode()
    for place in range(count):
        received_at = now - SPAN_S * (1 - place / count)
        contact, sid = dice.choice(contacts), f"SM{hashlib.md5(str(place).encode()).hexdigest()}"
        if dice.random() < 0.7:
            body = message.replace("CONTACT", f"%2B{contact[1:]}").replace("SID", sid)
            yield _message(dice, received_at, contact, sid, dice.choice(handlers), body), None
        else:
            yield _status(dice, received_at, contact, sid)


def _message(dice: random.Random, at: float, contact: str, sid: str, handler: str, body: str) -> Values:
    outcome = dice.choices(_OUTCOMES, _OUTCOME_WEIGHTS)[0]
    state = "failed" if outcome in ("failed", "killed") else "done"
    return _values("message", at, contact, sid, "", None, body, state, handler, outcome, None)


_OUTCOMES = ("replied", "silent", "unhandled", "failed", "looping", "overdue", "killed")
_OUTCOME_WEIGHTS = (960_000, 20_000, 18_960, 1_000, 30, 5, 5)


def _status(dice: random.Random, at: float, contact: str, sid: str) -> tuple[Values, Values]:
    status, _, code = dice.choices(_STATUSES, [weight for _, weight, _ in _STATUSES])[0]
    handler, outcome = "shop.delivery.track", "failed" if dice.random() < 0.001 else "handled"
    results = json.dumps({handler: "ok" if outcome == "handled" else "ValueError: no such order"})
    body = status_form(sid, status, error_code=code, to=contact).encode() if outcome == "failed" else f"{_STATUS}{sid}"
    row = _values("status", at, contact, sid, status, code, body, "done", handler, outcome, results)
    return row, (sid, status, progress(status), code, contact, NUMBER, "", at, at, at + _KEEP_S)


_STATUS = status_form("", "sent", fields={"filler": "x" * 120}).encode() + "&LastSid="


def _values(
    kind: str,
    at: float,
    contact: str,
    sid: str,
    status: str,
    code: int | None,
    body: str,
    state: str,
    handler: str,
    outcome: str,
    results: str | None,
) -> Values:
    """Return the values of all columns but the id."""
    endpoint = kind
    url = f"https://sms.example.com/{endpoint}".encode()
    key = hashlib.md5(f"{kind}{sid}".encode()).hexdigest()
    head = (key, kind, sid, contact, NUMBER, status, code, at, endpoint, "POST", f"{endpoint}?", url, _HEADERS)
    answer = (200, "text/xml; charset=utf-8", _ANSWER) if kind == "message" else (204, "", b"")
    return (*head, body.encode(), state, 0, *answer, handler, outcome, results, 3.5, key[:16], None, at + _KEEP_S)


def _fill_sqlite(url: str, rows: Sequence[Values], entries: Sequence[Values]) -> None:
    with sqlite3.connect(Path(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO exchanges ({_NAMES}) VALUES ({marks})", rows)
        marks = ", ".join("?" * len(entries[0]))
        connection.executemany(f"INSERT INTO ledger ({_LEDGER}) VALUES ({marks})", entries)
    connection.close()


def _fill_postgres(url: str, rows: Sequence[Values], entries: Sequence[Values]) -> None:
    with psycopg.connect(url) as connection:
        for table, names, values in (("exchanges", _NAMES, rows), ("ledger", _LEDGER, entries)):
            with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for each in values:
                    copy.write_row(each)


_NAMES = COLUMNS.partition(", ")[2]

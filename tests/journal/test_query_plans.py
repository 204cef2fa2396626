"""How SQLite finds rows: a large journal is only fast to use if no statement reads all of its exchanges."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.journal.program import Program, query
from tests.webhook_requests import SID
from twiml_app.caller.forms import inbound_form
from twiml_app.events import InboundMessage, parse_event
from twiml_app.journal.archive import Archive, Filter
from twiml_app.journal.engine import READ_S, WAIT_S, Engine
from twiml_app.journal.killed import collect_killed
from twiml_app.journal.ledger import Ledger
from twiml_app.journal.reachability_rows import last_text_at
from twiml_app.journal.rows import SELECT_ANSWERS, said_lately
from twiml_app.journal.stores import Execute, Operation, Row, T
from twiml_app.journal.upkeep import sweep

FIELDS: dict[str, Any] = {
    "since": 1.0,
    "status": "delivered",
    "handler": "_answer",
    "outcome": "replied",
    "contact": "+15005550001",
    "sid": SID,
    "failed": True,
}
SELECTIONS = [chosen for count in range(len(FIELDS) + 1) for chosen in combinations(FIELDS, count)]
#: The ways to find exchanges in a large journal: by one message or contact, or in an index that has all that is needed.
FAST = (
    "INTEGER PRIMARY KEY (rowid=?)",
    "INDEX exchanges_sid (sid=?",
    "INDEX exchanges_contact (contact=?",
    "INDEX sqlite_autoindex_exchanges_1 (key=?",
    "INDEX exchanges_keep (keep_until<?",
    "INDEX exchanges_attention",
    "COVERING INDEX",
)


class Recorded:
    """Runs statements, and records each with the number of its rows."""

    def __init__(self, execute: Execute, statements: list[tuple[str, Sequence[object], int]]) -> None:
        self._execute = execute
        self._statements = statements

    def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a statement and return its rows."""
        rows = self._execute(statement, parameters)
        self._statements.append((statement, parameters, len(rows)))
        return rows

    def count(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement that writes and return the number of rows."""
        written = self._execute.count(statement, parameters)
        self._statements.append((statement, parameters, written))
        return written


class Watched:
    """An engine that records each statement, with the number of rows that it returned."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.statements: list[tuple[str, Sequence[object], int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def read(self, operation: Operation[T], *, wait_s: float = READ_S) -> T:
        """Read, and record what is read."""
        return self._engine.read(lambda execute: operation(self._record(execute)), wait_s=wait_s)

    def run(self, operation: Operation[T], *, durable: bool = True, wait_s: float = WAIT_S) -> T:
        """Run an operation, and record its statements."""
        return self._engine.run(lambda execute: operation(self._record(execute)), durable=durable, wait_s=wait_s)

    def _record(self, execute: Execute) -> Execute:
        return Recorded(execute, self.statements)

    def plan(self, statement: str, parameters: Sequence[object]) -> list[Row]:
        """Return the steps of a statement."""
        return query(self._engine, f"EXPLAIN QUERY PLAN {statement}", parameters)

    def slow_steps(self) -> list[str]:
        """Return the steps of all statements that would read every exchange of a large journal."""
        return [
            step
            for statement, parameters, _ in self.statements
            if not statement.startswith("INSERT")
            for *_, step in self.plan(statement, parameters)
            if "exchanges" in step and not any(way in step for way in FAST)
        ]


@pytest.fixture
def watched(tmp_path: Path) -> Any:
    """Return the recorded engine of a SQLite journal with a message and a status callback."""
    program = Program(f"sqlite:///{tmp_path}/twiml.db")
    program.text()
    program.status("delivered", "SM2")
    program.alert()
    return Watched(program.engine)


@pytest.mark.parametrize("names", SELECTIONS, ids=lambda names: "+".join(names) or "everything")
def test_every_selection_of_exchanges_uses_an_index(watched: Any, names: tuple[str, ...]) -> None:
    """The planner knows nothing of how rare a value is, so there must be no bad choice for it."""
    wanted = Filter(**{name: FIELDS[name] for name in names})

    Archive(watched).latest(wanted, 30)
    Archive(watched).all(wanted)
    Archive(watched).to_retry(wanted)

    assert watched.slow_steps() == []


ACTIONS: dict[str, Callable[[Any], object]] = {
    "overview": lambda engine: Archive(engine).overview(),
    "show": lambda engine: Archive(engine).find(1),
    "erase": lambda engine: Archive(engine).erase("+15005550001"),
    "settle": lambda engine: Archive(engine).settle(1, {}, "handled"),
    "ledger": lambda engine: Ledger(engine).get("SM2"),
    "failed messages": lambda engine: Ledger(engine).failed_since(1.0),
    "collecting killed processes": lambda engine: collect_killed(engine, wait_s=WAIT_S),
    "sweep": lambda engine: engine.run(lambda execute: sweep(execute, time.time())),
    "answer for a fallback request": lambda engine: engine.read(
        lambda execute: execute(SELECT_ANSWERS, ("SM1", "message?"))
    ),
    "last text of a contact": lambda engine: engine.read(
        lambda execute: last_text_at(execute, "+15005550001", since=1.0, number="+15005550006")
    ),
    "what was said lately": lambda engine: engine.read(
        lambda execute: said_lately(execute, _message(), time.time(), 10)
    ),
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_every_action_uses_an_index(watched: Any, action: Callable[[Any], object]) -> None:
    """Some of them run while a webhook waits, or hold the lock that webhooks wait for."""
    action(watched)

    assert watched.statements
    assert watched.slow_steps() == []


def _message() -> InboundMessage:
    message = parse_event(inbound_form("hello"))
    assert isinstance(message, InboundMessage)
    return message


def test_list_is_read_from_the_index_of_exactly_what_it_selects(watched: Any) -> None:
    """Failed exchanges are few, and the others are found without reading their texts."""
    Archive(watched).latest(Filter(failed=True), 30)
    Archive(watched).latest(Filter(outcome="looping", handler="x"), 30)

    plans = [watched.plan(statement, given) for statement, given, _ in watched.statements]
    assert [[step for *_, step in plan if "SCAN" in step] for plan in plans] == [
        ["SCAN exchanges USING COVERING INDEX exchanges_attention"],
        ["SCAN exchanges USING COVERING INDEX exchanges_received"],
    ]


def test_no_statement_reads_more_than_a_page(watched: Any) -> None:
    """The whole journal may not fit into memory, and a long read keeps the write-ahead log growing."""
    row = Archive(watched).find(1)
    assert row is not None
    copies = [replace(row, key=f"copy {number}", received_at=row.received_at + number) for number in range(1200)]
    watched.run(lambda execute: [copy.insert(execute) for copy in copies])
    watched.statements.clear()

    assert len(Archive(watched).all(Filter())) == 1203
    assert max(count for _, _, count in watched.statements) == 500


def test_running_exchanges_are_looked_for_without_the_write_lock(watched: Any) -> None:
    """In a large journal that was not upgraded yet, this reads everything, and webhooks would wait for it."""
    in_transactions: list[str] = []
    run = watched._engine.run

    def watched_run(operation: Operation[T], **more: Any) -> T:
        before = len(watched.statements)
        value: T = run(lambda execute: operation(watched._record(execute)), **more)
        in_transactions.extend(statement for statement, _, _ in watched.statements[before:])
        return value

    watched.run = watched_run
    collect_killed(watched, wait_s=WAIT_S)

    assert not any(statement.startswith("SELECT") for statement in in_transactions)

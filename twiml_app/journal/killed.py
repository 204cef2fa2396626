"""What killed processes left behind: their requests become failed exchanges, so that somebody sees them."""

from __future__ import annotations

from .engine import Engine
from .rows import FAILED, KILLED, RUNNING, ExchangeRow
from .stores import Execute, Trace


def collect_killed(engine: Engine, *, wait_s: float) -> int:
    """Store the requests of dead processes as failed exchanges, and return how many there were.

    Raises: JournalUnavailable.
    """
    has_traces = engine.read(lambda _: bool(engine.store.traces()), wait_s=wait_s)
    collected = _collect_traces(engine, wait_s) if has_traces else 0
    # Without its index, this reads the whole journal, so nobody must wait for it.
    suspects = engine.read(lambda execute: _dead_exchanges(engine, execute), wait_s=wait_s)
    if suspects:
        engine.run(lambda execute: _end(engine, execute, suspects), wait_s=wait_s)
    return collected + len(suspects)


def _collect_traces(engine: Engine, wait_s: float) -> int:
    collected, traces = engine.run(lambda execute: _store_traces(engine, execute), wait_s=wait_s)
    for trace in traces:
        engine.store.remove_trace(trace)
    return collected


def _store_traces(engine: Engine, execute: Execute) -> tuple[int, list[Trace]]:
    traces = engine.store.traces()
    rows = [row for trace in traces for record in trace.records if (row := _read(record))]
    return sum(row.insert(execute) is not None for row in rows), traces


def _end(engine: Engine, execute: Execute, suspects: list[tuple[int, int]]) -> None:
    """End exchanges, unless their process is alive: it may have been new when it was looked for without a lock."""
    for exchange, owner in suspects:
        if not engine.store.is_alive(execute, owner):
            update = "UPDATE exchanges SET state = ?, outcome = ? WHERE id = ? AND state = ? AND owner = ?"
            execute(update, (FAILED, KILLED, exchange, RUNNING, owner))


def _read(record: bytes) -> ExchangeRow | None:
    """Return the row of a record, None if it was too long to be kept whole."""
    try:
        return ExchangeRow.of_trace(record)
    except (ValueError, TypeError):
        return None


def _dead_exchanges(engine: Engine, execute: Execute) -> list[tuple[int, int]]:
    """Return the ids and owners of exchanges that a dead process claimed."""
    # Not ordered, and with both conditions, so that SQLite reads the index of failed exchanges instead of all rows.
    running = "SELECT id, owner FROM exchanges WHERE state <> 'done' AND state = 'running' LIMIT 1000"
    found = execute(running)
    dead = {owner for owner in {owner for _, owner in found} if not engine.store.is_alive(execute, owner)}
    return [(exchange, owner) for exchange, owner in found if owner in dead]

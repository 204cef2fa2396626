"""The part of ``journal`` that is about work: rows for lists, one piece in full, and failed work run again."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import click

from ..journal import Engine, WorkArchive, WorkFilter, WorkRow
from ..logs import format_time, mask
from .output import print_json, print_table, printable

#: In front of the id of a piece of work, where exchanges have a number only.
PREFIX = "w"
_STATES = ("waiting", "running", "done", "failed")
_NUMBER = re.compile(r"\+?[0-9]{7,}")


def work_rows(engine: Engine, chosen: Mapping[str, Any], limit: int, *, unmasked: bool) -> list[dict[str, str]]:
    """Return the work that the filters of exchanges select, newest first, in the columns of exchanges."""
    wanted = work_filter(chosen)
    found = WorkArchive(engine).latest(wanted, limit) if wanted else []
    return [_row(work, unmasked) for work in found]


def work_filter(chosen: Mapping[str, Any]) -> WorkFilter | None:
    """Return the filter for work that belongs to the filters of exchanges; None if they select no work."""
    outcome = "failed" if chosen["failed"] else chosen["outcome"]
    if chosen["status"] or outcome not in (None, *_STATES) or chosen["outcome"] not in (None, outcome):
        return None
    return WorkFilter(
        since=chosen["since"],
        function=chosen["handler"],
        state=outcome,
        contact=chosen["contact"],
        origin=chosen["sid"],
    )


def _row(work: WorkRow, unmasked: bool) -> dict[str, str]:
    ended = work.attempts[-1] if work.history != "[]" else None
    return {
        "id": f"{PREFIX}{work.id}",
        "time": format_time(work.created_at)[:19] + "Z",
        "event": "schedule" if work.kind == "scheduled" else "work",
        "status": f"attempt {work.attempt}" if work.attempt else "",
        "contact": work.contact if unmasked else mask(work.contact),
        "handler": _shown(work.function),
        "outcome": work.state,
        "ms": f"{(ended.ended_at - ended.started_at) * 1000:.0f}" if ended else "0",
        "sid": work.origin,
    }


def _shown(function: str) -> str:
    return function.replace(":", ".").removeprefix("handlers.")


def show_work(engine: Engine, work_id: int, *, unmasked: bool, as_json: bool) -> None:
    """Print one piece of work.

    Raises: JournalUnavailable; click.ClickException, if there is none.
    """
    work = WorkArchive(engine).find(work_id)
    if work is None:
        raise click.ClickException(f"there is no work {PREFIX}{work_id}")
    if as_json:
        print_json(_as_json(work, unmasked))
        return
    click.echo(f"{_row(work, unmasked)['time']}  {work.kind}  {work.function}\n")
    shown = _as_json(work, unmasked)
    names = ("id", "state", "due", "contact", "number", "origin", "arguments")
    rows = {name: str(shown[name]) for name in names if shown.get(name)}
    width = max(map(len, rows))
    for name, value in rows.items():
        click.echo(f"  {name.ljust(width)}  {printable(value)}")
    click.echo()
    print_table([{name: str(value) for name, value in attempt.items()} for attempt in shown["attempts"]], indent="  ")
    if not unmasked:
        click.echo("\nAddresses are masked and arguments are left out: --unmasked shows them.")


def _as_json(work: WorkRow, unmasked: bool) -> dict[str, Any]:
    shown = (lambda text: text) if unmasked else mask
    attempts = [
        {
            "attempt": each.attempt,
            "started": format_time(each.started_at),
            "ms": round((each.ended_at - each.started_at) * 1000),
            "outcome": each.outcome,
            "error": each.error if unmasked else _NUMBER.sub(lambda found: mask(found[0]), each.error),
        }
        for each in work.attempts
    ]
    about = {"contact": shown(work.contact), "number": shown(work.number), "origin": work.origin}
    return {
        "id": work.key,
        "function": work.function,
        "state": work.state,
        "due": format_time(work.due_at) if work.state == "waiting" else "",
        **about,
        **({"arguments": work.arguments} if unmasked else {}),
        "attempts": attempts,
    }


def retry_work(engine: Engine, chosen: Mapping[str, Any]) -> int:
    """Let failed work that the filters select be run again, by the processes that run work; return how much it is.

    Raises: JournalUnavailable.
    """
    wanted = work_filter(dict(chosen) | {"failed": True})
    return WorkArchive(engine).retry(wanted, time.time()) if wanted else 0

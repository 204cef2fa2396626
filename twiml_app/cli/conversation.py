"""``conversation``: everything about one person: texts, state, work and sends; and let the handlers answer again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import click

from ..consent import OptOutList
from ..conversations import describe_dialog
from ..errors import TwimlError
from ..journal import (
    Archive,
    ConversationRow,
    ConversationStore,
    Engine,
    ExchangeRow,
    Filter,
    OptOut,
    SendArchive,
    SendFilter,
    WorkArchive,
    WorkFilter,
    opt_out_rows,
)
from ..logs import format_time, mask
from ..statuses import FAILURES, error_code
from ..twiml import MessagingResponse
from .common import find_state, plain_errors, project_settings
from .journal_access import collect_killed, find_engine, journal_option
from .output import json_option, print_json, print_table, printable


@click.command()
@click.argument("contact", metavar="PHONE")
@click.option("--resume", is_flag=True, help="Let the handlers answer again after hand_off().")
@click.option("--limit", default=100, show_default=True, help="How many of the latest texts, sends and pieces of work.")
@click.option("--unmasked", is_flag=True, help="Show our full numbers instead of masked ones.")
@journal_option
@json_option
def conversation(contact: str, resume: bool, limit: int, unmasked: bool, app_name: str | None, as_json: bool) -> None:
    """Show everything about one PHONE, oldest first.

    It lists texts, replies, failed deliveries, work and the messages that the application sent first, and then the
    stored state and opt-outs.

    \b
    Examples:
        twiml-app conversation +15005550001
        twiml-app conversation +15005550001 --resume
    """
    with plain_errors():
        state = find_state(app_name)
        engine = find_engine(state)
        if resume:
            resumed = ConversationStore(engine).resume(contact)
            click.echo(f"the handlers answer again: {resumed} resumed")
            return
        collect_killed(Archive(engine))
        lines = sorted(_lines(engine, contact, limit), key=lambda line: line["time"])[-limit:]
        states = [_state(row, unmasked) for row in ConversationStore(engine).all_of(contact)]
        known = OptOutList(engine, state.settings if state else project_settings()).of(contact)
    opted_out = [_opted_out(each, unmasked) for each in known]
    if as_json:
        print_json({"texts": lines, "conversations": states, "opt-outs": opted_out})
    else:
        _print_conversation(lines, states + opted_out)


def _print_conversation(lines: list[dict[str, str]], records: list[dict[str, Any]]) -> None:
    print_table(lines)
    for record in records:
        click.echo("\n" + "\n".join(f"{name}: {printable(_text(value))}" for name, value in record.items()))
    if not lines and not records:
        click.echo("nothing is known about this number")


def _lines(engine: Engine, contact: str, limit: int) -> Iterator[dict[str, str]]:
    """Yield what was said and done, in any order."""
    for kept in Archive(engine).latest(Filter(contact=contact), limit):
        yield from _exchange(kept)
    for sent in SendArchive(engine).latest(SendFilter(contact=contact), limit):
        yield _line(sent.created_at, "send", sent.state, sent.body or sent.template)
    for work in WorkArchive(engine).latest(WorkFilter(contact=contact), limit):
        yield _line(work.created_at, "work", work.state, work.function)


def _exchange(kept: ExchangeRow) -> Iterator[dict[str, str]]:
    """Yield a text and its replies, or a delivery that failed."""
    if kept.message_status in FAILURES:
        known = error_code(kept.error_code or 0)
        problem = f"{kept.error_code or ''} {known.meaning if known else ''}".strip()
        yield _line(kept.received_at, "delivery", kept.message_status, problem)
    if kept.kind != "message":
        return
    exchange = kept.exchange
    body = exchange.form.get("Body", "") if exchange else "(the text was not kept)"
    yield _line(kept.received_at, "text", kept.shown_outcome, body)
    for reply in _replies(kept):
        yield _line(kept.received_at + (kept.milliseconds or 0) / 1000, "reply", "", reply)


def _replies(kept: ExchangeRow) -> list[str]:
    """Return the texts of the replies; none for an answer that is not TwiML."""
    if "xml" not in (kept.answer_type or ""):
        return []
    try:
        return [message.text for message in MessagingResponse.parse(bytes(kept.answer or b"")).messages]
    except TwimlError:
        return []


def _line(at: float, what: str, outcome: str, text: str) -> dict[str, str]:
    return {"time": format_time(at), "what": what, "outcome": outcome, "text": text.replace("\n", " ")}


def _state(row: ConversationRow, unmasked: bool) -> dict[str, Any]:
    now = time.time()
    is_alive = row.expires_at > now
    return {
        "sender": row.sender if unmasked else mask(row.sender),
        "state": json.loads(row.state) if is_alive else {},
        "expires": format_time(row.expires_at) if is_alive else None,
        "dialog": describe_dialog(row.dialog) if row.dialog else None,
        "handed off until": format_time(row.handed_off_until) if row.handed_off_until > now else None,
    }


def _opted_out(row: OptOut, unmasked: bool) -> dict[str, Any]:
    every = row.sender == opt_out_rows.EVERY_SENDER
    return {
        "opted out of": "all senders" if every else row.sender if unmasked else mask(row.sender),
        "since": format_time(row.created_at),
        "by": row.source,
        "reason": row.reason,
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "–" if value is None else json.dumps(value, ensure_ascii=False)

"""``conversation``: everything about one person: texts, state, work and sends; and let the handlers answer again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import click

from ..conversations import describe_dialog
from ..errors import TwimlError
from ..journal import (
    Archive,
    ConversationRow,
    ConversationStore,
    Engine,
    ExchangeRow,
    Filter,
    SendArchive,
    SendFilter,
    WorkArchive,
    WorkFilter,
)
from ..logs import format_time, mask
from ..twiml import MessagingResponse
from .common import find_state, plain_errors
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

    It lists texts, replies, work and the messages that the application sent first, and then the stored state.

    \b
    Examples:
        twiml-app conversation +15005550001
        twiml-app conversation +15005550001 --resume
    """
    with plain_errors():
        engine = find_engine(find_state(app_name))
        if resume:
            resumed = ConversationStore(engine).resume(contact)
            click.echo(f"the handlers answer again: {resumed} resumed")
            return
        collect_killed(Archive(engine))
        lines = sorted(_lines(engine, contact, limit), key=lambda line: line["time"])[-limit:]
        states = [_state(row, unmasked) for row in ConversationStore(engine).all_of(contact)]
    if as_json:
        print_json({"texts": lines, "conversations": states})
        return
    print_table(lines)
    for state in states:
        click.echo("\n" + "\n".join(f"{name}: {printable(_text(value))}" for name, value in state.items()))
    if not lines and not states:
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


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "–" if value is None else json.dumps(value, ensure_ascii=False)

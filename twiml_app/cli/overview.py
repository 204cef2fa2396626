"""``overview`` and ``ledger``: a summary of the journal, and the delivery of one message."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import click

from ..journal import (
    Archive,
    Ledger,
    LedgerEntry,
    Overview,
    SendArchive,
    SendCounts,
    WorkArchive,
    WorkCounts,
    sqlite_path,
)
from ..logs import format_time
from ..statuses import error_code
from .common import find_state, plain_errors, project_settings
from .journal_access import DEV_DATABASE_URL, collect_killed, find_engine, has_dev_journal, journal_option
from .output import json_option, print_json, print_table, printable

_ADVICE = {
    "retry": "sending it again later may succeed",
    "permanent": "it will fail again for this message or recipient",
    "configuration": "something has to be set up or registered first",
    "warning": "a warning",
}


@click.command()
@click.argument("sid")
@journal_option
@json_option
def ledger(sid: str, app_name: str | None, as_json: bool) -> None:
    """Show the delivery status of a message, and its history.

    \b
    Example:
        twiml-app ledger SM0123456789abcdef0123456789abcdef
    """
    with plain_errors():
        entry = Ledger(find_engine(find_state(app_name))).get(sid)
    if entry is None:
        raise click.ClickException(f"no status callback received for {sid}")
    if as_json:
        history = [[format_time(each.received_at), each.status, each.error_code] for each in entry.history]
        print_json({"sid": sid, "status": entry.status, "error_code": entry.error_code, "history": history})
    else:
        _print_entry(sid, entry)


def _print_entry(sid: str, entry: LedgerEntry) -> None:
    known = error_code(entry.error_code or 0)
    code = f", error {entry.error_code}{f' ({known.meaning})' if known else ''}" if entry.error_code else ""
    click.echo(f"{sid}  {entry.status}{code}")
    if known:
        click.echo(f"  {_ADVICE[known.advice]}, {known.address}")
    click.echo()
    rows = [
        {"time": format_time(each.received_at), "status": each.status, "error": str(each.error_code or "")}
        for each in entry.history
    ]
    print_table(rows, indent="  ")


@click.command()
@journal_option
@json_option
def overview(app_name: str | None, as_json: bool) -> None:
    """Show what arrived last, what failed and what was refused.

    It counts failures, refusals and error codes, and names the commands that say more about them.

    \b
    Example:
        twiml-app overview
    """
    with plain_errors():
        engine = find_engine(find_state(app_name))
        archive = Archive(engine)
        collect_killed(archive)
        found = archive.overview()
        rows = _received(found) | _work(WorkArchive(engine).counts(time.time())) | _sends(SendArchive(engine).counts())
    codes = {str(code): times for code, times in found.top_error_codes}
    if as_json:
        print_json(rows | {"error codes": codes})
        return
    _print_overview(rows, codes)
    click.echo("\nTo find out more:\n")
    if not (found.exchanges or app_name) and _has_dev_journal():
        click.echo(f"What `twiml-app dev` has received: TWIML_DATABASE_URL={DEV_DATABASE_URL} twiml-app overview\n")
    of_app = f" --app {app_name}" if app_name else ""
    print_table([{"command": command + of_app, "question": question} for command, question in _next_commands(found)])


def _has_dev_journal() -> bool:
    return has_dev_journal(sqlite_path(project_settings().database_url, Path.cwd()), Path.cwd())


def _received(found: Overview) -> dict[str, str]:
    """Return the lines about webhooks."""
    refusal = found.last_refusal
    return {
        "last inbound message": format_time(found.last_inbound_at) if found.last_inbound_at else "never",
        "exchanges": str(found.exchanges),
        "failed handlers": str(found.failed),
        "overdue answers": str(found.overdue),
        "killed workers": str(found.killed),
        "unfinished": str(found.unfinished),
        "alerts of Twilio": str(found.alerts),
        "last alert": _alert_text(found.last_alert),
        "refused": str(found.refused),
        "opted-out contacts": str(found.opted_out),
        "last refusal": f"{format_time(refusal.received_at)} {refusal.status}: {refusal.reason}" if refusal else "none",
    }


def _next_commands(found: Overview) -> Iterator[tuple[str, str]]:
    """Yield the commands that say more, each with the question that it answers."""
    if found.failed or found.overdue or found.killed:
        yield "twiml-app journal list --failed", "which handlers failed, or answered too late?"
    if found.last_refusal:
        yield "twiml-app explain --last", "why was the last request refused?"
    if found.last_inbound_at:
        yield "twiml-app conversation PHONE", "why does this person get no answer?"
    yield "twiml-app check --url URL", "can Twilio reach the app with the URL that is set in its console?"


def _alert_text(alert: tuple[float, str, int | None] | None) -> str:
    """Return the last alert in one line."""
    if alert is None:
        return "none"
    received_at, level, code = alert
    known = error_code(code or 0)
    return f"{format_time(received_at)} {printable(level)} {code or ''}{f', {known.meaning}' if known else ''}".rstrip()


def _work(counts: WorkCounts) -> dict[str, str]:
    """Return the lines about work."""
    return {
        "work waiting": str(counts.waiting),
        "work overdue since": format_time(counts.overdue_since) if counts.overdue_since else "never",
        "work running": str(counts.running),
        "work failed": str(counts.failed),
        "work processes": str(counts.workers),
        "last sign of life": format_time(counts.last_seen_at) if counts.last_seen_at else "never",
    }


def _sends(counts: SendCounts) -> dict[str, str]:
    """Return the lines about messages that the application sends first; none without any."""
    if not any((counts.waiting, counts.failed, counts.unknown, counts.pauses)):
        return {}
    return {
        "sends waiting": f"{counts.waiting}{', some paused' if counts.pauses else ''}",
        "sends failed": str(counts.failed),
        "sends unknown": str(counts.unknown),
    }


def _print_overview(rows: dict[str, str], codes: dict[str, int]) -> None:
    width = max(map(len, rows))
    for name, value in rows.items():
        click.echo(f"{name.ljust(width)}  {value}")
    for code, times in codes.items():
        known = error_code(int(code))
        often = "once" if times == 1 else f"{times} times"
        click.echo(f"{'error ' + code:{width}}  {often}{f', {known.meaning}' if known else ''}")

"""``journal``: erase, upgrade and retry."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import click

from ..alerts import Alert
from ..app import state_of
from ..events import StatusCallback, parse_event
from ..journal import Archive, Engine, ExchangeRow, Filter, Index, Ledger, SendArchive, metadata_of
from ..receiver import StatusResults, handlers_to_notify, run_handlers
from ..recordings import Exchange
from ..routing import Router
from ..statuses import progress
from ..webhook import Form
from .common import app_option, find_state, plain_errors, secret_keys
from .journal import filters, sends_like
from .journal_access import find_engine, journal_option
from .journal_work import retry_work
from .output import printable
from .printed import printed_aside
from .trial import find_app


@click.command()
@click.argument("contact", metavar="PHONE")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@journal_option
def erase(contact: str, yes: bool, app_name: str | None) -> None:
    """Delete everything about one PHONE permanently.

    If it has opted out, a hash of its address remains, so that it still gets nothing.

    \b
    Example:
        twiml-app journal erase +15005550001
    """
    if not yes:
        click.confirm(f"Delete everything about {contact}?", abort=True)
    with plain_errors():
        state = find_state(app_name)
        erased = Archive(find_engine(state)).erase(contact, secret_keys(state))
    click.echo(f"{erased.rows} rows deleted")
    if not erased.is_finished:
        click.echo(
            "A process that reads the journal still holds deleted texts. The application removes them from the disk"
            " within a minute of its end; without a running application, run this command again."
        )
    raise SystemExit(0 if erased.rows else 1)


@click.command()
@journal_option
def upgrade(app_name: str | None) -> None:
    """Build the indexes that a large old journal lacks.

    Small journals of an earlier release are upgraded when they are opened. With SQLite nobody can write while an index
    is built, so do this when few messages arrive; with PostgreSQL the application continues to serve.

    \b
    Example:
        twiml-app journal upgrade
    """
    with plain_errors():
        engine = find_engine(find_state(app_name))
        missing = engine.missing_indexes()
        if not missing:
            click.echo("nothing to do: the journal is up to date")
            return
        with click.progressbar(missing, label="building indexes", item_show_func=_index_name) as indexes:
            for index in indexes:
                engine.build_index(index)
    click.echo(f"{len(missing)} indexes built")


def _index_name(index: Index | None) -> str:
    return index.name if index else ""


@click.command()
@filters
@app_option
def retry(app_name: str | None, **chosen: Any) -> None:
    """Run again what has failed: handlers, work and sends.

    That is the handlers of status callbacks and alerts, work that was given up, and messages that Twilio refused.
    Handlers that succeeded are skipped. Work is run by the processes that run work. Messages of unknown outcome are not
    sent again.

    \b
    Example:
        twiml-app journal retry --since 1d
    """
    with plain_errors():
        app = find_app(app_name, with_journal=True)
        engine = find_engine(state_of(app))
        archive = Archive(engine)
        to_retry = [kept for kept in archive.to_retry(Filter(**chosen)) if kept.exchange]
        _send_again(engine, chosen)
    failed = 0
    with app.app_context():
        for kept in to_retry:
            with printed_aside():
                results, effects = _run_again(state_of(app).router, engine, kept)
            outcome = "handled" if all(result == "ok" for result in results.values()) else "failed"
            failed += outcome == "failed"
            archive.settle(kept.id, results, outcome, effects)
            click.echo(f"{kept.id}  {kept.sid}  {kept.message_status}  {outcome}")
            for name, result in results.items():
                click.echo(f"    {name}: {printable(result)}")
    with plain_errors():
        if count := retry_work(engine, chosen):
            click.echo(f"{count} pieces of work will be run again")
    click.echo(f"{len(to_retry)} retried, {failed} failed again")
    raise SystemExit(1 if failed else 0)


def _send_again(engine: Engine, chosen: Mapping[str, Any]) -> None:
    """Let sends that failed wait again."""
    if wanted := sends_like({**chosen, "failed": True}):
        count = SendArchive(engine).retry(wanted, time.time())
        if count:
            click.echo(f"{count} sends wait again")


def _run_again(router: Router, engine: Engine, kept: ExchangeRow) -> StatusResults:
    """Run the handlers of a status callback or an alert that did not succeed."""
    exchange = cast(Exchange, kept.exchange)
    query = Form.read(exchange.url.partition("?")[2], max_fields=len(exchange.url), strict=False)
    event = cast(StatusCallback | Alert, parse_event(exchange.form, query))
    if isinstance(event, StatusCallback):
        event = _as_it_was(engine, event)
    return run_handlers(handlers_to_notify(router, event), event, exchange.results)


def _as_it_was(engine: Engine, event: StatusCallback) -> StatusCallback:
    """Return a status callback with what the journal knows about its message."""
    entry = Ledger(engine).get(event.message_sid)
    late = entry is not None and progress(entry.status) > progress(event.message_status)
    metadata = engine.read(lambda execute: metadata_of(execute, event.send_id)) if event.send_id else {}
    return replace(event, late=late, metadata=metadata)

"""``journal``: erase, upgrade and retry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import click

from ..alerts import Alert
from ..app import state_of
from ..events import StatusCallback, parse_event
from ..journal import Archive, ExchangeRow, Filter, Index, Ledger
from ..receiver import StatusResults, handlers_to_notify, run_handlers
from ..recordings import Exchange
from ..routing import Router
from ..statuses import progress
from ..webhook import Form
from .common import app_option, find_app, find_engine, find_state, journal_option, plain_errors, printable, secret_keys
from .journal import filters, journal
from .journal_work import retry_work

__all__ = ["journal"]


@journal.command()
@click.argument("contact", metavar="PHONE")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@journal_option
def erase(contact: str, yes: bool, app_name: str | None) -> None:
    """Delete everything about one PHONE permanently; of its opt-outs a hash remains, so that it still gets nothing.

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


@journal.command()
@journal_option
def upgrade(app_name: str | None) -> None:
    """Build the indexes that a large journal of an earlier release lacks.

    Small journals are upgraded when they are opened. With SQLite nobody can write while an index is built, so do this
    when few messages arrive; with PostgreSQL the application continues to serve.

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


@journal.command()
@filters
@app_option
def retry(app_name: str | None, **chosen: Any) -> None:
    """Re-run the handlers of status callbacks and alerts that failed, and let work run again that was given up.

    Handlers that succeeded are skipped. Work is run by the processes that run work.

    \b
    Example:
        twiml-app journal retry --since 1d
    """
    with plain_errors():
        app = find_app(app_name, with_journal=True)
        engine = find_engine(state_of(app))
        archive, ledger = Archive(engine), Ledger(engine)
        to_retry = [kept for kept in archive.to_retry(Filter(**chosen)) if kept.exchange]
    failed = 0
    with app.app_context():
        for kept in to_retry:
            results, effects = _run_again(state_of(app).router, ledger, kept)
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


def _run_again(router: Router, ledger: Ledger, kept: ExchangeRow) -> StatusResults:
    """Run the handlers of a status callback or an alert that did not succeed."""
    exchange = cast(Exchange, kept.exchange)
    query = Form.read(exchange.url.partition("?")[2], max_fields=len(exchange.url), strict=False)
    event = cast(StatusCallback | Alert, parse_event(exchange.form, query))
    if isinstance(event, StatusCallback):
        entry = ledger.get(kept.sid)
        event = replace(event, late=entry is not None and progress(entry.status) > progress(event.message_status))
    return run_handlers(handlers_to_notify(router, event), event, exchange.results)

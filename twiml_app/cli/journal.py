"""``journal``: list, show, export, import, erase and retry exchanges."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import click

from ..app import TwimlState, state_of
from ..events import StatusCallback, parse_event
from ..journal import Archive, ExchangeRow, Filter, Ledger
from ..logs import format_time, mask
from ..receiver import run_status_handlers
from ..recordings import Exchange, Scrubber, read_file, write_file, write_line
from ..routing import Router
from ..statuses import progress
from ..webhook import Form
from .common import (
    app_option,
    find_app,
    find_engine,
    find_state,
    journal_option,
    json_option,
    plain_errors,
    print_json,
    print_table,
    printable,
    project_settings,
)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Since(click.ParamType[float]):
    """A time: ``2h``, ``3d``, or an ISO date and time (in UTC, unless it has an offset)."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds since 1970."""
        if isinstance(value, float):
            return value
        if found := re.fullmatch(r"(\d+)([smhd])", value):
            return time.time() - int(found[1]) * _UNITS[found[2]]
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time: give 2h, 3d, or 2026-11-21T08:00Z", param, ctx)
        return (moment if moment.tzinfo else datetime.fromisoformat(f"{moment.isoformat()}+00:00")).timestamp()


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that select exchanges."""
    for option in (
        click.option(
            "--failed", is_flag=True, help="Only those whose handler failed, answered too late, or never finished."
        ),
        click.option("--contact", metavar="PHONE", help="The other person's address."),
        click.option("--sid", help="MessageSid."),
        click.option("--outcome", help="replied, silent, failed, overdue, unhandled …"),
        click.option("--handler", help="Part of a handler's name."),
        click.option("--status", help="MessageStatus of a status callback."),
        click.option("--since", type=Since(), help="Not older than 2h, 3d, or a date and time."),
    ):
        command = option(command)
    return command


@click.group()
def journal() -> None:
    """Inspect and manage the journal of received webhooks.

    \b
    Examples:
        twiml-app journal list --since 2h --failed
        twiml-app journal show 12
        twiml-app journal export traffic.jsonl --since 1d
    """


@journal.command("list")
@filters
@click.option("--limit", default=30, show_default=True, help="Maximum number of exchanges, newest first.")
@click.option("--unmasked", is_flag=True, help="Show full addresses instead of masked ones.")
@journal_option
@json_option
def list_(limit: int, unmasked: bool, app_name: str | None, as_json: bool, **chosen: Any) -> None:
    """List exchanges, newest first.

    \b
    Example:
        twiml-app journal list --since 2h --failed
    """
    with plain_errors():
        found = Archive(find_engine(find_state(app_name))).latest(Filter(**chosen), limit)
    rows = [_exchange_row(kept, unmasked) for kept in found]
    if as_json:
        print_json(rows)
        return
    print_table(rows)
    if not rows:
        click.echo("no exchange matches" if any(chosen.values()) else "nothing was received yet")


def _exchange_row(kept: ExchangeRow, unmasked: bool) -> dict[str, str]:
    shown = str if unmasked else mask
    what = kept.message_status + (f" {kept.error_code}" if kept.error_code else "")
    return {
        "id": str(kept.id),
        "time": format_time(kept.received_at)[:19] + "Z",
        "event": kept.kind,
        "status": what.strip(),
        "contact": shown(kept.contact),
        "handler": kept.handler.removeprefix("handlers."),
        "outcome": kept.shown_outcome,
        "ms": f"{kept.milliseconds or 0:.0f}",
        "sid": kept.sid,
    }


@journal.command()
@click.argument("exchange_id", metavar="ID", type=int)
@click.option("--unmasked", is_flag=True, help="Show real addresses, sids and names instead of fictitious ones.")
@journal_option
@json_option
def show(exchange_id: int, unmasked: bool, app_name: str | None, as_json: bool) -> None:
    """Show one exchange: the request, the answer, and the handler.

    \b
    Example:
        twiml-app journal show 12
    """
    with plain_errors():
        state = find_state(app_name)
        kept = Archive(find_engine(state)).find(exchange_id)
    if kept is None:
        raise click.ClickException(f"there is no exchange {exchange_id}")
    if kept.exchange is None:
        raise click.ClickException(f"exchange {exchange_id} is stored without its request (TWIML_RECORD)")
    with plain_errors():
        exchange = kept.exchange if unmasked else Scrubber(_scrub_key(state)).scrub([kept.exchange])[0]
    if as_json:
        click.echo(write_line(exchange))
        return
    _print_exchange(exchange, kept)
    if not unmasked:
        click.echo("\nAddresses, sids and names are fictitious: --unmasked shows the real ones.")


def _print_exchange(exchange: Exchange, kept: ExchangeRow) -> None:
    click.echo(f"{exchange.time}  {exchange.kind}  {exchange.method} {exchange.url}\n")
    width = max(map(len, exchange.form), default=0)
    for name, value in exchange.form.items():
        click.echo(f"  {name.ljust(width)}  {printable(value)}")
    click.echo(f"\n{exchange.handler or '(no handler)'}: {kept.shown_outcome}, {exchange.milliseconds:.1f} ms")
    for handler, result in exchange.results.items():
        click.echo(f"  {handler}: {result}")
    click.echo(f"\n{exchange.answer.status} {exchange.answer.content_type}")
    if exchange.answer.body:
        click.echo(printable(exchange.answer.body.decode("utf-8", "replace")))


@journal.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@filters
@click.option("--scrub-own-numbers", is_flag=True, help="Replace our own numbers too.")
@click.option(
    "--redact-bodies", is_flag=True, help="Replace message bodies with x's (replays will then show differences)."
)
@journal_option
def export(
    file: Path | None, scrub_own_numbers: bool, redact_bodies: bool, app_name: str | None, **chosen: Any
) -> None:
    """Export exchanges as a recording to FILE or standard output; addresses, sids and names become fictitious.

    \b
    Example:
        twiml-app journal export tests/recordings/orders.jsonl --handler orders
    """
    with plain_errors():
        state = find_state(app_name)
        found = Archive(find_engine(state)).all(Filter(**chosen))
        exchanges = [kept.exchange for kept in found if kept.exchange and _is_repeatable(kept)]
        scrubber = Scrubber(_scrub_key(state), scrub_own_numbers=scrub_own_numbers, redact_bodies=redact_bodies)
        scrubbed = scrubber.scrub(exchanges)
        if file is None:
            click.echo("".join(f"{write_line(exchange)}\n" for exchange in scrubbed), nl=False)
            return
        write_file(file, scrubbed)
    left_out = len(found) - len(exchanges)
    why = f"; {left_out} left out: stored without their request, unfinished, or silenced as a loop" if left_out else ""
    click.echo(f"{len(scrubbed)} exchanges in {file}{why}")


def _is_repeatable(kept: ExchangeRow) -> bool:
    """Return whether a replay can give the same answer: not if it is unfinished or was silenced as a loop."""
    return kept.state != "running" and kept.shown_outcome != "looping"


def _scrub_key(state: TwimlState | None) -> str:
    """Return the key that makes fictitious numbers the same every time; the senders of texts must not know it.

    Raises: ConfigurationError, if no secret is configured to derive it from.
    """
    settings = state.settings if state else project_settings(needs_secrets=True)
    return settings.secret_keys[0]


@journal.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@journal_option
def import_(files: tuple[Path, ...], app_name: str | None) -> None:
    """Import recordings into the journal.

    \b
    Example:
        twiml-app journal import traffic.jsonl
    """
    with plain_errors():
        exchanges = [exchange for file in files for exchange in read_file(file)]
        state = find_state(app_name)
        settings = state.settings if state else project_settings()
        keep_until = time.time() + settings.retention_days * 86400
        added = Archive(find_engine(state, to_fill=True)).add(exchanges, keep_until=keep_until)
    click.echo(f"{added} of {len(exchanges)} exchanges were new")


@journal.command()
@click.argument("contact", metavar="PHONE")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@journal_option
def erase(contact: str, yes: bool, app_name: str | None) -> None:
    """Delete everything about one PHONE permanently.

    \b
    Example:
        twiml-app journal erase +15005550001
    """
    if not yes:
        click.confirm(f"Delete everything about {contact}?", abort=True)
    with plain_errors():
        erased = Archive(find_engine(find_state(app_name))).erase(contact)
    click.echo(f"{erased} rows deleted")
    raise SystemExit(0 if erased else 1)


@journal.command()
@filters
@app_option
def retry(app_name: str | None, **chosen: Any) -> None:
    """Re-run status handlers that failed; handlers that succeeded are skipped.

    \b
    Example:
        twiml-app journal retry --since 1d
    """
    with plain_errors():
        app = find_app(app_name)
        engine = find_engine(state_of(app) if app_name else None)
        archive, ledger = Archive(engine), Ledger(engine)
        to_retry = [kept for kept in archive.to_retry(Filter(**chosen)) if kept.exchange]
    failed = 0
    with app.app_context():
        for kept in to_retry:
            results = _run_again(state_of(app).router, ledger, kept)
            outcome = "handled" if all(result == "ok" for result in results.values()) else "failed"
            failed += outcome == "failed"
            archive.settle(kept.id, results, outcome)
            click.echo(f"{kept.id}  {kept.sid}  {kept.message_status}  {outcome}")
            for name, result in results.items():
                click.echo(f"    {name}: {printable(result)}")
    click.echo(f"{len(to_retry)} retried, {failed} failed again")
    raise SystemExit(1 if failed else 0)


def _run_again(router: Router, ledger: Ledger, kept: ExchangeRow) -> dict[str, str]:
    """Run the handlers of a status callback that did not succeed, and return the result of each."""
    exchange = cast(Exchange, kept.exchange)
    query = Form.read(exchange.url.partition("?")[2], max_fields=len(exchange.url), strict=False)
    event = cast(StatusCallback, parse_event(exchange.form, query))
    entry = ledger.get(kept.sid)
    late = entry is not None and progress(entry.status) > progress(event.message_status)
    return run_status_handlers(router.status_handlers(event), replace(event, late=late), exchange.results)

"""``journal``: list and show what is stored, export and import exchanges."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import click

from ..assembly import TwimlState
from ..journal import Archive, Engine, ExchangeRow, Filter, SendArchive, SendFilter, SendRow
from ..logs import format_time, mask
from ..recordings import Exchange, Scrubber, write_line
from .common import find_state, plain_errors, project_settings
from .journal_access import collect_killed, find_engine, journal_option
from .journal_work import PREFIX, show_work, work_rows
from .output import json_option, print_json, print_table, printable

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


class RowId(click.ParamType[tuple[str, int]]):
    """An id in a list: a number for an exchange, and a letter in front of it for anything else."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Return the letter and the number."""
        found = re.fullmatch(rf"({PREFIX}?)([0-9]{{1,18}})", value)
        if not found:
            self.fail(f"{value!r} is not an id: give a number, or {PREFIX} and a number for work", param, ctx)
        return found[1], int(found[2])


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that select exchanges."""
    for option in (
        click.option(
            "--failed", is_flag=True, help="Only those whose handler failed, answered too late, or killed its worker."
        ),
        click.option("--contact", metavar="PHONE", help="The other person's address."),
        click.option("--sid", help="MessageSid."),
        click.option("--outcome", help="replied, silent, failed, overdue, killed, unhandled …"),
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
    """List exchanges and work, newest first.

    \b
    Example:
        twiml-app journal list --since 2h --failed
    """
    with plain_errors():
        engine = find_engine(find_state(app_name))
        archive = Archive(engine)
        collect_killed(archive)
        found = archive.latest(Filter(**chosen), limit)
        failed_sends = SendArchive(engine).latest(wanted, limit) if (wanted := sends_like(chosen)) else []
        rows = [_exchange_row(kept, unmasked) for kept in found] + [_send_row(sent, unmasked) for sent in failed_sends]
        rows += work_rows(engine, chosen, limit, unmasked=unmasked)
    rows = sorted(rows, key=lambda row: row["time"], reverse=True)[:limit]
    if as_json:
        print_json(rows)
        return
    print_table(rows)
    if not rows:
        click.echo("nothing matches" if any(chosen.values()) else "nothing was received yet")


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


def sends_like(chosen: Mapping[str, Any]) -> SendFilter | None:
    """Return the failed sends that belong into a list of failed exchanges; None if the list is of something else."""
    if not chosen["failed"] or any(chosen[name] for name in ("outcome", "handler", "status")):
        return None
    return SendFilter(failed=True, since=chosen["since"], contact=chosen["contact"], sid=chosen["sid"])


def _send_row(sent: SendRow, unmasked: bool) -> dict[str, str]:
    return {
        "id": sent.id,
        "time": format_time(sent.updated_at)[:19] + "Z",
        "event": "send",
        "status": str(sent.error_code or ""),
        "contact": str(sent.contact) if unmasked else mask(sent.contact),
        "handler": "",
        "outcome": sent.state,
        "ms": "",
        "sid": sent.message_sid or sent.probable_sid,
    }


@journal.command()
@click.argument("row_id", metavar="ID", type=RowId())
@click.option("--unmasked", is_flag=True, help="Show real addresses, sids and names instead of fictitious ones.")
@journal_option
@json_option
def show(row_id: tuple[str, int], unmasked: bool, app_name: str | None, as_json: bool) -> None:
    """Show one exchange: the request, the answer, and the handler.

    An ID that begins with w shows a piece of work instead.

    \b
    Examples:
        twiml-app journal show 12
        twiml-app journal show w3
    """
    prefix, exchange_id = row_id
    with plain_errors():
        state = find_state(app_name)
        engine = find_engine(state)
        if prefix:
            show_work(engine, exchange_id, unmasked=unmasked, as_json=as_json)
            return
        kept, exchange = _find(engine, exchange_id)
        if not unmasked:
            (exchange,) = Scrubber(scrub_key(state)).scrub([exchange])
    if as_json:
        click.echo(write_line(exchange))
        return
    _print_exchange(exchange, kept)
    if not unmasked:
        click.echo("\nAddresses, sids, names and secrets are fictitious: --unmasked shows the real ones.")


def _find(engine: Engine, exchange_id: int) -> tuple[ExchangeRow, Exchange]:
    """Return a row, and the exchange in it.

    Raises: JournalUnavailable; click.ClickException, if there is none.
    """
    kept = Archive(engine).find(exchange_id)
    if kept is None:
        raise click.ClickException(f"there is no exchange {exchange_id}")
    if kept.exchange is None:
        raise click.ClickException(f"exchange {exchange_id} is stored without its request (TWIML_RECORD)")
    return kept, kept.exchange


def _print_exchange(exchange: Exchange, kept: ExchangeRow) -> None:
    click.echo(f"{exchange.time}  {exchange.kind}  {exchange.method} {exchange.url}\n")
    width = max(map(len, exchange.form), default=0)
    for name, value in exchange.form.items():
        click.echo(f"  {name.ljust(width)}  {printable(value)}")
    click.echo(f"\n{exchange.handler or '(no handler)'}: {kept.shown_outcome}, {exchange.milliseconds:.1f} ms")
    for handler, result in exchange.results.items():
        click.echo(f"  {handler}: {result}")
    if kept.shown_outcome == "failed" and not exchange.results:
        click.echo(f"  its exception is in the log, at about {exchange.time}")
    for effect in exchange.effects or ():
        click.echo(f"  asked for {printable(json.dumps(effect, ensure_ascii=False))}")
    click.echo(f"\n{exchange.answer.status} {exchange.answer.content_type}")
    if exchange.answer.body:
        click.echo(printable(exchange.answer.body.decode("utf-8", "replace")))


def scrub_key(state: TwimlState | None) -> str:
    """Return the key that makes fictitious numbers the same every time; the senders of texts must not know it.

    Raises: ConfigurationError, if no secret is configured to derive it from.
    """
    settings = state.settings if state else project_settings(needs_secrets=True)
    return settings.secret_keys[0]

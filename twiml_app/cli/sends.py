"""``send`` and ``sends``: send a message, and list, pause, resume and cancel messages that wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import Flask

from ..addresses import sender_address
from ..app import Twiml, state_of
from ..journal import Pause, SendArchive, SendFilter, SendRow
from ..logs import format_time, mask
from ..routing import Router
from ..sending import Sending, send
from .common import find_state, import_app, plain_errors, project_settings, project_values
from .journal_access import find_engine, journal_option
from .output import json_option, print_json, print_table, printable

#: How long ``send`` waits for the pace of its sender, in seconds.
_WAIT_S = 5.0
_STATES = ("waiting", "leaving", "accepted", "unknown", "failed", "refused", "cancelled", "expired")


@click.command("send")
@click.argument("contact", metavar="PHONE")
@click.argument("body", metavar="TEXT")
@click.option("--from", "from_", default="", metavar="SENDER", help="A number, or a service.  [default: TWIML_FROM]")
@click.option("--media", multiple=True, metavar="URL", help="URL of a media file; repeatable.")
@click.option("--key", default="", help="Send nothing if this key was used before.")
@journal_option
@json_option
def send_command(
    contact: str, body: str, from_: str, media: tuple[str, ...], key: str, app_name: str | None, as_json: bool
) -> None:
    """Send TEXT to PHONE now, through Twilio's API.

    It is checked, paced and stored like a message of the application. The exit status is 1 if it could not be sent.

    \b
    Example:
        twiml-app send +15558675310 "We open at ten today."
    """
    with plain_errors():
        app = _application(app_name)
        _require_api(state_of(app).sending)
        with app.app_context():
            asked = send(contact, body, from_=from_, media=media, key=key)
        row = _send_now(state_of(app).sending, asked.id)
    if as_json:
        print_json({"id": row.id, "state": row.state, "sid": row.message_sid, "problem": row.problem})
    else:
        click.echo(printable("  ".join(filter(None, [row.message_sid or row.id, row.state, row.problem]))))
    raise SystemExit(0 if row.state in ("accepted", "waiting") else 1)


def _application(app_name: str | None) -> Flask:
    """Return the named application, or one with the settings of the environment and no handlers.

    Raises: ConfigurationError; RegistrationError; click.ClickException.
    """
    if app_name:
        return import_app(app_name)
    project_values()
    app = Flask("twiml_app")
    Twiml(router=Router(), root=Path.cwd()).init_app(app)
    return app


def _require_api(sending: Sending | None) -> None:
    """Check that messages can leave before one is stored, as it would otherwise leave at some later time.

    Raises: ConfigurationError.
    """
    if sending:
        sending.dispatcher.api.require()


def _send_now(sending: Sending | None, send_id: str) -> SendRow:
    """Send one message, for which its sender may have to wait, and return its row."""
    assert sending  # noqa: S101 - without a journal, nothing was stored
    ends_at = time.monotonic() + _WAIT_S
    while not sending.dispatcher.send_now(send_id) and time.monotonic() < ends_at:
        row = sending.find(send_id)
        if row is None or row.state != "waiting":
            break
        time.sleep(0.2)
    found = sending.find(send_id)
    if found is None:
        raise click.ClickException(f"the send {send_id} was erased")
    return found


@click.group()
def sends() -> None:
    """List and stop the messages that the application sends first.

    \b
    Examples:
        twiml-app sends list --state unknown
        twiml-app sends pause --all
        twiml-app sends cancel --key campaign-7:
    """


def _selection(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which messages to stop; one of them is required."""
    for option in (
        click.option("--all", "everything", is_flag=True, help="All messages."),
        click.option("--key", metavar="PREFIX", help="Messages whose key begins with this."),
        click.option("--sender", metavar="SENDER", help="Messages from this number or messaging service."),
    ):
        command = option(command)
    return command


def _selected(sender: str | None, key: str | None, everything: bool) -> Pause:
    """Return what the options select.

    Raises: click.UsageError, unless it is exactly one thing.
    """
    if [bool(sender), bool(key), everything].count(True) != 1:
        raise click.UsageError("give one of --sender, --key and --all")
    if sender:
        known = sender_address(sender)
        if not known:
            raise click.UsageError(f"{sender!r} is not a sender: give a number such as +15005550001, or a service")
        return Pause("sender", known, time.time())
    return Pause("key", key, time.time()) if key else Pause("all", "", time.time())


@sends.command("list")
@click.option("--sender", metavar="SENDER", help="Only from this number or messaging service.")
@click.option("--key", metavar="PREFIX", help="Only those whose key begins with this.")
@click.option("--state", type=click.Choice(_STATES), metavar="STATE", help=f"Only those that are {', '.join(_STATES)}.")
@click.option("--contact", metavar="PHONE", help="Only to this address.")
@click.option("--limit", default=30, show_default=True, help="Maximum number of messages, newest first.")
@click.option("--unmasked", is_flag=True, help="Show full addresses instead of masked ones.")
@journal_option
@json_option
def list_(limit: int, unmasked: bool, app_name: str | None, as_json: bool, **chosen: Any) -> None:
    """List messages, those that changed last first, and what is paused.

    \b
    Example:
        twiml-app sends list --state unknown
    """
    with plain_errors():
        archive = SendArchive(find_engine(find_state(app_name)))
        found, pauses = archive.latest(SendFilter(**chosen), limit), archive.pauses()
    rows = [_shown(row, unmasked) for row in found]
    if as_json:
        print_json({"sends": rows, "paused": [_pause_text(pause) for pause in pauses]})
        return
    for pause in pauses:
        click.echo(printable(f"paused since {format_time(pause.created_at)[:19]}Z: {_pause_text(pause)}"))
    print_table(rows)
    if not rows:
        click.echo("no message matches" if any(chosen.values()) else "nothing was sent yet")


def _shown(row: SendRow, unmasked: bool) -> dict[str, str]:
    shown = str if unmasked else mask
    return {
        "id": row.id,
        "time": format_time(row.updated_at)[:19] + "Z",
        "state": row.state,
        "error": str(row.error_code or ""),
        "from": shown(row.number),
        "to": shown(row.contact),
        "segments": str(row.segments),
        "key": row.key or "",
        "sid": row.message_sid or row.probable_sid,
        "problem": row.problem,
    }


def _pause_text(pause: Pause) -> str:
    return {"all": "all messages", "key": f"keys that begin with {pause.value}"}.get(pause.scope, f"from {pause.value}")


@sends.command()
@_selection
@journal_option
def pause(sender: str | None, key: str | None, everything: bool, app_name: str | None) -> None:
    """Let messages wait, on every machine, until they are resumed.

    Messages that Twilio already has cannot be stopped.

    \b
    Example:
        twiml-app sends pause --sender +15005550006
    """
    selected = _selected(sender, key, everything)
    with plain_errors():
        archive = SendArchive(find_engine(find_state(app_name), to_fill=True))
        archive.pause(selected)
        waiting = archive.counts().waiting
    click.echo(f"paused: {_pause_text(selected)} ({waiting} messages wait in all)")


@sends.command()
@_selection
@journal_option
def resume(sender: str | None, key: str | None, everything: bool, app_name: str | None) -> None:
    """End a pause; --all ends every pause.

    \b
    Example:
        twiml-app sends resume --all
    """
    selected = _selected(sender, key, everything)
    with plain_errors():
        archive = SendArchive(find_engine(find_state(app_name)))
        ended = archive.resume(selected)
        left = archive.pauses()
    click.echo(f"{ended} pauses ended")
    for each in left:
        click.echo(f"still paused: {_pause_text(each)}")
    raise SystemExit(0 if ended else 1)


@sends.command()
@_selection
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@journal_option
def cancel(sender: str | None, key: str | None, everything: bool, yes: bool, app_name: str | None) -> None:
    """Withdraw messages that still wait; this cannot be undone.

    \b
    Example:
        twiml-app sends cancel --key campaign-7:
    """
    selected = _selected(sender, key, everything)
    if not yes:
        click.confirm(f"Withdraw {_pause_text(selected)}?", abort=True)
    with plain_errors():
        state = find_state(app_name)
        settings = state.settings if state else project_settings()
        wanted = {"all": SendFilter(), "key": SendFilter(key=key)}.get(
            selected.scope, SendFilter(sender=selected.value)
        )
        now = time.time()
        count = SendArchive(find_engine(state)).cancel(wanted, now, now + settings.retention_days * 86400)
    click.echo(f"{count} messages cancelled")

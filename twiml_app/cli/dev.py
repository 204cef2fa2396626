"""``dev``: run the program and the emulator next to each other, and reload the program after every change."""

from __future__ import annotations

import signal
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..dev import Dev, DevOptions
from ..logs import format_time
from .common import plain_errors
from .emulator_parameters import ADDRESS, PHONE, PORT
from .output import printable

if TYPE_CHECKING:
    from ..emulator import DebuggerEntry, ProgramStatus

_REFUSED = "webhooks are answered with 503 until the next change"


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    metavar="PORT",
    help="Port of the program; another one is chosen if it is taken.",
)
@click.option(
    "--emulator-port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    metavar="PORT",
    help="Port of the emulator and its phone page; another one is chosen if it is taken.",
)
@click.option("--number", type=ADDRESS, metavar="NUMBER", help="Your number.  [default: TWIML_FROM, or one]")
@click.option("--open", "opens", is_flag=True, help="Open the phone page in the browser.")
@click.option(
    "--app",
    "app_name",
    default="",
    metavar="MODULE:APP",
    help="A Flask application with the Twiml extension, or a function that makes one.  [default: that of wsgi.py, or"
    " the handlers folder]",
)
def dev(port: int, emulator_port: int, number: str | None, opens: bool, app_name: str) -> None:
    """Run your program with a phone in the browser, and reload it.

    It runs next to a local Twilio, and is loaded again after every change of Python files, templates and .env. An error
    in them is shown, and ends nothing. No account is needed, and a real one is never used: the account, the
    credentials and the journal are made up and kept in instance/. The official client library reaches the emulator
    without a change.

    \b
    Examples:
        twiml-app dev --open
        twiml-app dev --port 8001 --app shop:create_app
    """
    options = DevOptions(
        root=Path.cwd(), port=port, emulator_port=emulator_port, number=number or "", app_name=app_name
    )
    serve(options, open_page=webbrowser.open if opens else None)


def serve(
    options: DevOptions,
    *,
    open_page: Callable[[str], object] | None = None,
    demonstrate: Callable[[Dev], object] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then end everything at once.

    ``open_page`` gets the address of the phone page; ``demonstrate`` is called when everything has started. Both run in
    threads of their own, so that they cannot hold up the end. The signals are blocked before any thread starts.

    Raises: click.ClickException.
    """
    with _blocked_signals() as wait_for_signal, plain_errors(), Dev(options) as running:
        running.program.watch(_show_status)
        running.emulator.watch(lambda _: None, _show_entry, lambda _: None)
        _introduce(running)
        _show_status(running.program.status())
        if open_page:
            threading.Thread(target=open_page, args=(running.page_url,), daemon=True).start()
        if demonstrate:
            threading.Thread(target=demonstrate, args=(running,), daemon=True).start()
        wait_for_signal()
    click.echo("stopped")


@contextmanager
def _blocked_signals() -> Iterator[Callable[[], object]]:
    """Block SIGINT and SIGTERM, and yield a function that waits for one of them.

    Those that arrive while everything ends, as a terminal and a supervisor may send several, change nothing.
    """
    signals = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield partial(signal.sigwait, signals)
    finally:
        while signal.sigpending() & signals:
            signal.sigwait(signals)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _introduce(running: Dev) -> None:
    for notice in running.notices:
        click.secho(notice, fg="yellow")
    click.echo(f"\n  phone        {running.page_url}")
    click.echo(f"  number       {running.number}")
    click.echo(f"  Message URL  {running.message_url}")
    click.echo(f"  text it      {_curl(running)}")
    click.echo("\nSave a change, and the program is loaded again. Press Ctrl-C to stop.\n")


def _curl(running: Dev) -> str:
    """Return a command that texts the number, as a phone would."""
    account = f"{running.account.account_sid}:{running.account.auth_token}"
    form = f"--data-urlencode From={PHONE} -d Body=hello"
    return f"curl -sS -u {account} {running.emulator.url}/_emulator/texts {form}"


def _show_status(status: ProgramStatus) -> None:
    """Print that the program runs, or why it does not; a closed terminal is ignored."""
    with suppress(OSError):
        if status.state == "running":
            click.secho("the program runs" if status.generation == 1 else "reloaded", fg="green", err=True)
        elif status.state == "failed":
            click.secho(printable(status.detail), fg="red", err=True, nl=False)
            click.echo(_REFUSED, err=True)


def _show_entry(entry: DebuggerEntry) -> None:
    with suppress(OSError):
        line = f"{format_time(entry.date_created)} {entry.level} {entry.code} {entry.message_sid} {entry.text}"
        click.secho(printable(line), fg="red", err=True)

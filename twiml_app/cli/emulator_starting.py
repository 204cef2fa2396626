"""What the commands share that start an emulator: their options, and the events that they print."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..logs import format_time
from .emulator_parameters import DEBUGGER_VARIABLE, NUMBERS_VARIABLE, NumberAndUrl, read_numbers
from .output import printable

if TYPE_CHECKING:
    from ..emulator import DebuggerEntry, Emulator, LoggedRequest, LoggedWebhook

Command = Callable[..., Any]


_OPTIONS = (
    click.option(
        "--number",
        "numbers",
        multiple=True,
        type=NumberAndUrl(),
        help="One of your numbers and its Message URL; repeatable. The list of processes shows a password in it, so use"
        f" the variable for a URL with credentials.  [env var: {NUMBERS_VARIABLE}, separated by spaces]",
    ),
    click.option(
        "--state",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Persist state in this file and reuse it on the next start.  [default: in memory]",
    ),
    click.option(
        "--seed",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Start with the numbers, accounts, services, applications and phones in this TOML or JSON file.",
    ),
    click.option(
        "--clock",
        type=click.Choice(["real", "fast", "step"]),
        default="real",
        show_default=True,
        help="Speed of time: fast is 100 times real time, step only moves with `twiml-app emulator clock`.",
    ),
    click.option(
        "--profile",
        type=click.Choice(["current", "2014", "2008"]),
        default="current",
        show_default=True,
        help="Which year's Twilio behavior to emulate.",
    ),
    click.option(
        "--debugger-url",
        default="",
        metavar="URL",
        envvar=DEBUGGER_VARIABLE,
        show_envvar=True,
        help="Post errors and warnings to this URL, as Twilio's debugger does. Use the variable for one with a"
        " password.",
    ),
    click.option("--fetch", is_flag=True, help="Fetch media from any host.  [default: this machine only]"),
)


def emulator_options(*, port: int) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of an emulator, which listens on ``port`` by default."""
    own = click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=port,
        show_default=True,
        metavar="PORT",
        help="Port to listen on; 0 picks a free one.",
    )

    def add(command: Command) -> Command:
        for option in reversed((*_OPTIONS[:1], own, *_OPTIONS[1:])):
            command = option(command)
        return command

    return add


def make_emulator(numbers: tuple[tuple[str, str], ...], state: Path | None, **options: Any) -> Emulator:
    """Return an emulator that prints what happens to it on the standard error.

    Raises: ConfigurationError; click.BadParameter.
    """
    from ..emulator import Emulator, EmulatorOptions

    urls = read_numbers(numbers, os.environ)  # first: a mistake here must not leave an open port
    running = Emulator(EmulatorOptions(state=state or ":memory:", **options))
    for number, url in urls.items():
        running.add_number(number, url)
    running.watch(_show_request, _show_entry, _show_webhook)
    return running


def _show_request(request: LoggedRequest) -> None:
    code = f" {request.code} {request.message}" if request.code else ""
    _say(request.date, f"{request.method} {request.path} {request.status or 'cut'}{code}", *request.hints)


def _show_webhook(webhook: LoggedWebhook) -> None:
    request = f"webhook {webhook.message_sid} {webhook.method} {webhook.url}"
    _say(webhook.date, f"{request} {webhook.status or webhook.problem}, {webhook.milliseconds} ms")


def _show_entry(entry: DebuggerEntry) -> None:
    _say(entry.date_created, f"{entry.level} {entry.code} {entry.message_sid} {entry.url}", entry.text, color="red")


def _say(moment: float, line: str, *more: str, color: str | None = None) -> None:
    """Print an event and its time; a closed terminal is ignored."""
    with suppress(OSError):
        click.secho(printable("\n    ".join([f"{format_time(moment)} {line}", *more])), fg=color, err=True)

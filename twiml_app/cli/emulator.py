"""``emulator``: a Twilio on this machine."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ..app import load_environment
from ..caller import without_userinfo
from ..logs import format_time
from .common import plain_errors, printable
from .emulator_controls import COMMANDS
from .emulator_parameters import EXAMPLE, PORT, NumberAndUrl

if TYPE_CHECKING:
    from ..emulator import DebuggerEntry, Emulator, LoggedRequest, LoggedWebhook


@click.group(invoke_without_command=True)
@click.option(
    "--number",
    "numbers",
    multiple=True,
    type=NumberAndUrl(),
    help="A number of yours and its Message URL, with the program's credentials; repeatable.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Where to listen on this machine; 0 takes a free port.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep everything in this file, and go on with it at the next start.  [default: in memory]",
)
@click.option(
    "--seed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Begin with the numbers, accounts, services and phones of this TOML or JSON file.",
)
@click.option(
    "--clock",
    type=click.Choice(["real", "fast", "step"]),
    default="real",
    show_default=True,
    help="fast goes a hundred times as fast; step stands still until the command clock moves it.",
)
@click.option(
    "--profile",
    type=click.Choice(["current", "2014", "2008"]),
    default="current",
    show_default=True,
    help="Behave as Twilio does now, or did then.",
)
@click.option("--fetch", is_flag=True, help="Fetch media from the whole network; without it, from this machine alone.")
@click.option("--tls", is_flag=True, help="Serve TLS; the file that clients have to trust is printed.")
@click.pass_context
def emulator(
    context: click.Context, /, numbers: tuple[tuple[str, str], ...], state: Path | None, **options: Any
) -> None:
    """Run a Twilio on this machine, for a program and its developer: nothing is sent to anybody.

    It has the REST API that Twilio's client libraries speak, phones that messages are delivered to, and it calls your
    program's URLs as Twilio does. Requests to it, what their client did wrong, and what Twilio's debugger would show
    are printed as they come.

    In one terminal the program, in another one the emulator; then text it from a third:

    \b
        gunicorn wsgi:app
        twiml-app emulator --number +15017122661=http://user:password@127.0.0.1:8000/message
        twiml-app emulator text "order 2 coffee"

    The account is that of TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, for signatures and clients alike: export the same
    two for the program. Without them there is an account to try things with, which is printed.

    Without a seed, messages may be sent from any number. A seed such as this one says which there are:

    \b
        [[numbers]]
        phone_number = "+15017122661"
        sms_url = "http://user:password@127.0.0.1:8000/message"
        sms_fallback_url = "http://user:password@127.0.0.1:8000/fallback"
    """
    load_environment(Path.cwd())
    if context.invoked_subcommand:
        _refuse_options(context, context.invoked_subcommand)
        return
    with plain_errors():
        running = _make(dict(numbers), state=state or ":memory:", **options)
        running.watch(_show_request, _show_entry, _show_webhook)
        _serve(running, f"Twilio ({options['profile']}) on {running.url}, clock {options['clock']}; Ctrl-C stops it\n")


for command in COMMANDS:
    emulator.add_command(command)


def _refuse_options(context: click.Context, command: str) -> None:
    """Refuse options of the start in front of a command, where they would do nothing."""
    for option in context.command.params:
        if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{option.opts[0]} starts an emulator; to one that runs: twiml-app emulator {command} --url URL"
            )


def _make(numbers: Mapping[str, str], **options: Any) -> Emulator:
    """Make an emulator that has these numbers.

    Raises: ConfigurationError.
    """
    from ..emulator import Emulator, EmulatorOptions

    running = Emulator(EmulatorOptions(**options))
    for number, url in numbers.items():
        running.add_number(number, url)
    return running


def _serve(running: Emulator, title: str) -> None:
    """Serve until interrupted or terminated, and leave the state as it should be.

    The two signals are held back before any thread starts, so that none is lost, whenever it comes; once one has come,
    another one ends what hangs.
    """
    signals = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with running:
        click.echo(title)
        for name, text in _introduction(running):
            click.echo(f"  {name:<9}{text}")
        click.echo()
        signal.sigwait(signals)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    click.echo("stopped")


def _introduction(running: Emulator) -> list[tuple[str, str]]:
    """Return what a client needs to know, and a first command to type; a token that was given is not shown."""
    from ..emulator import AUTH_TOKEN

    shown = [f"{each.phone_number} -> {_number_url(each.sms_url)}" for each in running.numbers]
    lines = [
        ("account", running.account_sid),
        ("token", AUTH_TOKEN if running.auth_token == AUTH_TOKEN else "that of TWILIO_AUTH_TOKEN"),
        *(("number", printable(line)) for line in shown or [f"none: give --number {EXAMPLE}"]),
        ("Python", f'client.api.base_url = "{running.url}"'),
        ("Node", f'client.api.baseUrl = "{running.url}"'),
    ]
    text = f"twiml-app emulator text hello --url {running.url}"
    if not running.clock.speed:
        lines.append(("time", f"stands still: twiml-app emulator clock --settle --url {running.url}"))
    if not running.ca_file:
        return [*lines, ("text in", text)]
    trust = f"{running.ca_file} (REQUESTS_CA_BUNDLE for Python, NODE_EXTRA_CA_CERTS for Node)"
    return [*lines, ("trust", trust), ("text in", f"SSL_CERT_FILE={running.ca_file} {text}")]


def _number_url(url: str) -> str:
    return without_userinfo(url) if url else "no URL of its own"


def _show_request(request: LoggedRequest) -> None:
    code = f" {request.code} {request.message}" if request.code else ""
    _say(request.date, f"{request.method} {request.path} {request.status}{code}", *request.hints)


def _show_webhook(webhook: LoggedWebhook) -> None:
    what = f"webhook {webhook.message_sid} {webhook.method} {webhook.url}"
    _say(webhook.date, f"{what} {webhook.status or webhook.problem}, {webhook.milliseconds} ms")


def _show_entry(entry: DebuggerEntry) -> None:
    _say(entry.date_created, f"{entry.level} {entry.code} {entry.message_sid} {entry.url}", entry.text, color="red")


def _say(moment: float, line: str, *more: str, color: str | None = None) -> None:
    """Print what happened, and when; nobody need be there to read it."""
    with suppress(OSError):
        click.secho(printable("\n    ".join([f"{format_time(moment)} {line}", *more])), fg=color, err=True)

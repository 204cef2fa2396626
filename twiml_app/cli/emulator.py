"""``emulator``: run a local Twilio emulator."""

from __future__ import annotations

import os
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
from .emulator_controls import clock, outage, phone, reset, text
from .emulator_faults import fault
from .emulator_logs import debugger, outbox, requests, webhooks
from .emulator_parameters import DEBUGGER_VARIABLE, EXAMPLE, NUMBERS_VARIABLE, PORT, NumberAndUrl, read_numbers

if TYPE_CHECKING:
    from ..emulator import DebuggerEntry, Emulator, LoggedRequest, LoggedWebhook


@click.group(invoke_without_command=True)
@click.option(
    "--number",
    "numbers",
    multiple=True,
    type=NumberAndUrl(),
    help="One of your numbers and its Message URL; repeatable. The list of processes shows a password in it, so use the"
    f" variable for a URL with credentials.  [env var: {NUMBERS_VARIABLE}, separated by spaces]",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    metavar="PORT",
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Persist state in this file and reuse it on the next start.  [default: in memory]",
)
@click.option(
    "--seed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Start with the numbers, accounts, services, applications and phones in this TOML or JSON file.",
)
@click.option(
    "--clock",
    type=click.Choice(["real", "fast", "step"]),
    default="real",
    show_default=True,
    help="Speed of time: fast is 100 times real time, step only moves with `twiml-app emulator clock`.",
)
@click.option(
    "--profile",
    type=click.Choice(["current", "2014", "2008"]),
    default="current",
    show_default=True,
    help="Which year's Twilio behavior to emulate.",
)
@click.option(
    "--debugger-url",
    default="",
    metavar="URL",
    envvar=DEBUGGER_VARIABLE,
    show_envvar=True,
    help="Post errors and warnings to this URL, as Twilio's debugger does. Use the variable for one with a password.",
)
@click.option("--fetch", is_flag=True, help="Fetch media from any host.  [default: this machine only]")
@click.option("--tls", is_flag=True, help="Serve HTTPS, and print the path of the CA file that clients must trust.")
@click.pass_context
def emulator(
    context: click.Context, /, numbers: tuple[tuple[str, str], ...], state: Path | None, **options: Any
) -> None:
    """Run a local Twilio emulator. No real messages are sent.

    It serves the REST API that Twilio's client libraries use, delivers messages to emulated phones, and calls your
    app's webhooks as Twilio does. It prints every request to the REST API with hints for its client, every webhook
    request, and every error that Twilio's debugger would show.

    Run your app in one terminal, the emulator in a second, and text it from a third:

    \b
        gunicorn wsgi:app
        export TWIML_EMULATOR_NUMBERS=+15017122661=http://user:password@127.0.0.1:8000/message
        twiml-app emulator
        twiml-app emulator text "order 2 coffee"

    Point a client library at the URL that is printed. The account comes from TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN:
    export the same two for your app and for the commands below. If they are not set, a default test account is used
    and printed.

    Without a seed, messages can be sent from any number. A seed such as this one lists the numbers of the account:

    \b
        [[numbers]]
        phone_number = "+15017122661"
        sms_url = "http://user:password@127.0.0.1:8000/message"
        sms_fallback_url = "http://user:password@127.0.0.1:8000/fallback"
    """
    with plain_errors():
        load_environment(Path.cwd())
    if context.invoked_subcommand:
        _refuse_options(context, context.invoked_subcommand)
        return
    with plain_errors():
        running = _make(read_numbers(numbers, os.environ), state=state or ":memory:", **options)
        running.watch(_show_request, _show_entry, _show_webhook)
        title = f"Twilio emulator ({options['profile']}) on {running.url}, clock {options['clock']}"
        _serve(running, f"{title}; press Ctrl-C to stop\n")


for command in (text, outbox, phone, debugger, requests, webhooks, clock, outage, fault, reset):
    emulator.add_command(command)


def _refuse_options(context: click.Context, command: str) -> None:
    """Refuse the options for starting an emulator in front of a command, where they would have no effect."""
    for option in context.command.params:
        if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{option.opts[0]} starts an emulator; for a running one: twiml-app emulator {command} --url URL"
            )


def _make(numbers: Mapping[str, str], **options: Any) -> Emulator:
    """Return an emulator with these numbers.

    Raises: ConfigurationError.
    """
    from ..emulator import Emulator, EmulatorOptions

    running = Emulator(EmulatorOptions(**options))
    for number, url in numbers.items():
        running.add_number(number, url)
    return running


def _serve(running: Emulator, title: str) -> None:
    """Serve until SIGINT or SIGTERM, then stop cleanly.

    Both signals are blocked before any thread starts, so that none is lost. After the first one they are unblocked, so
    that a second one ends a shutdown that hangs.
    """
    signals = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with running:
        click.echo(title)
        for name, value in _introduction(running):
            click.echo(f"  {name:<9}{value}")
        click.echo()
        signal.sigwait(signals)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    click.echo("stopped")


def _introduction(running: Emulator) -> list[tuple[str, str]]:
    """Return the settings that a client needs, and a first command to try; a configured token is not shown."""
    from ..emulator import AUTH_TOKEN

    shown = [f"{each.phone_number} -> {_number_url(each.sms_url)}" for each in running.numbers]
    lines = [
        ("account", running.account_sid),
        ("token", AUTH_TOKEN if running.auth_token == AUTH_TOKEN else "from TWILIO_AUTH_TOKEN"),
        *(("number", printable(line)) for line in shown or [f"none: set {NUMBERS_VARIABLE}={EXAMPLE}"]),
        ("Python", f'client.api.base_url = "{running.url}"'),
        ("Node", f'client.api.baseUrl = "{running.url}"'),
    ]
    example = f"twiml-app emulator text hello --url {running.url}"
    if not running.clock.speed:
        lines.append(("clock", f"only moves with twiml-app emulator clock --settle --url {running.url}"))
    if not running.ca_file:
        return [*lines, ("try it", example)]
    trust = f"{running.ca_file} (REQUESTS_CA_BUNDLE for Python, NODE_EXTRA_CA_CERTS for Node)"
    return [*lines, ("trust", trust), ("try it", f"SSL_CERT_FILE={running.ca_file} {example}")]


def _number_url(url: str) -> str:
    return without_userinfo(url) if url else "no Message URL"


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

"""``emulator``: run a local Twilio emulator."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ..app import load_environment
from ..caller import without_userinfo
from .common import plain_errors
from .emulator_controls import clock, outage, phone, reset, text
from .emulator_exec import execute
from .emulator_faults import fault
from .emulator_logs import debugger, outbox, requests, webhooks
from .emulator_parameters import EXAMPLE, NUMBERS_VARIABLE, PORT
from .emulator_starting import emulator_options, make_emulator
from .output import printable

if TYPE_CHECKING:
    from ..emulator import Emulator


@click.group(invoke_without_command=True)
@emulator_options(port=PORT)
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
        running = make_emulator(numbers, state, **options)
        title = f"Twilio emulator ({options['profile']}) on {running.url}, clock {options['clock']}"
        _serve(running, f"{title}; press Ctrl-C to stop\n")


for command in (text, outbox, phone, debugger, requests, webhooks, clock, outage, fault, reset, execute):
    emulator.add_command(command)


def _refuse_options(context: click.Context, command: str) -> None:
    """Refuse the options for starting an emulator in front of a command, where they would have no effect."""
    for option in context.command.params:
        if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
            remedy = f"for a running one: twiml-app emulator {command} --url URL"
            if command == execute.name:
                remedy = f"for its own one: twiml-app emulator exec {option.opts[0]} ..."
            raise click.UsageError(f"{option.opts[0]} starts an emulator; {remedy}")


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

"""``replay``: send recorded exchanges again, and compare the answers."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from ..caller import Caller, HttpTransport, OutgoingRequest, Transport
from ..config import Settings
from ..errors import ConfigurationError
from ..receiver import REPLAY_HEADER, ReplayProofs
from ..recordings import (
    Destination,
    Exchange,
    ProvingTransport,
    Replayed,
    Sender,
    SendExchange,
    read_file,
    replay,
    update_file,
)
from ..served_app import sender
from ..webhook import WebhookResponse
from .common import announce_handlers, app_option, plain_errors, project_values, yes_option
from .output import json_option, print_json
from .printed import printed_aside
from .trial import find_app

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: The settings that a key can come from.
_KEYS = ("SECRET_KEY", "TWIML_CREDENTIALS", "TWIML_AUTH_TOKENS", "TWILIO_AUTH_TOKEN", "TWIML_SHARED_KEYS")
#: The statuses of an answer after which a handler has run.
_HANDLED = (200, 204, 500)
_NOT_REPLAYED = (
    "the application has another key, or a clock that is more than a minute off, so it handled the first exchange as a"
    " real event: set the SECRET_KEY that it has, or the same credentials"
)


@click.command("replay")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--to",
    "url",
    metavar="URL",
    envvar="TWIML_REPLAY_TO",
    show_envvar=True,
    help="Send to this URL instead: scheme, credentials, host, prefix. The list of processes shows a password in it,"
    " but not in the variable.",
)
@click.option("--anywhere", is_flag=True, help="Allow a URL that is not on this machine.")
@click.option("--pace", metavar="1x|10x", default="0x", help="Keep the recorded intervals, or a fraction of them.")
@click.option(
    "--parallel", type=click.IntRange(min=1), default=1, show_default=True, help="How many to send at the same time."
)
@click.option("--update", is_flag=True, help="Accept the new answers and write them to the files.")
@yes_option
@app_option
@json_option
def replay_command(
    files: tuple[Path, ...],
    url: str | None,
    anywhere: bool,
    pace: str,
    parallel: int,
    update: bool,
    yes: bool,
    app_name: str | None,
    as_json: bool,
) -> None:
    """Replay recorded exchanges and show what changed.

    They are sent to the application in this process, without its journal, or to a URL. Handlers run for real; in them,
    event.replayed is true. The exit status is 1 if any answer differs.

    The requests to a URL are signed with the key of its application: set SECRET_KEY if it has one; otherwise the
    credentials in the URL, or those in the environment, are enough.

    \b
    Examples:
        twiml-app replay tests/recordings/orders.jsonl
        TWIML_REPLAY_TO=http://user:password@127.0.0.1:8000 twiml-app replay traffic.jsonl --pace 10x
    """
    factor = _factor(pace)
    with plain_errors():
        recorded = {file: read_file(file) for file in files}
        new_sender = _sending_to(url, anywhere) if url else _sending_to_app(app_name, yes)
        with printed_aside():
            results = _run(recorded, new_sender, factor, parallel)
    differing = [result for result in results if not result.agrees]
    accepted = [result for result in differing if update and result.answer]
    if accepted:
        with plain_errors():
            _update(recorded, results)
    _report(results, differing, as_json, len(accepted))
    raise SystemExit(1 if len(accepted) < len(differing) else 0)


def _factor(pace: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?x?", pace):
        raise click.BadParameter(f"{pace!r} is not a pace: give 1x or 10x", param_hint="--pace")
    return float(pace.removesuffix("x"))


def _sending_to(url: str, anywhere: bool) -> Callable[[Path], SendExchange]:
    """Return a function that makes a sender to an address for a file.

    Raises: ConfigurationError, for a URL that is not on this machine, without ``anywhere``, or without a key.
    """
    host = _host(url)
    if host not in _LOOPBACK and not anywhere:
        raise ConfigurationError("--to", f"{host} is not this machine: add --anywhere to allow it")
    settings = _settings_at(url)
    base = url.rstrip("/").removesuffix(settings.message_path)
    destination = Destination(base_url=base, paths=settings.paths, account_sid=os.environ.get("TWILIO_ACCOUNT_SID", ""))
    token, proofs = os.environ.get("TWILIO_AUTH_TOKEN", ""), ReplayProofs(settings.secret_keys)
    transport = ProvingTransport(_StopsUnlessReplayed(HttpTransport()), proofs)
    return lambda _: Sender(destination, lambda cookies: Caller(transport, token=token, cookies=cookies))


def _settings_at(url: str) -> Settings:
    """Return the settings of the working directory, with the credentials of a URL in front: they make its key.

    Raises: ConfigurationError, also if nothing gives a key to sign with.
    """
    given = project_values()
    pair = unquote(urlsplit(url).netloc.rpartition("@")[0])
    if ":" in pair and not any(map(str.isspace, pair)):
        given["TWIML_CREDENTIALS"] = f"{pair} {given.get('TWIML_CREDENTIALS', '')}"
    if not any(given.get(name) for name in _KEYS):
        problem = (
            "nothing to sign the replay with: set the SECRET_KEY of the application, or give its credentials in the URL"
        )
        raise ConfigurationError("--to", problem)
    return Settings.read({"TWIML_CREDENTIALS": "none:needed-to-look"} | given if given.get("SECRET_KEY") else given)


class _StopsUnlessReplayed:
    """Stops the replay at an application that does not accept the proof and handles exchanges as real events.

    That is noticed by the first answer, so only the exchanges that are sent at the same time are handled like that.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._is_stopped = False

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send a request.

        Raises: ConfigurationError, if one was not handled as a replay, and whatever the transport raises.
        """
        if self._is_stopped:
            raise ConfigurationError("--to", _NOT_REPLAYED)
        response = self._transport(request)
        if response.status in _HANDLED and not response.header(REPLAY_HEADER):
            self._is_stopped = True
            raise ConfigurationError("--to", _NOT_REPLAYED)
        return response


def _sending_to_app(app_name: str | None, yes: bool) -> Callable[[Path], SendExchange]:
    """Return a function that makes a sender to an application in this process, for a file.

    Raises: ConfigurationError; RegistrationError; click.ClickException; click.Abort.
    """
    app = find_app(app_name)
    announce_handlers(app, yes=yes)
    return partial(sender, app)


def _host(url: str) -> str:
    """Return the host of a URL.

    Raises: ConfigurationError, for a URL that cannot be called.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError("--to", "give scheme and host, for example http://127.0.0.1:8000")
    return parts.hostname


def _run(
    recorded: dict[Path, list[Exchange]], new_sender: Callable[[Path], SendExchange], pace: float, parallel: int
) -> list[Replayed]:
    """Replay each file with a sender of its own; show a progress bar in a terminal."""
    found = chain.from_iterable(
        replay(exchanges, new_sender(file), pace=pace, parallel=parallel) for file, exchanges in recorded.items()
    )
    if not sys.stderr.isatty():
        return list(found)
    length = sum(map(len, recorded.values()))
    with click.progressbar(found, length=length, label="replaying", file=sys.stderr) as bar:
        return list(bar)


def _update(recorded: dict[Path, list[Exchange]], results: list[Replayed]) -> None:
    remaining = iter(results)
    for file, exchanges in recorded.items():
        update_file(file, [next(remaining).updated() for _ in exchanges])


def _report(results: list[Replayed], differing: list[Replayed], as_json: bool, accepted: int) -> None:
    if as_json:
        rows = [{"sid": each.exchange.sid, "differences": each.differences} for each in differing]
        print_json({"replayed": len(results), "different": rows})
        return
    for each in differing:
        click.echo(f"{each.exchange.time}  {each.exchange.kind}  {each.exchange.sid}  {each.exchange.handler}")
        for line in each.differences:
            click.echo(f"    {line}")
        click.echo()
    click.echo(f"{len(results)} replayed, {len(differing)} different{f', {accepted} accepted' if accepted else ''}")

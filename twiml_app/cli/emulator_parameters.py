"""Parameter types of the emulator commands: phone numbers, and URLs that can contain a password."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from ..caller import is_http_url
from .common import plain_errors

#: The made-up account and the emulator's URL of ``twiml-app dev``.
_DEV_FILE = Path("instance", "dev.env")
#: The default port of an emulator.
PORT = 8088
#: The default phone to text from; not one of Twilio's test numbers, as some of them cannot receive messages.
PHONE = "+15558675310"
#: A number and its Message URL.
EXAMPLE = "+15017122661=http://user:password@127.0.0.1:8000/message"
#: The environment variable with numbers and their Message URLs.
NUMBERS_VARIABLE = "TWIML_EMULATOR_NUMBERS"
#: The environment variable with the webhook of the debugger.
DEBUGGER_VARIABLE = "TWIML_EMULATOR_DEBUGGER_URL"


class PhoneNumber(click.ParamType[str]):
    """A phone number, an address such as ``whatsapp:+15558675310``, or with ``short_codes`` a short code."""

    name = "PHONE"

    def __init__(self, *, short_codes: bool = True) -> None:
        self._refused = ("name",) if short_codes else ("name", "short_code")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address in Twilio's format."""
        with plain_errors():
            from ..emulator import read_sender

            address = read_sender(value)
        if address is None or address.kind in self._refused:
            self.fail(f"{value!r} is not a phone number: use a form like {PHONE}", param, ctx)
        return address.text


#: A number of ours.
ADDRESS = PhoneNumber()
#: The phone of a person.
CONTACT = PhoneNumber(short_codes=False)


class NumberAndUrl(click.ParamType[tuple[str, str]]):
    """A number of ours and its Message URL; errors do not show the URL, which contains a password."""

    name = "NUMBER=URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return the number and the URL."""
        if isinstance(value, tuple):
            return value
        number, _, url = str(value).partition("=")
        if not is_http_url(url):
            self.fail(f"give a number and an http or https URL, such as {EXAMPLE}", param, ctx)
        return ADDRESS.convert(number, param, ctx), url


def read_numbers(given: tuple[tuple[str, str], ...], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the Message URL of each number: those of ``--number``, or else those of the environment.

    A password in ``--number`` is answered with a warning, as other users can read the command line of a process.

    Raises: click.BadParameter.
    """
    if not given:
        return dict(map(_read_number, environment.get(NUMBERS_VARIABLE, "").split()))
    if any(urlsplit(url).password for _, url in given):
        problem = "other users of this machine can see the password in --number in the list of processes"
        click.echo(f"warning: {problem}: use {NUMBERS_VARIABLE} or --seed", err=True)
    return dict(given)


def _read_number(text: str) -> tuple[str, str]:
    try:
        return NumberAndUrl().convert(text, None, None)
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint=NUMBERS_VARIABLE) from None


class EmulatorUrl(click.ParamType[str]):
    """The URL of an emulator: scheme, host and port."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL without a trailing slash."""
        if not is_http_url(value):
            self.fail(f"give an http or https URL, such as http://127.0.0.1:{PORT}", param, ctx)
        if "@" in value:
            problem = "give the URL without credentials: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN instead"
            self.fail(problem, param, ctx)
        return str(value).rstrip("/")


def default_url() -> str:
    """Return the URL of the emulator of ``twiml-app dev`` in this folder, if that is known, or else the usual one."""
    return dev_variables().get("TWIML_API_URL") or f"http://127.0.0.1:{PORT}"


def dev_variables() -> dict[str, str]:
    """Return the variables in the private file of ``twiml-app dev``; none if there is no such file."""
    try:
        lines = _DEV_FILE.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, equals, value in (line.partition("=") for line in lines) if equals}


url_option = click.option(
    "--url",
    type=EmulatorUrl(),
    envvar="TWIML_EMULATOR_URL",
    show_envvar=True,
    default=default_url,
    show_default=f"that of `twiml-app dev` in this folder, or http://127.0.0.1:{PORT}",
    help="URL of the emulator.",
)

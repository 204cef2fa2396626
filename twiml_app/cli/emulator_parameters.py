"""What the commands of the emulator take: numbers, and URLs that hold a password."""

from __future__ import annotations

from typing import Any

import click

from ..caller import is_http_url
from .common import plain_errors

#: Where an emulator listens unless it is told otherwise.
PORT = 8088
#: Whose phone it is if nobody is named; Twilio's test numbers would not do, for nothing can be sent to some of them.
PHONE = "+15558675310"
#: A number and its Message URL.
EXAMPLE = "+15017122661=http://user:password@127.0.0.1:8000/message"


class PhoneNumber(click.ParamType[str]):
    """A number, a short code, or an address such as ``whatsapp:+15558675310``."""

    name = "PHONE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as Twilio writes it."""
        with plain_errors():
            from ..emulator import read_sender

            address = read_sender(value)
        if address is None or address.kind == "name":
            self.fail(f"{value!r} is no number: give one such as {PHONE}", param, ctx)
        return address.text


ADDRESS = PhoneNumber()


class NumberAndUrl(click.ParamType[tuple[str, str]]):
    """A number of ours and its Message URL; what is wrong is said without showing the URL, which holds a password."""

    name = "NUMBER=URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return the two."""
        if isinstance(value, tuple):
            return value
        number, _, url = str(value).partition("=")
        if not is_http_url(url):
            self.fail(f"give a number and an http or https URL, such as {EXAMPLE}", param, ctx)
        return ADDRESS.convert(number, param, ctx), url


class EmulatorUrl(click.ParamType[str]):
    """Where an emulator is: scheme, host and port."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it without a slash at its end."""
        if not is_http_url(value):
            self.fail(f"give an http or https URL, such as http://127.0.0.1:{PORT}", param, ctx)
        if "@" in value:
            self.fail("give it without credentials: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are taken", param, ctx)
        return str(value).rstrip("/")

"""A chat with a program at a Message URL, without an emulator."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence

import click

from ..caller import Caller, HttpTransport, Webhook, inbound_form, random_sid, resolve, status_form
from ..errors import CallError, TwimlError
from ..testing import Reply, read_reply
from ..webhook import Form
from .chat_lines import message_line


class UrlChat:
    """Texts a Message URL as Twilio does, and shows the messages in its TwiML; it knows nothing of deliveries."""

    must_wait = False

    def __init__(self, url: str, contact: str, number: str, *, token: str, account_sid: str) -> None:
        self._webhook = Webhook(url=url)
        self._contact = contact
        self._number = number
        self._account_sid = account_sid
        self._caller = Caller(HttpTransport(), token=token)
        self._form: Form | None = None
        self._reply: Reply | None = None

    def text(self, body: str, *, media: Sequence[str] = (), fault: str = "") -> list[str]:
        """Send a text, and return the messages of the answer.

        Raises: click.ClickException, also for a fault.
        """
        if fault:
            raise _needs_emulator(fault)
        files = {url: mimetypes.guess_type(url)[0] or "image/jpeg" for url in media}
        fields = {"AccountSid": self._account_sid}
        self._form = inbound_form(body, from_=self._contact, to=self._number, media=files, fields=fields)
        self._reply = self._answer(self._form)
        return self._lines(self._reply)

    def repeat(self) -> list[str]:
        """Send the latest text again, with the same MessageSid."""
        if self._form is None or self._reply is None:
            return ["    there is no text yet"]
        again = self._answer(self._form)
        is_same = again.twiml == self._reply.twiml
        return ["    the same answer again"] if is_same else ["    another answer:", *self._lines(again)]

    def fail(self, code: int) -> list[str]:
        """Report that the first message of the latest reply was not delivered; 0 is refused: nothing is set here.

        Raises: click.ClickException.
        """
        if not code:
            raise click.ClickException("give an error code, such as /fail 30005")
        followed = (each for each in self._reply.messages if each.action or each.status_callback) if self._reply else ()
        message = next(iter(followed), None)
        if message is None or self._reply is None:
            raise click.ClickException("the latest reply has no status URL: register a status handler, and text first")
        url = resolve(self._reply.call.url, message.action or message.status_callback or "")
        fields = {"AccountSid": self._account_sid}
        form = status_form(
            random_sid(), "undelivered", error_code=code, from_=self._number, to=self._contact, fields=fields
        )
        try:
            status = self._caller.call(Webhook(url=url, method=message.method or "POST"), form).response.status
        except CallError as error:
            raise click.ClickException(str(error)) from error
        return [f"    reported as undelivered with {code}: the program answered {status}"]

    def later(self, seconds: int) -> list[str]:
        """Refuse: there is no clock.

        Raises: click.ClickException.
        """
        raise _needs_emulator(f"moving the clock by {seconds} s")

    def fault(self, kind: str) -> list[str]:
        """Refuse: nothing can go wrong on purpose.

        Raises: click.ClickException.
        """
        raise _needs_emulator(kind)

    def faults(self) -> list[str]:
        """Return the names of all faults, which need an emulator."""
        from ..emulator import fault_names

        return [*fault_names()]

    def wait(self) -> list[str]:
        """Return nothing: everything was in the answer."""
        return []

    def news(self) -> list[str]:
        """Return nothing: everything was in the answer."""
        return []

    def _answer(self, form: Form) -> Reply:
        try:
            return read_reply(self._caller, self._webhook, form)
        except (CallError, TwimlError) as error:
            raise click.ClickException(str(error)) from error

    def _lines(self, reply: Reply) -> list[str]:
        found = [message_line(self._number, each.text, len(getattr(each, "media", ()))) for each in reply.messages]
        return found or ["    no reply"]


def _needs_emulator(what: str) -> click.ClickException:
    return click.ClickException(f"{what} needs an emulator: start twiml-app dev or twiml-app emulator, and chat there")

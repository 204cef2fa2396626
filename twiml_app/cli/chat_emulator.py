"""A chat with the program that an emulator calls."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import click

from .chat_lines import message_line, status_line
from .emulator_client import call_emulator
from .emulator_logs import entry_text
from .output import printable


class EmulatorChat:
    """The phone of a contact in a running emulator.

    Raises: click.ClickException, if there is none.
    """

    def __init__(self, url: str, contact: str, number: str) -> None:
        self._url = url
        self._contact = contact
        self._number = number
        #: The status of each message that was shown, and the text that arrives twice.
        self._shown: dict[str, str] = {}
        self._latest: tuple[str, tuple[str, ...]] = ("", ())
        self._lock = threading.Lock()
        self.must_wait = self._call("GET", "clock")["kind"] == "step"
        self.news()  # what was said before is not shown

    def text(self, body: str, *, media: Sequence[str] = (), fault: str = "") -> list[str]:
        """Send a text, and return what Twilio would report about it; the replies are news."""
        self._latest = body, tuple(media)
        form = [("From", self._contact), ("Body", body), *(("MediaUrl", url) for url in media)]
        form += [("To", self._number)] if self._number else []
        turn = self._call("POST", "texts", [*form, *([("Fault", fault)] if fault else [])])
        return [*_problems(turn), *self.news()]

    def repeat(self) -> list[str]:
        """Let the latest text arrive twice, with the same MessageSid."""
        body, media = self._latest
        return self.text(body, media=media, fault="webhook-duplicate")

    def fail(self, code: int) -> list[str]:
        """Let messages to this phone fail with this error code; 0 to let them arrive again."""
        outcome = [("Status", "undelivered"), ("ErrorCode", str(code))] if code else [("Status", "delivered")]
        self._call("POST", f"phones/{quote(self._contact, safe='')}", outcome)
        return [f"    messages to {self._contact} {f'fail with {code} from now on' if code else 'arrive again'}"]

    def later(self, seconds: int) -> list[str]:
        """Move the clock; one that runs goes on from there."""
        kind = self._call("GET", "clock")["kind"]
        if kind == "real":
            self._call("POST", "clock", [("Kind", "step")])
        try:
            now = self._call("POST", "clock", [("Seconds", str(seconds))])["now"]
        finally:
            if kind == "real":
                self._call("POST", "clock", [("Kind", kind)])
        return [f"    it is {now}", *self.news()]

    def fault(self, kind: str) -> list[str]:
        """Let a fault happen once, where it belongs."""
        about = [] if kind.startswith("api-") else [("Contact", self._contact)]
        self._call("POST", "faults", [("Kind", kind), ("Count", "1"), *about])
        return [f"    {kind} will happen once"]

    def faults(self) -> list[str]:
        """Return the names of all faults."""
        return [kind["name"] for kind in self._call("GET", "faults")["kinds"]]

    def wait(self) -> list[str]:
        """Wait until all is delivered, and return what has arrived."""
        self._call("POST", "clock", [("Settle", "true")])
        return self.news()

    def news(self) -> list[str]:
        """Return the messages and delivery results since the last time."""
        with self._lock:
            messages = self._call("GET", f"messages?{urlencode({'Contact': self._contact})}")["messages"]
            return [line for message in messages if self._is_ours(message) for line in self._new_lines(message)]

    def _is_ours(self, message: Mapping[str, Any]) -> bool:
        is_outbound = message["direction"] != "inbound"
        return is_outbound and self._number in ("", message["from"])

    def _new_lines(self, message: Mapping[str, Any]) -> list[str]:
        sid, status = message["sid"], message["status"]
        before = self._shown.get(sid)
        self._shown[sid] = status
        lines = []
        if before is None:
            lines.append(message_line(message["from"] or "", message["body"], int(message["num_media"])))
        if status != before:
            lines.append(status_line(message["body"], status, message["error_code"]))
        return [line for line in lines if line]

    def _call(self, method: str, path: str, form: Sequence[tuple[str, str]] = ()) -> Any:
        return call_emulator(self._url, method, path, form)


def _problems(turn: Mapping[str, Any]) -> list[str]:
    """Return the lines about what went wrong with a text."""
    lines = [click.style(f"    {entry_text(problem)}", fg="red") for problem in turn["problems"]]
    if turn["unrouted"]:
        lines.append(click.style(printable(f"    no webhook was called: {turn['unrouted']}"), fg="red"))
    elif not turn["replies"] and not turn["twilio_says"] and not turn["problems"]:
        lines.append("    no reply")
    for each in turn["further"]:
        lines += [printable(f"    {each['inbound']['body']!r} arrived as another message"), *_problems(each)]
    return lines

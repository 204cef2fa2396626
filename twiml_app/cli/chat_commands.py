"""The commands of a chat: lines that begin with a slash."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click

from .chat_lines import Partner
from .chat_pictures import Pictures

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,6}) ?([smhd]?)")
_CODE = re.compile(r"[1-9][0-9]{0,4}")
_OF_TEXTS = ("text", "webhook")
_HELP = """\
/picture FILE [TEXT]  send a picture, or another file
/stop, /start         send STOP, which ends all messages, or START
/again                send the latest text again, as a new message
/duplicate            let the latest text arrive twice, with the same MessageSid
/fail CODE            let messages to this phone fail, such as with 30005; /fail alone lets them arrive again
/later 1h             move the clock by 30s, 10m, 1h or 2d
/FAULT [TEXT]         let one of the faults below happen once: to this text or the latest one, or when it can
/help, /quit          a text that begins with a slash is typed with two"""


class Commands:
    """Understands the lines that a person types, and keeps the latest text."""

    def __init__(self, partner: Partner, pictures: Pictures) -> None:
        self._partner = partner
        self._pictures = pictures
        self._latest: tuple[str, tuple[str, ...]] = ("", ())

    def run(self, line: str) -> list[str] | None:
        """Return what a line leads to; None to end the chat.

        Raises: click.ClickException.
        """
        if not line.startswith("/") or line.startswith("//"):
            return self._text(line[1:] if line.startswith("/") else line)
        name, _, rest = line[1:].strip().partition(" ")
        if name in ("quit", "exit"):
            return None
        return self._named(name)(rest.strip())

    def _named(self, name: str) -> Callable[[str], list[str]]:
        """Return what a command does.

        Raises: click.ClickException, if there is none with this name.
        """
        known: dict[str, Callable[[str], list[str]]] = {
            "help": lambda _: [*_HELP.splitlines(), f"faults: {', '.join(self._partner.faults())}"],
            "picture": self._picture,
            "stop": lambda _: self._partner.text("STOP"),
            "start": lambda _: self._partner.text("START"),
            "again": lambda _: self._text(*self._said()),
            "duplicate": lambda _: self._said() and self._partner.repeat(),
            "fail": lambda rest: self._partner.fail(_code(rest)),
            "later": lambda rest: self._partner.later(_seconds(rest)),
        }
        if name in known:
            return known[name]
        if name not in self._partner.faults():
            raise click.ClickException(f"there is no command /{name}: /help lists them")
        return lambda rest: self._fault(name, rest)

    def _text(self, body: str, media: tuple[str, ...] = ()) -> list[str]:
        self._latest = body, media
        return self._partner.text(body, media=media)

    def _said(self) -> tuple[str, tuple[str, ...]]:
        """Return the latest text.

        Raises: click.ClickException, if there is none.
        """
        if not any(self._latest):
            raise click.ClickException("there is no text yet")
        return self._latest

    def _picture(self, rest: str) -> list[str]:
        name, _, body = rest.partition(" ")
        file = Path(name).expanduser()
        if not name or not file.is_file():
            raise click.ClickException(f"there is no file {name}: type /picture FILE, without spaces in its name")
        return self._text(body.strip(), (self._pictures.url(file),))

    def _fault(self, kind: str, body: str) -> list[str]:
        if kind.partition("-")[0] not in _OF_TEXTS:
            return [*self._partner.fault(kind), *(self._text(body) if body else [])]
        if body:
            self._latest = body, ()
        body, media = self._said()
        return self._partner.text(body, media=media, fault=kind)


def _code(text: str) -> int:
    """Return the error code of ``/fail``; 0 if none is given.

    Raises: click.ClickException.
    """
    if text and not _CODE.fullmatch(text):
        raise click.ClickException(f"{text!r} is not an error code: type one such as /fail 30005")
    return int(text or 0)


def _seconds(text: str) -> int:
    """Return the seconds of a time such as ``1h``.

    Raises: click.ClickException.
    """
    found = _DURATION.fullmatch(text)
    if not found:
        raise click.ClickException(f"{text!r} is not a time: type one such as /later 1h")
    return int(found[1]) * _UNITS[found[2]]

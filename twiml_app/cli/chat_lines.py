"""The lines of a chat: messages and delivery results, made printable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..statuses import error_code
from .output import printable

#: The statuses after which nothing more is reported.
_ARRIVED = ("delivered", "read")
_LOST = ("undelivered", "failed")
_QUOTED = 30


class Partner(Protocol):
    """What is on the other end of a chat: each method returns the lines that it leads to.

    Raises: click.ClickException, if it cannot be reached, or does not have what is asked for.
    """

    def text(self, body: str, *, media: Sequence[str] = (), fault: str = "") -> list[str]:
        """Send a text, with URLs of media, and perhaps a fault that happens to it."""

    def repeat(self) -> list[str]:
        """Let the latest text arrive twice, with the same MessageSid."""

    def fail(self, code: int) -> list[str]:
        """Let messages to this phone fail with this error code; 0 to let them arrive again."""

    def later(self, seconds: int) -> list[str]:
        """Move the clock."""

    def fault(self, kind: str) -> list[str]:
        """Let a fault happen once."""

    def faults(self) -> list[str]:
        """Return the names of all faults."""

    def wait(self) -> list[str]:
        """Wait until all is delivered, and return what has arrived."""

    def news(self) -> list[str]:
        """Return what has arrived since the last time."""

    @property
    def must_wait(self) -> bool:
        """Whether nothing arrives unless somebody waits for it, as with a stepped clock."""


def message_line(sender: str, body: str, media: int) -> str:
    """Return a message of the program; its further lines are indented, so that they look like nothing else."""
    attached = f"[{media} media]" if media else ""
    text = "\n    ".join(body.splitlines())
    return printable(" ".join(filter(None, [f"{sender}:", text, attached])))


def status_line(body: str, status: str, code: int | None) -> str:
    """Return the result of a delivery; empty for a status that is not the last one."""
    what = printable(f'"{" ".join(body.split())[:_QUOTED]}"') if body.strip() else "the media"
    if status in _ARRIVED:
        return f"    ✓ {status}: {what}"
    if status not in _LOST:
        return ""
    known = error_code(code or 0)
    why = f" {code}{f', {known.meaning}' if known else ''}" if code else ""
    return f"    ✗ {status}{why}: {what}"

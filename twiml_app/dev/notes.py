"""What the program did in a request, as headers of its answer: the phone page shows them."""

from __future__ import annotations

import sysconfig
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Flask, got_request_exception

from ..app import state_of
from ..events import Event
from ..receiver import Outcome

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: The length to which an exception is cut.
_MAX_CHARACTERS = 500
_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


class Notes(threading.local):
    """What happened in the request of this thread; an observer of the receiver."""

    handler = ""
    seconds: float | None = None
    exception = ""

    def clear(self) -> None:
        """Forget the last request."""
        self.handler, self.seconds, self.exception = "", None, ""

    def count_webhook(self, event: Event, outcome: Outcome, seconds: float) -> None:  # noqa: ARG002 - a protocol
        """Note which handlers ran, and how long the answer took."""
        self.handler, self.seconds = outcome.handler.replace(",", ", "), seconds

    def count_refusal(self, status: int) -> None:
        """Note nothing: no handler ran."""

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of the answer."""
        found = [("X-Twiml-Handler", _escaped(self.handler))] if self.handler else []
        if self.handler and self.seconds is not None:
            found.append(("X-Twiml-Handler-Ms", f"{self.seconds * 1000:.1f}"))
        return [*found, ("X-Twiml-Exception", _escaped(self.exception))] if self.exception else found


class NotedApplication:
    """A WSGI application whose answers say which handler ran, how long that took, and what it raised.

    ``root`` is the folder of the project.

    Raises: ConfigurationError, for an application without the extension.
    """

    def __init__(self, app: Flask, root: Path) -> None:
        self._app = app
        self._root = root
        self._notes = Notes()
        state_of(app).receiver.observe(self._notes)
        got_request_exception.connect(self._keep, app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        self._notes.clear()

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Callable[[bytes], object]:
            return start_response(status, [*headers, *self._notes.headers()], *more)

        return self._app(environ, start)

    def _keep(self, _app: Flask, exception: Exception, **_more: object) -> None:
        self._notes.exception = describe(exception, self._root)


def describe(error: BaseException, root: Path) -> str:
    """Return an exception in one line, with its place in the project: ``ValueError: bad (a.py:12)``."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # an exception may fail to describe itself
        message = ""
    line = f"{type(error).__name__}: {message}" if message else type(error).__name__
    place = _place(error, root)
    return line[: _MAX_CHARACTERS - len(place)] + place


def _place(error: BaseException, root: Path) -> str:
    frames = [each for each in extract_tb(error.__traceback__) if Path(each.filename).is_relative_to(root)]
    own = [each for each in frames if not each.filename.startswith(_LIBRARIES)]
    return f" ({Path(own[-1].filename).relative_to(root)}:{own[-1].lineno})" if own else ""


def _escaped(text: str) -> str:
    """Return a text as the value of a header can have it; nothing else is percent-encoded."""
    return quote(text, safe=" !\"#$&'()*+,-./:;<=>?@[]^_`{|}~", errors="replace")

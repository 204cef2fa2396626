"""Reads a webhook request from its WSGI environment, byte for byte."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import IO, Any, TypeVar, overload
from urllib.parse import quote

from werkzeug.wsgi import get_input_stream

from .body_deadlines import BodyDeadlines
from .errors import MalformedRequest
from .webhook import Endpoint, WebhookRequest

DefaultT = TypeVar("DefaultT")


def read_request(environ: Mapping[str, Any], endpoint: Endpoint, path: str) -> WebhookRequest:
    """Read a request from its WSGI environment, byte for byte, without its body."""
    routed = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return WebhookRequest(
        endpoint=endpoint,
        method=environ["REQUEST_METHOD"],
        scheme=environ["wsgi.url_scheme"],
        host=environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}",
        target=_request_target(environ, routed),
        prefix=routed.removesuffix(path),
        headers=EnvironHeaders(environ),
    )


class EnvironHeaders(Mapping[str, str]):
    """The headers of a request by their names in lower case, looked up when they are asked for."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        if name == "content-type":
            return str(self._environ.get("CONTENT_TYPE", ""))
        return str(self._environ[_variable(name)])

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, default: str, /) -> str: ...

    @overload
    def get(self, name: str, default: str | DefaultT, /) -> str | DefaultT: ...

    def get(self, name: str, default: object = None, /) -> object:
        """Return a header, faster than the inherited method, which raises and catches an error for a missing one."""
        if name == "content-type":
            return self._environ.get("CONTENT_TYPE", "")
        return self._environ.get(_variable(name), default)

    def __iter__(self) -> Iterator[str]:
        yield "content-type"
        for variable in self._environ:
            if variable.startswith("HTTP_") and variable != "HTTP_CONTENT_TYPE":
                yield variable[5:].replace("_", "-").lower()

    def __len__(self) -> int:
        return sum(1 for _ in self)


@lru_cache(maxsize=256)
def _variable(name: str) -> str:
    """Return the WSGI variable of a header."""
    return f"HTTP_{name.upper().replace('-', '_')}"


class RequestBody:
    """The body of a request, which waits on the connection until somebody has been authenticated."""

    def __init__(self, environ: dict[str, Any], max_bytes: int, deadlines: BodyDeadlines) -> None:
        self._environ = environ
        self._max_bytes = max_bytes
        self._deadlines = deadlines
        #: Whether bytes of the body are left on the connection, so that no other request can follow.
        self.is_unread = announces_body(environ)

    def read(self) -> bytes:
        """Return the body; one that is too large is read one byte too far.

        Raises: MalformedRequest, if it is cut off, takes too long or cannot be read.
        """
        self.is_unread = True
        with self._deadlines.watch(self._environ):
            body = _body_up_to(self._environ, self._max_bytes + 1)
        self._environ["wsgi.input"] = io.BytesIO(body)  # a handler may still ask Flask for the form
        self.is_unread = len(body) > self._max_bytes
        return body


def announces_body(environ: Mapping[str, Any]) -> bool:
    """Return whether a request has a body, by its headers."""
    return environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ


def _body_up_to(environ: Mapping[str, Any], most_bytes: int) -> bytes:
    """Read the body to its end or to the limit: a single read may return less, and hides that the sender hung up.

    Raises: MalformedRequest.
    """
    announced = str(environ.get("CONTENT_LENGTH") or "")
    expected = min(int(announced), most_bytes) if announced.isdecimal() else None
    body = b""
    try:
        stream = _stream(environ, is_counted=expected is not None)
        left = most_bytes if expected is None else expected
        while left and (piece := stream.read(left)):
            body += piece
            left -= len(piece)
    except Exception as error:  # each server has its own, for malformed chunks and for broken connections
        raise _unreadable(type(error).__name__) from error
    if expected is not None and len(body) < expected:
        raise _unreadable(f"{len(body)} of {announced} bytes")  # some servers end it as if it were complete
    return body


def _stream(environ: Mapping[str, Any], *, is_counted: bool) -> IO[bytes]:
    """Return the stream of the body; without a length, only if the server says that it ends."""
    if is_counted and "HTTP_TRANSFER_ENCODING" not in environ:
        stream: IO[bytes] = environ["wsgi.input"]
        return stream
    # The environment is only read; the library's annotation asks for a mutable one.
    return get_input_stream(environ, safe_fallback=True)  # type: ignore[arg-type]


def _unreadable(problem: str) -> MalformedRequest:
    return MalformedRequest("the body is cut off or malformed", reason=f"the body cannot be read: {problem}")


def _request_target(environ: Mapping[str, Any], routed: str) -> str:
    """Return the request target as received; servers store it under one of two names."""
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    if not raw:
        query = environ.get("QUERY_STRING", "")
        raw = quote(routed.encode("latin-1"), safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")
    if not raw.startswith("/"):
        raw = "/" + raw.partition("://")[2].partition("/")[2]
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")

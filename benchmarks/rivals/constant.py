"""The limit: a WSGI application that answers without looking at the request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from benchmarks.echo_text import TEXT

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_ANSWER = f'<?xml version="1.0" encoding="UTF-8"?><Response><Message>{escape(TEXT)}</Message></Response>'.encode()
_HEADERS = [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", str(len(_ANSWER)))]


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Read the body, as a keep-alive connection needs, and return the answer."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", _HEADERS)
    return [_ANSWER]

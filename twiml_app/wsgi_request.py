"""Reads a webhook request from its WSGI environment, byte for byte."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import get_input_stream

from .webhook import Endpoint, WebhookRequest


def read_request(environ: dict[str, Any], endpoint: Endpoint, path: str, max_bytes: int) -> WebhookRequest:
    """Read a request from its WSGI environment, byte for byte; a body that is too large is read one byte too far."""
    routed = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    body = _body_up_to(environ, max_bytes + 1)
    environ["wsgi.input"] = io.BytesIO(body)  # a handler may still ask Flask for the form
    return WebhookRequest(
        endpoint=endpoint,
        method=environ["REQUEST_METHOD"],
        scheme=environ["wsgi.url_scheme"],
        host=environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}",
        target=_request_target(environ, routed),
        prefix=routed.removesuffix(path),
        headers=_request_headers(environ),
        body=body,
    )


def _body_up_to(environ: Mapping[str, Any], most_bytes: int) -> bytes:
    """Read the body to its end or to the limit: a single read may return less, and hides that the sender hung up.

    Raises: ClientDisconnected.
    """
    # The environment is only read; the library's annotation asks for a mutable one.
    stream = get_input_stream(environ, safe_fallback=True)  # type: ignore[arg-type]
    body = b""
    while len(body) < most_bytes and (piece := stream.read(most_bytes - len(body))):
        body += piece
    announced = str(environ.get("CONTENT_LENGTH") or "")
    if announced.isdecimal() and len(body) < min(int(announced), most_bytes):
        raise ClientDisconnected  # some servers end a truncated body as if it were complete
    return body


def _request_target(environ: Mapping[str, Any], routed: str) -> str:
    """Return the request target as received; servers store it under one of two names."""
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    if not raw:
        query = environ.get("QUERY_STRING", "")
        raw = quote(routed.encode("latin-1"), safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")
    if not raw.startswith("/"):
        raw = "/" + raw.partition("://")[2].partition("/")[2]
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def _request_headers(environ: Mapping[str, Any]) -> dict[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    return headers

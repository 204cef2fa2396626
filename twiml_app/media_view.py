"""The Flask view that serves local files to Twilio, by signed links.

It needs no credentials: a link that was changed is refused, and only the program's replies and messages contain links.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import parse_range_header
from werkzeug.wsgi import FileWrapper

from .errors import RequestRefused
from .events import TOKEN_PARAMETER
from .logs import log_event
from .media import MediaLinks, ServedFile
from .webhook import WebhookResponse
from .wsgi_request import announces_body
from .wsgi_response import ClosingResponse, flask_response

_BLOCK_BYTES = 64 * 1024


class MediaView:
    """Serves the files that links name."""

    def __init__(self, links: MediaLinks) -> None:
        self._links = links

    def __call__(self, name: str) -> Response:
        """Answer the current request, as a view of Flask."""
        try:
            served = self._links.open(name, request.args.get(TOKEN_PARAMETER, ""))
        except RequestRefused as refused:
            log_event(logging.WARNING, "refused", {"status": refused.status, "url": "media", "reason": refused.reason})
            line = WebhookResponse.line(refused.status, refused.line)
            return flask_response(line, closes=announces_body(request.environ))
        try:
            return _file_response(served, request.environ)
        except RequestedRangeNotSatisfiable:
            served.file.close()
            raise


def _file_response(served: ServedFile, environ: dict[str, Any]) -> Response:
    """Return the response with a file, or with a range of it.

    Raises: RequestedRangeNotSatisfiable.
    """
    response_type = ClosingResponse if announces_body(environ) else Response
    body = FileWrapper(served.file, _BLOCK_BYTES)
    response = response_type(body, content_type=served.content_type, direct_passthrough=True)
    response.content_length = served.size
    response.last_modified = served.modified  # type: ignore[assignment]
    response.set_etag(f"{served.modified:.6f}-{served.size}")
    response.headers.set("Content-Disposition", "inline", filename=served.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private"
    length = served.size if _asks_for_range(environ) else None
    response.make_conditional(environ, accept_ranges=True, complete_length=length)
    response.headers["Accept-Ranges"] = "bytes"
    return response


def _asks_for_range(environ: dict[str, Any]) -> bool:
    """Return whether a request is for one range of bytes; any other Range header is ignored, as HTTP allows.

    https://www.rfc-editor.org/rfc/rfc9110#name-range
    """
    parsed = parse_range_header(environ.get("HTTP_RANGE")) if environ["REQUEST_METHOD"] == "GET" else None
    return parsed is not None and parsed.units == "bytes" and len(parsed.ranges) == 1

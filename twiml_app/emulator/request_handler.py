"""Answer the HTTP requests of a connection, one after the other."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from werkzeug.exceptions import InternalServerError
from werkzeug.serving import WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from ..logs import logger
from .chunked_body import ChunkedBody

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: The path of the phone page whose response is sent as it is made, on a connection of its own.
STREAM = "/_phone/events"

#: A body that is read as a whole before it is answered: one that is shorter than 100 kB.
_SHORT_LENGTH = re.compile(r"[0-9]{1,5}")


class RequestHandler(WSGIRequestHandler):
    """Keeps a connection open for more requests; logs nothing, because the emulator has its own log."""

    #: Responses are sent without delay.
    disable_nagle_algorithm = True

    def parse_request(self) -> bool:
        """Read the head of a request; answer with 400 if the target is not a valid URL."""
        if not super().parse_request():
            return False
        try:
            urlsplit(self.path)
        except ValueError:
            self.send_error(400, "Bad request target")
            return False
        return True

    def run_wsgi(self) -> None:
        """Answer a request; the connection is closed afterwards, unless it is certain where the next one begins."""
        length = self._short_length()
        if length is None:
            super().run_wsgi()
            return
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self.rfile.read(length))
        self.wfile.write(self._response(environ))

    def _short_length(self) -> int | None:
        """Return the length of a short body; None if the connection must be closed after this request."""
        if self.path.startswith(STREAM):
            return None
        is_last = self.close_connection or "close" in self.headers.get("Connection", "").lower()
        if is_last or self.request_version != "HTTP/1.1" or "Transfer-Encoding" in self.headers:
            return None
        lengths = self.headers.get_all("Content-Length", ["0"])
        return int(lengths[0]) if len(lengths) == 1 and _SHORT_LENGTH.fullmatch(lengths[0]) else None

    def _response(self, environ: WSGIEnvironment) -> bytes:
        """Return the head and the body of the response, to be sent in one packet."""
        chunks, status, headers = self._run(environ)
        content = b"".join(chunks)
        if self.command == "HEAD" or status.startswith(("204", "304")):
            content = b""
        else:
            headers.setdefault("Content-Length", str(len(content)))
        lines = [f"HTTP/1.1 {status}", f"Server: {self.version_string()}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + content

    def _run(self, environ: WSGIEnvironment) -> tuple[Iterable[bytes], str, Headers]:
        try:
            return run_wsgi_app(self.server.app, environ, buffered=True)
        except ConnectionError:  # a fault cuts the connection
            raise
        except Exception:
            logger.exception("the emulator raised an exception at %s %s", self.command, self.path)
            return run_wsgi_app(InternalServerError(), environ, buffered=True)

    def connection_dropped(self, *_: object) -> None:
        """Close a connection that was cut, by the client or on purpose."""
        self.close_connection = True

    def make_environ(self) -> WSGIEnvironment:
        """Return the WSGI environment with the server name as configured, and with strict reading of chunked bodies."""
        environ = super().make_environ()
        environ["SERVER_NAME"] = self.server.host or "localhost"
        if "wsgi.input_terminated" in environ:
            environ["wsgi.input"] = io.BufferedReader(ChunkedBody(self.rfile))
        return environ

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Log nothing about clients that disconnect."""

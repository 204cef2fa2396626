"""Serving the REST API on a port of this machine, over HTTP or TLS."""

from __future__ import annotations

import errno
import io
import socket
import ssl
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ..errors import ConfigurationError
from .chunked_body import ChunkedBody

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

#: How long a stop may take.
POLL_S = 0.02
#: How long requests that are being answered at a stop may hold it up, all together.
GRACE_S = 2.0

_MAX_PORT = 65535

#: The names that the certificate is good for, so that clients that are led here by a proxy take it as well.
_NAMES = ("localhost", "127.0.0.1", "::1", "api.twilio.com", "*.twilio.com", "*.us1.twilio.com")

#: What is written in a URL for a server that listens at every address.
_REACHABLE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class _Handler(WSGIRequestHandler):
    """Says nothing of requests: the emulator keeps a log of its own; answers leave without waiting for more."""

    disable_nagle_algorithm = True

    def parse_request(self) -> bool:
        """Read the head of a request; a target that is no URL is answered here, and not by the application."""
        if not super().parse_request():
            return False
        try:
            urlsplit(self.path)
        except ValueError:
            self.send_error(400, "Bad request target")
            return False
        return True

    def make_environ(self) -> WSGIEnvironment:
        """Return the environment, with the name that the server was given, and a body in chunks read by the book."""
        environ = super().make_environ()
        environ["SERVER_NAME"] = self.server.host or "localhost"
        if "wsgi.input_terminated" in environ:
            environ["wsgi.input"] = io.BufferedReader(ChunkedBody(self.rfile))
        return environ

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing of clients that break off."""


class _Server(ThreadedWSGIServer):
    """Shakes hands in the thread of the connection, so that one that says nothing keeps nobody waiting."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: The connections that are open, by their threads.
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread of its own, which is remembered."""
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection, and forget it."""
        super().process_request_thread(request, client_address)
        with self._lock:
            del self._open[threading.current_thread()]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer the request of a connection."""
        if self.ssl_context is None:
            super().finish_request(request, client_address)
            return
        secured = self._secure(request, self.ssl_context)
        try:
            secured.do_handshake()
        except OSError:
            # It speaks no TLS, or trusts other authorities: its own message says so.
            secured.close()
            return
        try:
            super().finish_request(secured, client_address)
        finally:
            self.shutdown_request(secured)

    def _secure(self, request: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Return the connection as one of TLS, which takes the place of the plain one; hands are not shaken yet."""
        with self._lock:
            secured = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
            self._open[threading.current_thread()] = secured
        return secured

    def hang_up(self) -> None:
        """Break off what is open, and wait for its threads, but not for long."""
        with self._lock:
            still_open = {**self._open}
            for connection in still_open.values():
                _break_off(connection)
        deadline = time.monotonic() + GRACE_S
        for thread in still_open.keys() - {threading.current_thread()}:
            thread.join(max(0.0, deadline - time.monotonic()))


def _break_off(connection: socket.socket) -> None:
    """Let nothing more through, whatever thread is at it; that of TLS would drop its keys under that thread's feet."""
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno != errno.EADDRINUSE:
        return f"{host}:{port} cannot be listened at: {error}"
    return f"{host}:{port} is taken: another emulator may run there; --port 0 takes a free one"


class Certificates:
    """A certificate authority of its own, made anew for each emulator; clients are told to trust ``ca_file``."""

    def __init__(self) -> None:
        try:
            import trustme
        except ImportError as error:
            raise ConfigurationError("tls", "it needs trustme: pip install 'twiml-app[dev]'") from error
        authority = trustme.CA()
        self._folder = tempfile.TemporaryDirectory(prefix="twiml-ca-")
        self.ca_file = Path(self._folder.name) / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*_NAMES).configure_cert(self.context)

    def remove(self) -> None:
        """Delete the file."""
        self._folder.cleanup()


class Server:
    """A port, and the thread that answers there."""

    def __init__(self, host: str, port: int, certificates: Certificates | None) -> None:
        if not 0 <= port <= _MAX_PORT:
            raise ConfigurationError(
                "port", f"{port} is no port: they go from 1 to {_MAX_PORT}, and 0 takes a free one"
            )
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            raise ConfigurationError("port", _why_not(host, port, error)) from error
        self._host = host
        self._certificates = certificates
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Where clients reach it."""
        if self._certificates:
            return f"https://localhost:{self.port}"
        host = _REACHABLE.get(self._host, self._host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def start(self, application: WSGIApplication) -> None:
        """Answer requests from now on."""
        self._server = _Server(self._host, self.port, application, _Handler, fd=self._socket.fileno())
        if self._certificates:
            self._server.ssl_context = self._certificates.context
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_S,), name="emulator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server.hang_up()
        self._socket.close()
        if self._certificates:
            self._certificates.remove()

"""Serve the REST API on a local port, over HTTP or HTTPS."""

from __future__ import annotations

import errno
import socket
import ssl
import tempfile
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer

from ..errors import ConfigurationError
from .request_handler import RequestHandler
from .twilio_hosts import is_twilio_host

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: How often the server checks whether it should stop.
POLL_S = 0.02
#: How long a stop waits for requests in progress, all together.
GRACE_S = 2.0

_MAX_PORT = 65535
#: How long a connection waits for its next request, in seconds.
_IDLE_S = 75.0

#: The names in the certificate of a client that asks for no other one.
_NAMES = ("localhost", "127.0.0.1", "::1", "api.twilio.com")
#: For how many hosts certificates are kept; the oldest is forgotten first.
MAX_CERTIFICATES = 100

#: The host in the URL of a server that listens on all addresses.
_REACHABLE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class _Server(ThreadedWSGIServer):
    """Does the TLS handshake in the thread of the connection, so that an idle client does not block others."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: The open connections by their threads.
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a new thread, and remember both."""
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle a connection, then forget it."""
        super().process_request_thread(request, client_address)
        with self._lock:
            del self._open[threading.current_thread()]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Handle the request of a connection, after the TLS handshake if there is one."""
        if self.ssl_context is None:
            super().finish_request(request, client_address)
            return
        secured = self._secure(request, self.ssl_context)
        try:
            secured.do_handshake()
        except OSError:
            # The client does not speak TLS or does not trust the certificate, and reports that itself.
            secured.close()
            return
        try:
            super().finish_request(secured, client_address)
        finally:
            self.shutdown_request(secured)

    def _secure(self, request: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Replace the plain connection by a TLS one and return it; the handshake is not done yet."""
        with self._lock:
            secured = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
            self._open[threading.current_thread()] = secured
        return secured

    def hang_up(self) -> None:
        """Shut down the open connections, and wait a short time for their threads."""
        with self._lock:
            still_open = {**self._open}
            for connection in still_open.values():
                _shut_down(connection)
        deadline = time.monotonic() + GRACE_S
        for thread in still_open.keys() - {threading.current_thread()}:
            thread.join(max(0.0, deadline - time.monotonic()))


def _shut_down(connection: socket.socket) -> None:
    """Shut down a connection that another thread may be using; the method of a TLS socket would not be safe here."""
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _listen_problem(host: str, port: int, error: OSError) -> str:
    if error.errno != errno.EADDRINUSE:
        return f"cannot listen on {host}:{port}: {error}"
    return f"{host}:{port} is in use: another emulator may be running there; --port 0 picks a free port"


class Certificates:
    """A new certificate authority for each emulator; clients must trust ``ca_file``."""

    def __init__(self) -> None:
        try:
            import trustme
        except ImportError as error:
            raise ConfigurationError("tls", "it needs trustme: pip install 'twiml-app[dev]'") from error
        self._authority = trustme.CA()
        self._lock = threading.Lock()
        #: The context of each host of Twilio that was asked for.
        self._of_hosts: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self._folder = tempfile.TemporaryDirectory(prefix="twiml-ca-")
        self.ca_file = Path(self._folder.name) / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_file))
        self.context = self._make_context(*_NAMES)
        self.context.sni_callback = self._choose

    def _make_context(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names).configure_cert(context)
        return context

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """Give a connection the certificate of the host that its client names; make it if it is the first."""
        name = (name or "").lower()
        if not is_twilio_host(name):
            return
        with self._lock:
            if name not in self._of_hosts:
                self._of_hosts[name] = self._make_context(name)
            if len(self._of_hosts) > MAX_CERTIFICATES:
                self._of_hosts.popitem(last=False)
            connection.context = self._of_hosts[name]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of Twilio that have certificates, oldest first."""
        with self._lock:
            return tuple(self._of_hosts)

    def remove(self) -> None:
        """Delete the file."""
        self._folder.cleanup()


class Server:
    """A listening port, and the thread that serves it.

    A connection is closed if its client sends nothing for ``idle_s`` seconds.
    """

    def __init__(self, host: str, port: int, certificates: Certificates | None, *, idle_s: float = _IDLE_S) -> None:
        if not 0 <= port <= _MAX_PORT:
            raise ConfigurationError("port", f"{port} is not a port: use 1 to {_MAX_PORT}, or 0 for any free port")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            raise ConfigurationError("port", _listen_problem(host, port, error)) from error
        self._host = host
        self._certificates = certificates
        self._idle_s = idle_s
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """The URL at which clients reach the server."""
        if self._certificates:
            return f"https://localhost:{self.port}"
        host = _REACHABLE.get(self._host, self._host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def start(self, application: WSGIApplication) -> None:
        """Start to serve requests."""
        self._server = _Server(self._host, self.port, application, self._handler(), fd=self._socket.fileno())
        if self._certificates:
            self._server.ssl_context = self._certificates.context
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_S,), name="emulator", daemon=True)
        self._thread.start()

    def _handler(self) -> type[RequestHandler]:
        return type("RequestHandler", (RequestHandler,), {"timeout": self._idle_s})

    def stop(self) -> None:
        """Stop serving, and close the port and all connections."""
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server.hang_up()
        self._socket.close()
        if self._certificates:
            self._certificates.remove()

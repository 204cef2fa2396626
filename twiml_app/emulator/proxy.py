"""A proxy that leads the clients of Twilio's hosts to the emulator, and refuses every other host."""

from __future__ import annotations

import re
import selectors
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from socket import SocketIO
from typing import Any, Self
from urllib.parse import urlsplit

from .quoting import shown
from .server import POLL_S, Certificates
from .twilio_hosts import is_twilio_host

#: How many connections may be open; further ones are closed at once.
MAX_CONNECTIONS = 200
#: How long a client may take for its request to the proxy, in seconds.
_HEAD_S = 10.0
#: How long a connection may be silent, in seconds: longer than a slow answer takes.
_IDLE_S = 300.0
_CONNECT_S = 5.0
_MAX_LINE = 8192
_MAX_LINES = 100
_CHUNK = 65536
#: The first byte of a connection that begins with TLS instead of a request to the proxy.
_TLS_HANDSHAKE = b"\x16"
_TUNNEL = re.compile(r"CONNECT ([^\s:]+):(\d{1,5}) HTTP/1\.[01]")
_REQUEST = re.compile(r"[A-Z]+ (\S+) HTTP/1\.[01]")


class Proxy:
    """Listens on a free port of this machine; a context manager.

    A client asks for a tunnel to a host of Twilio (``CONNECT``), or begins with TLS if it was told that this is the
    host. The proxy plays the host with a certificate of its own, and passes the requests on to the emulator.
    """

    def __init__(self, url: str, certificates: Certificates, on_problem: Callable[[str], None]) -> None:
        """Lead clients to the emulator at ``url``; each refusal is said to ``on_problem`` in one line."""
        self._emulator = urlsplit(url)
        self._certificates = certificates
        self._on_problem = on_problem
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = _Listener(self._serve)
        self.port: int = self._listener.server_address[1]
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(POLL_S,), name="emulator-proxy", daemon=True
        )

    @property
    def url(self) -> str:
        """The URL for the proxy variables of a client."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        with self._lock:
            for connection in self._open:
                _hang_up(connection)

    def _serve(self, client: socket.socket) -> None:
        """Serve a connection to its end."""
        with self._lock:
            is_full = len(self._open) >= MAX_CONNECTIONS
            self._open |= set() if is_full else {client}
        try:
            if not is_full:
                with suppress(OSError):
                    self._answer(client)
        finally:
            with self._lock:
                self._open.discard(client)

    def _answer(self, client: socket.socket) -> None:
        """Open the tunnel that a client asks for, or refuse it.

        Raises: OSError.
        """
        client.settimeout(_HEAD_S)
        if client.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE:
            self._tunnel(client, "a client of Twilio")
            return
        with client.makefile("rb", buffering=0) as head:
            line = _read_head(head)
        tunnel = _TUNNEL.fullmatch(line)
        if tunnel and tunnel[2] == "443" and is_twilio_host(tunnel[1]):
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._tunnel(client, tunnel[1])
            return
        self._refuse(client, line)

    def _refuse(self, client: socket.socket, line: str) -> None:
        """Answer with one line that says what is refused; requests that make no sense get 400.

        Raises: OSError.
        """
        request = _REQUEST.fullmatch(line)
        if request is None:
            _send(client, "400 Bad Request", "this is a proxy for Twilio's API: the request cannot be read")
            return
        target = shown(request[1].partition("://")[2].partition("/")[0].rpartition("@")[2] or request[1])
        problem = f"{target} is refused: this proxy leads only to https://*.twilio.com, which the emulator plays"
        self._on_problem(problem)
        _send(client, "403 Forbidden", problem)

    def _tunnel(self, client: socket.socket, name: str) -> None:
        """Play a host of Twilio for a client.

        Raises: OSError.
        """
        with self._lock:
            secured = self._certificates.context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
            self._open.add(secured)
        try:
            with secured:
                self._play(secured, name)
        finally:
            with self._lock:
                self._open.discard(secured)

    def _play(self, secured: ssl.SSLSocket, name: str) -> None:
        """Pass on what a client sends over TLS.

        Raises: OSError.
        """
        try:
            secured.do_handshake()
        except OSError as error:
            self._on_problem(f"{name}: no TLS connection: the client may not trust the emulator's authority ({error})")
            return
        with self._connect() as emulator:
            _relay(secured, emulator)

    def _connect(self) -> socket.socket:
        """Return a connection to the emulator.

        Raises: OSError.
        """
        host, port = self._emulator.hostname or "", self._emulator.port
        is_secure = self._emulator.scheme == "https"
        try:
            plain = socket.create_connection((host, port or (443 if is_secure else 80)), timeout=_CONNECT_S)
            return ssl.create_default_context().wrap_socket(plain, server_hostname=host) if is_secure else plain
        except OSError as error:
            self._on_problem(f"cannot reach the emulator at {self._emulator.geturl()}: {error}")
            raise


class _Listener(socketserver.ThreadingTCPServer):
    """Accepts connections, each in a thread of its own."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self._serve = serve

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Serve a connection."""
        self._serve(request)


def _read_head(head: SocketIO) -> str:
    """Read the first line of a request and the headers after it; return the line, empty if it is not complete.

    Raises: OSError.
    """
    first = head.readline(_MAX_LINE)
    for _ in range(_MAX_LINES):
        line = head.readline(_MAX_LINE)
        if line in (b"\r\n", b"\n"):
            return first.decode("latin-1").strip()
        if not line:
            break
    return ""


def _send(client: socket.socket, status: str, line: str) -> None:
    """Send a response with one line, and take what the client still sends, which would otherwise destroy the response.

    Raises: OSError.
    """
    body = f"{line}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    client.sendall(f"{head}Connection: close\r\n\r\n".encode() + body)
    client.shutdown(socket.SHUT_WR)
    client.settimeout(1.0)
    for _ in range(16):
        if not client.recv(_CHUNK):
            return


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Pass on bytes in both directions until one side closes or both are silent for too long.

    Raises: OSError.
    """
    targets = {one: other, other: one}
    with selectors.DefaultSelector() as selector:
        for each in targets:
            each.settimeout(_IDLE_S)
            selector.register(each, selectors.EVENT_READ)
        while ready := _readable(selector, one, other):
            for source in ready:
                chunk = source.recv(_CHUNK)
                if not chunk:
                    return
                targets[source].sendall(chunk)


def _readable(selector: selectors.BaseSelector, *connections: socket.socket) -> list[socket.socket]:
    """Return the connections from which bytes can be read: TLS may have some that it has decrypted already."""
    pending: list[socket.socket] = [each for each in connections if isinstance(each, ssl.SSLSocket) and each.pending()]
    if pending:
        return pending
    ready = [key.fileobj for key, _ in selector.select(_IDLE_S)]
    return [each for each in connections if each in ready]


def _hang_up(connection: socket.socket) -> None:
    """Shut down a connection that another thread uses."""
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)

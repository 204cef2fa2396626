"""Transports that send one request: over HTTP, or to a WSGI application in this process."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from werkzeug.test import run_wsgi_app

from ..webhook import WebhookResponse
from .types import (
    BAD_HOST_NAME,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_FOR_ANOTHER,
    CERTIFICATE_WITHOUT_PATH,
    CONNECTION_FAILURE,
    TLS_HANDSHAKE,
    ConnectFailed,
    OutgoingRequest,
    ProtocolViolation,
    Transport,
)
from .urls import target_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import WSGIApplication

#: Twilio reads at most 64 kB of TwiML; an answer far beyond that is cut off here.
MAX_ANSWER_BYTES = 10 * 1024 * 1024

#: Error codes per verification error of OpenSSL (X509_V_ERR_...); all others mean an unknown issuer.
_CERTIFICATE_CODES = {
    10: CERTIFICATE_EXPIRED,
    62: CERTIFICATE_FOR_ANOTHER,  # host name
    64: CERTIFICATE_FOR_ANOTHER,  # IP address
}


class HttpTransport:
    """Sends requests over the network, each on a new connection, and verifies certificates.

    ``context`` holds the trusted certificate authorities, by default those of the system.
    """

    def __init__(self, *, context: ssl.SSLContext | None = None) -> None:
        self._context = context

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send the request.

        Raises: ConnectFailed; ProtocolViolation; OSError.
        """
        parts = urlsplit(request.url)
        connection = self._connect(parts.scheme, parts.hostname or "", parts.port, request.connect_timeout_s)
        try:
            incoming = TimedStream(connection.sock, request.read_timeout_s)
            # The host exactly as in the URL, because that was signed.
            headers = {"Host": parts.netloc, **dict(request.headers)}
            connection.request(request.method, target_of(parts), request.body or None, headers)
            with incoming.answer(request.method) as answer:  # closed even if it breaks off
                answer.begin()
                return _webhook_response(answer.status, answer.getheaders(), _read_body(answer))
        except http.client.HTTPException as error:
            raise ProtocolViolation(f"not an HTTP answer: {error!r}") from error
        finally:
            connection.close()

    def _connect(self, scheme: str, host: str, port: int | None, timeout_s: float) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if scheme == "https":
            context = self._context or ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:  # a host name that is too long is a UnicodeError
            code = _connect_code(error, is_reached=connection.sock is not None)
            connection.close()
            problem = f"no connection to {host}: {getattr(error, 'strerror', None) or error}"
            raise ConnectFailed(problem, code=code) from error
        return connection


def _connect_code(error: Exception, *, is_reached: bool) -> int:
    """Return Twilio's error code for a connection that failed; ``is_reached`` means that the port was open."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE_CODES.get(error.verify_code, CERTIFICATE_WITHOUT_PATH)
    if is_reached:
        return TLS_HANDSHAKE
    return BAD_HOST_NAME if isinstance(error, (socket.gaierror, UnicodeError)) else CONNECTION_FAILURE


class TimedStream(io.RawIOBase):
    """The bytes that a socket receives until a fixed deadline, however slowly they arrive."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._deadline = time.monotonic() + seconds
        sock.settimeout(seconds)

    def answer(self, method: str) -> http.client.HTTPResponse:
        """Return an HTTP response that reads from this socket; nothing has been read yet."""
        # HTTPResponse only uses the makefile method of a socket.
        return http.client.HTTPResponse(cast(socket.socket, self), method=method)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the buffered reader of the response."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Return True: this stream can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Receive the available bytes, waiting for them until the deadline.

        Raises: OSError.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


def _read_body(answer: http.client.HTTPResponse) -> bytes:
    """Read the body, and check its length: http.client accepts one that is shorter than announced."""
    body = answer.read(MAX_ANSWER_BYTES)
    if answer.length and len(body) < MAX_ANSWER_BYTES:
        raise ProtocolViolation(f"the answer breaks off after {len(body)} bytes")
    return body


class WsgiTransport:
    """Calls a WSGI application in this process, with the request target exactly as on the wire.

    It also acts as a proxy: paths under ``mount`` are passed to the application as paths under ``prefix``.
    """

    def __init__(self, application: WSGIApplication, *, mount: str = "", prefix: str = "") -> None:
        self._application = application
        self._mount = mount
        self._prefix = prefix

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send the request."""
        parts = urlsplit(request.url)
        path = self._prefix + parts.path.removeprefix(self._mount)
        environ = _environ(request, parts._replace(path=path))
        chunks, status, headers = run_wsgi_app(self._application, environ, buffered=True)
        return _webhook_response(int(status.split()[0]), list(headers), b"".join(chunks))


class RoutedTransport:
    """Sends requests for the application's host in process, and all others over the network.

    If the application takes longer than the request allows, it counts as a timeout, as over the network.
    """

    def __init__(
        self, base_url: str, inside: Transport, outside: Transport, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = urlsplit(base_url)[:2]
        self._inside = inside
        self._outside = outside
        self._clock = clock

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send a request.

        Raises: ConnectFailed; ProtocolViolation; OSError.
        """
        if urlsplit(request.url)[:2] != self._host:
            return self._outside(request)
        began = self._clock()
        response = self._inside(request)
        if self._clock() - began > request.read_timeout_s:
            raise TimeoutError("timed out")
        return response


def _environ(request: OutgoingRequest, parts: SplitResult) -> dict[str, Any]:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query.encode().decode("latin-1"),
        "RAW_URI": target_of(parts).encode().decode("latin-1"),
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc,
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ


def _webhook_response(status: int, headers: list[tuple[str, str]], body: bytes) -> WebhookResponse:
    content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
    return WebhookResponse(status=status, body=body, content_type=content_type, headers=tuple(headers))

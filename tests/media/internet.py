"""A small internet on the loopback interface: hosts with certificates and addresses, each with its pages."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

from tests.webhook_requests import read_settings
from twiml_app.media.fetching import MediaFetcher

TWILIO, CDN, PUBLIC = "api.twilio.com", "media.twiliocdn.com", "93.184.215.14"
ACCOUNT = "AC" + "1" * 32
TARGET = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/MM{'2' * 32}/Media/ME{'3' * 32}"
URL = f"https://{TWILIO}{TARGET}"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 8
AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert(TWILIO, "api.dublin.ie1.twilio.com", CDN, "internal.example", "localhost")

TRUST = ssl.create_default_context()
AUTHORITY.configure_trust(TRUST)
SERVING = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CERTIFICATE.configure_cert(SERVING)


@dataclass(frozen=True)
class Page:
    """The answer to one request; ``parts`` are sent after the headers."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "image/jpeg"),)
    body: bytes = b""
    #: Sends the body instead, endlessly or slowly.
    stream: Callable[[Callable[[bytes], object]], object] | None = None


@dataclass
class Internet:
    """The pages of all hosts, and the requests that they received: host, target, and Authorization header."""

    port: int = 0
    addresses: dict[str, list[str]] = field(default_factory=dict)
    pages: dict[str, list[Page]] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def publish(self, url: str, *pages: Page) -> str:
        """Serve these pages under a URL, one after the other, the last one for good; returns the URL."""
        self.pages[url] = list(pages)
        return url

    def redirect(self, url: str, location: str) -> str:
        """Redirect a URL."""
        return self.publish(url, Page(302, (("Location", location),)))

    def page(self, url: str) -> Page:
        """Return the next page of a URL."""
        pages = self.pages.get(url, [Page(404)])
        return pages.pop(0) if len(pages) > 1 else pages[0]

    def resolve(self, host: str, _port: int, _timeout_s: float) -> list[str]:
        """Return the addresses of a host; all have a public one unless the test says otherwise."""
        return self.addresses.get(host, [host if host.replace(".", "").isdigit() else PUBLIC])

    def connect(self, address: tuple[str, int], timeout_s: float) -> socket.socket:
        """Connect to the server on the loopback interface, whatever the address is."""
        self.connected.append(address[0])
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)

    def fetcher(self, *settings: dict[str, object], **options: Any) -> MediaFetcher:
        """Return a fetcher whose network this is, of an application with one auth token."""
        network: dict[str, Any] = {
            "resolve": self.resolve,
            "connect": self.connect,
            "context": TRUST,
            "sleep": self.slept.append,
        }
        return MediaFetcher(read_settings({"TWILIO_AUTH_TOKEN": "the token"}, *settings), **network | options)


@contextmanager
def internet(*, tls: bool = True) -> Iterator[Internet]:
    """Serve the pages until the block ends."""
    served = Internet()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers["Host"]
            served.asked.append((host, self.path, self.headers.get("Authorization")))
            page = served.page(f"{'https' if tls else 'http'}://{host}{self.path}")
            self.send_response(page.status)
            for name, value in page.headers:
                self.send_header(name, value)
            if page.stream is None and not any(name == "Content-Length" for name, _ in page.headers):
                self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            try:
                if page.stream:
                    page.stream(self.wfile.write)
                self.wfile.write(page.body)
            except OSError:  # the other side has had enough
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
            if not tls:
                Handler(request, client_address, self)
                return
            try:
                with SERVING.wrap_socket(request, server_side=True) as secured:
                    Handler(secured, client_address, self)
            except OSError:  # the other side did not accept the certificate, or hung up
                return

    with Server(("127.0.0.1", 0), Handler) as server:
        served.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()

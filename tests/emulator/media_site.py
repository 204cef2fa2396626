"""A media server on the loopback interface, and media fetchers, for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit, urlunsplit

import pytest

from twiml_app.caller.transports import HttpTransport
from twiml_app.caller.types import OutgoingRequest
from twiml_app.emulator.media import MediaFetcher
from twiml_app.errors import ApiError
from twiml_app.webhook import WebhookResponse

GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
PDF = b"%PDF-1.7\n"
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L"
MP4 = b"\x00\x00\x00\x18ftypmp42"
HTML = b"<!DOCTYPE html><title>Log in</title>"


@dataclass(frozen=True)
class Answer:
    """The response to a path."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass
class Site:
    """A real server on the loopback interface: its responses, and the requests it received."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    #: Path and Authorization header of each request.
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def publish(
        self, path: str, content_type: str | None, body: bytes, *, status: int = 200, location: str = ""
    ) -> str:
        """Serve bytes under a path; returns the URL."""
        pairs = (("Content-Type", content_type), ("Location", location))
        self.answers[path] = Answer(status, tuple((name, value) for name, value in pairs if value), body)
        return self.url(path)

    def redirect(self, path: str, location: str, status: int = 302) -> str:
        """Serve a redirect under a path; returns the URL."""
        return self.publish(path, None, b"", status=status, location=location)

    def url(self, path: str, *, host: str = "127.0.0.1", userinfo: str = "") -> str:
        """Return the URL of a path."""
        return f"http://{userinfo}{host}:{self.port}{path}"


@contextmanager
def serving_media() -> Iterator[Site]:
    """Serve the published files until the block ends."""
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, self.headers.get("Authorization")))
            answer = served.answers.get(self.path, Answer(404))
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


@dataclass
class World:
    """A transport that sends the requests for all hosts to one real server on the loopback interface."""

    port: int

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        there = urlunsplit(urlsplit(request.url)._replace(scheme="http", netloc=f"127.0.0.1:{self.port}"))
        return HttpTransport()(replace(request, url=there))


def unreachable(request: OutgoingRequest) -> WebhookResponse:
    """Fail: a transport for tests in which nothing must be fetched."""
    raise AssertionError(f"{request.url} was fetched")


FETCHER = MediaFetcher(HttpTransport())
OFFLINE = MediaFetcher(unreachable)


def refused(fetch: Callable[[], object]) -> str:
    """Return the message with which a media file is refused."""
    with pytest.raises(ApiError) as caught:
        fetch()
    assert (caught.value.code, caught.value.status) == (21620, 400)
    return caught.value.message

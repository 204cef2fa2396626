"""A website on the loopback interface, with a picture to send and a URL for status callbacks."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A POST request: its target, its credentials and its form."""

    target: str
    user: str
    form: dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Website:
    """The URL of the website, and the POST requests with credentials."""

    url: str
    posts: list[Post] = field(default_factory=list)


@contextmanager
def website() -> Iterator[Website]:
    """Serve on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, PICTURE, ("Content-Type", "image/png"))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "basic":
                self._answer(401, b"", ("WWW-Authenticate", 'Basic realm="status"'))
                return
            user = base64.b64decode(credentials).decode()
            site.posts.append(Post(target=self.path, user=user, form=parse_qs(body, keep_blank_values=True)))
            self._answer(204, b"")

        def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Website(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

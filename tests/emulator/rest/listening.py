"""A server on the loopback interface that receives status callbacks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl


class Listener:
    """Stores the path and the form of every POST."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.posts: list[tuple[str, dict[str, str]]] = []

    def statuses(self, name: str = "MessageStatus") -> list[tuple[str, str]]:
        """Return the path and the status of each post, in order."""
        return [(path, form[name]) for path, form in self.posts]


@contextmanager
def listening() -> Iterator[Listener]:
    """Answer every POST with 204."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            listener.posts.append((self.path, dict(parse_qsl(body, keep_blank_values=True))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    listener = Listener(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

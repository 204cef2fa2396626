"""Local files that are sent in a chat, served on this machine until its end."""

from __future__ import annotations

import mimetypes
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote


class Pictures:
    """Serves the files that were asked for, at paths that nobody can guess; a context manager."""

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def url(self, file: Path) -> str:
        """Return the URL of a file."""
        self._server = self._server or _serve(self._files)
        path = f"/{secrets.token_urlsafe(16)}/{quote(file.name)}"
        self._files[path] = file
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"


def _serve(files: dict[str, Path]) -> ThreadingHTTPServer:
    """Return a server on a free port that serves these files by their path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file = files.get(self.path)
            content = file.read_bytes() if file and file.is_file() else b""
            self.send_response(200 if content else 404)
            guessed = mimetypes.guess_type(self.path)[0] or "application/octet-stream"
            self.send_header("Content-Type", guessed)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server

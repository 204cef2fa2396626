"""Media files of a recording, served on this machine while an exchange is replayed.

A recording holds no media files, and the media URLs in a scrubbed one are fictitious. The files may be put next to it,
into the folder ``orders.media`` for ``orders.jsonl``, each under the last part of its URL.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape

from ..exchanges import Exchange
from ..media import local_files
from ..webhook import Form, WebhookResponse

_MEDIA_URL = re.compile(r"MediaUrl[0-9]{1,3}")
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """An exchange whose media URLs are those of a server on this machine, as far as there are files."""

    exchange: Exchange
    #: The recorded URL per URL on this machine.
    recorded_urls: Mapping[str, str]
    #: A line per media URL without a file.
    notes: tuple[str, ...]

    def restored(self, answer: WebhookResponse) -> WebhookResponse:
        """Return an answer in which the recorded URLs replace those on this machine, which handlers may quote."""
        body = answer.body
        for local in sorted(self.recorded_urls, key=len, reverse=True):
            for written in (str, escape):
                body = body.replace(written(local).encode(), written(self.recorded_urls[local]).encode())
        return replace(answer, body=body)


@contextmanager
def local_media(exchange: Exchange, recording: Path | None) -> Iterator[LocalMedia]:
    """Serve the media files of an exchange, and yield the exchange with their URLs.

    Handlers that open the media of their message get the files without a request, others can download them. Without a
    recording no files are looked for.
    """
    files = [*_media_files(exchange, recording)]
    found = [file for file in files if file.path and file.path.is_file()]
    notes = tuple(file.note for file in files if file not in found)
    if not found:
        yield LocalMedia(exchange, {}, notes)
        return
    with _serving(found) as base_url:
        local = {file.name: base_url + file.target for file in found}
        form = Form((name, local.get(name, value)) for name, value in exchange.form.pairs)
        with local_files({local[file.name]: file.path for file in found if file.path}):
            yield LocalMedia(replace(exchange, form=form), {local[file.name]: file.url for file in found}, notes)


@dataclass(frozen=True, slots=True)
class _MediaFile:
    """One media URL of an exchange, and the file that replaces it."""

    name: str
    url: str
    content_type: str
    path: Path | None

    @property
    def target(self) -> str:
        """The path and query of the URL, which stay the same on this machine."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return f"/{self.name}"
        path = quote(parts.path.lstrip("/"), safe="/%;:@!$&'()*+,=~")
        return f"/{path}" + (f"?{parts.query}" if parts.query else "")

    @property
    def note(self) -> str:
        """A line for the report if there is no file."""
        advice = f": put the file at {self.path} for handlers that download it" if self.path else ""
        return f"the recorded media URL {self.url} is fictitious{advice}"


def _media_files(exchange: Exchange, recording: Path | None) -> Iterator[_MediaFile]:
    for name, url in exchange.form.items():
        if _MEDIA_URL.fullmatch(name):
            path = media_path(recording, name, url) if recording else None
            yield _MediaFile(name, url, exchange.form.get(name.replace("Url", "ContentType"), ""), path)


def media_path(recording: Path, name: str, url: str) -> Path:
    """Return where the file of a media URL may be put; ``name`` is that of the field."""
    return recording.with_suffix(".media") / _file_name(name, url)


def _file_name(name: str, url: str) -> str:
    """Return the last part of a media URL; the name of the field if that cannot name a file."""
    try:
        last = unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return name
    is_plain = last.isprintable() and "/" not in last and last not in ("", ".", "..")
    return last if is_plain and len(last.encode()) <= _LONGEST_NAME else name


@contextmanager
def _serving(files: Sequence[_MediaFile]) -> Iterator[str]:
    """Serve files at a free port on this machine; yield the base URL."""
    by_target = {unquote(file.target): file for file in files}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file = by_target.get(unquote(self.path))
            content = file.path.read_bytes() if file and file.path else b""
            self.send_response(200 if file else 404)
            self.send_header("Content-Type", file.content_type if file else "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()

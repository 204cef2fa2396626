"""A client of the phone page: it asks the phone page over HTTP as its own scripts do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlencode, urlsplit

from twiml_app.emulator import Emulator

#: The smallest picture: one pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: int
    headers: Message
    content: bytes

    @property
    def json(self) -> Any:
        """The document."""
        return json.loads(self.content)

    @property
    def error(self) -> str:
        """Why a request was refused."""
        return str(self.json["error"])


@dataclass(slots=True)
class PageClient:
    """Asks one emulator; ``headers`` are added to those of every request, and None removes one."""

    emulator: Emulator
    headers: dict[str, str | None] = field(default_factory=dict)

    def get(self, path: str, **query: object) -> Page:
        """Get a page below ``/_phone``, or any other one with its slash."""
        return self._ask("GET", path, query)

    def post(self, path: str, **body: Any) -> Page:
        """Post a JSON document."""
        return self._ask("POST", path, {}, json.dumps(body).encode(), "application/json")

    def delete(self, path: str) -> Page:
        """Delete."""
        return self._ask("DELETE", path, {})

    def upload(self, path: str, fields: Mapping[str, str], *files: tuple[str, str, bytes]) -> Page:
        """Post a form with files: name, content type and content of each."""
        parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
        parts += [
            f'name="media"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'.encode() + content
            for name, kind, content in files
        ]
        body = b"".join(b"--edge\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
        return self._ask("POST", path, {}, body + b"--edge--\r\n", "multipart/form-data; boundary=edge")

    def text(self, body: str, **options: Any) -> Any:
        """Text the number; returns the document."""
        page = self.post("texts", contact="+15558675310", number="", body=body, **options)
        assert page.status == 201, page.content
        return page.json

    def open(self, path: str) -> tuple[HTTPConnection, HTTPResponse]:
        """Open a stream; the caller closes the connection."""
        parts = urlsplit(self.emulator.url)
        connection = HTTPConnection(parts.netloc, timeout=30)
        connection.request("GET", f"/_phone/{path}", headers={"Accept": "text/event-stream"})
        return connection, connection.getresponse()

    def _ask(self, method: str, path: str, query: Mapping[str, object], body: bytes = b"", kind: str = "") -> Page:
        host = urlsplit(self.emulator.url).netloc
        headers: dict[str, str | None] = {"Host": host}
        if method != "GET":
            headers |= {"Origin": self.emulator.url, "Sec-Fetch-Site": "same-origin", "X-Twiml-Phone": "1"}
        if kind:
            headers["Content-Type"] = kind
        sent = {name: value for name, value in (headers | self.headers).items() if value is not None}
        target = path if path.startswith("/") else f"/_phone/{path}"
        connection = HTTPConnection(host, timeout=30)
        connection.putrequest(method, target + (f"?{urlencode(query)}" if query else ""), skip_host=True)
        for name, value in (sent | ({"Content-Length": str(len(body))} if method != "GET" else {})).items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        response = connection.getresponse()
        page = Page(response.status, response.headers, response.read())
        connection.close()
        return page

"""A client of the emulator's REST API over HTTP, and the responses it gets."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message as Headers
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from lxml import etree

from tests.servers import LIMIT_S
from twiml_app.emulator import Emulator

#: When the emulator of most tests starts: 2023-11-14 22:13:20 UTC.
START = 1_700_000_000.0
#: A contact, and a number that an emulator without a seed accepts as sender.
PHONE = "+15558675310"
NUMBER = "+15017122661"

Form = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of the API."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The JSON document."""
        return json.loads(self.body)

    @property
    def xml(self) -> str:
        """The XML or CSV document, as a string."""
        return self.body.decode()

    @property
    def error(self) -> tuple[int, int]:
        """The HTTP status and Twilio's error code, 0 for none."""
        return self.status, self.json.get("code", 0)

    def texts(self, path: str) -> list[str | None]:
        """Return the texts of the elements at a path of the XML document."""
        return [element.text for element in etree.fromstring(self.body).iterfind(path)]


class Client:
    """A client with the credentials of an account; paths without a leading slash are relative to that account."""

    def __init__(self, emulator: Emulator, sid: str = "", token: str = "") -> None:
        self._port = emulator.port
        self.sid = sid or emulator.account_sid
        self._token = token or emulator.auth_token

    @property
    def base(self) -> str:
        """The path of the account."""
        return f"/2010-04-01/Accounts/{self.sid}"

    def request(self, method: str, path: str, form: Form | None = None, query: Form | None = None) -> Reply:
        """Send a request."""
        target = (path if path.startswith("/") else f"{self.base}/{path}") + (f"?{urlencode(query)}" if query else "")
        body = None if form is None else urlencode(form, doseq=True).encode()
        return self.send(method, target, body, {"Authorization": basic(self.sid, self._token)})

    def get(self, path: str, query: Form | None = None) -> Reply:
        """Send a GET request."""
        return self.request("GET", path, query=query)

    def post(self, path: str, form: Form | None = None) -> Reply:
        """Send a POST request with a form."""
        return self.request("POST", path, form)

    def text(self, **changes: str) -> Any:
        """Send a text message, and return its representation."""
        return self.post("Messages.json", {"To": PHONE, "From": NUMBER, "Body": "hello", **changes}).json

    def send(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        """Send a request with only these headers, plus the content type of a form."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=LIMIT_S)
        kind = {} if body is None else {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, target, body, {**kind, **headers})
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()


def basic(sid: str, token: str) -> str:
    """Return the Authorization header of basic authentication."""
    return "Basic " + base64.b64encode(f"{sid}:{token}".encode()).decode()

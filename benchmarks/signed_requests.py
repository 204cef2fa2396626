"""The requests that are sent: complete, authenticated, signed, and each with a message SID of its own."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from benchmarks.echo_text import TEXT
from benchmarks.wrk import RequestFile
from twiml_app.caller.forms import inbound_form
from twiml_app.signature import HEADER, sign
from twiml_app.webhook import FORM_TYPE, Form

HOST = "bench.example"
URL = f"http://{HOST}/message"
CREDENTIALS = "bench:quite-long-enough"
TOKEN = "0123456789abcdef0123456789abcdef"
_CONTACT, _SID = "+19990000000", "SM" + "f" * 32
_PLACES = {"ToState": "CA", "ToCity": "SAN FRANCISCO", "FromState": "NY", "FromCity": "NEW YORK", "FromZip": "10001"}
_FIELDS = {"MessagingServiceSid": "MG" + "a" * 32, "MessageType": "text", "AddOns": "{}", **_PLACES}
_FORM = inbound_form(TEXT, from_=_CONTACT, message_sid=_SID, fields=_FIELDS)


def basic(credentials: str = CREDENTIALS) -> str:
    """Return the Authorization header of a user and password."""
    return "Basic " + base64.b64encode(credentials.encode()).decode()


def new_form() -> Form:
    """Return a form with another contact and message SID than any before."""
    contact, sid = f"+1{secrets.randbelow(10**10):010}", "SM" + secrets.token_hex(16)
    changed = {_CONTACT: contact, _SID: sid}
    return Form([(name, changed.get(value, value)) for name, value in _FORM.pairs])


def signed_headers(form: Form) -> dict[str, str]:
    """Return the headers of a request that Twilio would send with a form."""
    headers = {"Host": HOST, "Accept": "*/*", "User-Agent": "TwilioProxy/1.1", "Content-Type": FORM_TYPE}
    headers |= {"I-Twilio-Idempotency-Token": "0d9ba1f6-7b1c-4e5f-9e5a-1b7d4a0b9a6e", "Authorization": basic()}
    return headers | {HEADER: sign(URL, form.pairs, TOKEN)}


def raw_request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return the bytes of a POST request."""
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def write_requests(path: Path, count: int) -> RequestFile:
    """Write signed requests to a file: all have the same length, as only sids, digits and signatures differ."""
    size = 0
    with path.open("wb") as file:
        for _ in range(count):
            form = new_form()
            raw = raw_request("/message", signed_headers(form), form.encode().encode())
            assert size in (0, len(raw)), "requests of different lengths"
            size = len(raw)
            file.write(raw)
    return RequestFile(path, size, count)

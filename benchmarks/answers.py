"""Checks a contestant's answers before it is timed: a fast wrong answer is worth nothing."""

from __future__ import annotations

import http.client
import xml.etree.ElementTree as ET
from contextlib import closing

from benchmarks.contestants import Contestant
from benchmarks.echo_text import TEXT
from benchmarks.plan import NotMeasured
from benchmarks.signed_requests import basic, new_form, signed_headers
from twiml_app.signature import HEADER

_WRONG_SIGNATURE = "A" * 27 + "="


def check_answers(contestant: Contestant, port: int) -> None:
    """Check that the text is echoed, and that forged requests are refused.

    Raises: NotMeasured.
    """
    status, body = _post(port, {})
    if status != 200 or _text_of(body) != TEXT:
        raise NotMeasured(f"{contestant.name} gave a wrong answer: {status} {body[:200]!r}")
    if contestant.checks_credentials:
        _require(contestant, port, 401, {"Authorization": basic("bench:wrong-password")})
    if contestant.checks_signature:
        _require(contestant, port, 403, {HEADER: _WRONG_SIGNATURE})


def _require(contestant: Contestant, port: int, expected: int, forged: dict[str, str]) -> None:
    status, _ = _post(port, forged)
    if status != expected:
        raise NotMeasured(f"{contestant.name} answered a forged {next(iter(forged))} with {status}, not {expected}")


def _post(port: int, changed: dict[str, str]) -> tuple[int, bytes]:
    form = new_form()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", "/message", form.encode().encode(), signed_headers(form) | changed)
        answer = connection.getresponse()
        return answer.status, answer.read()


def _text_of(document: bytes) -> str | None:
    """Return the text of the only message of a document; None if it is not one."""
    try:
        messages = ET.fromstring(document).findall("Message")
    except ET.ParseError:
        return None
    if len(messages) != 1:
        return None
    return messages[0].findtext("Body") or messages[0].text

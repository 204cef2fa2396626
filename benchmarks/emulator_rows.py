"""The row about the emulator: messages created by REST, over eight connections."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.contestants import Contestant
from benchmarks.plan import NotMeasured, Plan
from benchmarks.report import Found
from benchmarks.rounds import Traffic, measure_rounds, speeds, summarize
from benchmarks.rows import Measurement
from benchmarks.signed_requests import raw_request
from benchmarks.wrk import RequestFile
from twiml_app.webhook import FORM_TYPE

_CONNECTIONS, _SENDERS = 8, 10
_ACCOUNT, _TOKEN = "AC" + "1" * 32, "2" * 32
_PATH = f"/2010-04-01/Accounts/{_ACCOUNT}/Messages.json"
_EMULATOR = Contestant(
    name="the emulator",
    command=lambda port: [str(Path(sys.executable).with_name("twiml-app")), "emulator", "--port", str(port)],
    settings={"TWILIO_ACCOUNT_SID": _ACCOUNT, "TWILIO_AUTH_TOKEN": _TOKEN, "PYTHONUNBUFFERED": "1"},
)


def measure_emulator(plan: Plan, keys: frozenset[str]) -> Found:
    """Measure how many messages per second the emulator accepts; it delivers them meanwhile."""
    missing: dict[str, str] = {}
    traffic = Traffic(connections=_CONNECTIONS, write=_write, check=_check)
    rounds = measure_rounds(plan, traffic, [_EMULATOR], missing)
    if not rounds:
        return Found([Measurement("emulator", (), missing[_EMULATOR.name])])
    return Found([Measurement("emulator", tuple(speeds(rounds, _EMULATOR.name)))], summarize(rounds, _CONNECTIONS))


def _form(place: int) -> bytes:
    to, sender = f"+1555{secrets.randbelow(10**7):07}", f"+1501712266{place % _SENDERS}"
    return urlencode({"To": to, "From": sender, "Body": "Your order is on its way."}).encode()


def _headers(token: str = _TOKEN) -> dict[str, str]:
    basic = base64.b64encode(f"{_ACCOUNT}:{token}".encode()).decode()
    return {"Host": "localhost", "Authorization": f"Basic {basic}", "Content-Type": FORM_TYPE}


def _write(path: Path, count: int) -> RequestFile:
    requests = [raw_request(_PATH, _headers(), _form(place)) for place in range(count // _SENDERS)]
    path.write_bytes(b"".join(requests))
    return RequestFile(path, len(requests[0]), len(requests))


def _check(contestant: Contestant, port: int) -> None:
    """Check that a message is created, and that a wrong token is refused.

    Raises: NotMeasured.
    """
    status, answer = _post(port, _TOKEN)
    if status != 201 or answer["status"] != "queued":
        raise NotMeasured(f"the emulator answered {status} {answer}")
    if _post(port, "3" * 32)[0] != 401:
        raise NotMeasured("the emulator accepted a wrong token")


def _post(port: int, token: str) -> tuple[int, dict[str, str]]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", _PATH, _form(0), _headers(token))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

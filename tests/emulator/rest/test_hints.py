"""Hints in the request log: what a client did wrong, and how to fix it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.emulator.rest.asking import Client, basic
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
GOOD = "To=%2B15558675310&From=%2B15017122661&Body=hello"
RIGHT = basic(ACCOUNT_SID, AUTH_TOKEN)


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request, valid unless a field is changed."""

    body: str | bytes = GOOD
    path: str = f"{BASE}/Messages.json"
    method: str = "POST"
    headers: Mapping[str, str | None] = field(default_factory=dict)


MISTAKES = {
    "plus sign in a form": (
        RawRequest("To=+15558675310&From=%2B15017122661&Body=hello"),
        "To starts with a space: an unencoded + means a space. With curl, use --data-urlencode",
    ),
    "plus sign in the sender": (
        RawRequest("To=%2B15558675310&From=+15017122661&Body=hello"),
        "From starts with a space: an unencoded + means a space. With curl, use --data-urlencode",
    ),
    "plus sign in a number that is added": (
        RawRequest("PhoneNumber=+15017122661", f"{BASE}/IncomingPhoneNumbers.json"),
        "PhoneNumber starts with a space: an unencoded + means a space. With curl, use --data-urlencode",
    ),
    "plus sign in a query": (
        RawRequest("", f"{BASE}/IncomingPhoneNumbers.json?PhoneNumber=+15017122661", "GET"),
        "PhoneNumber starts with a space: an unencoded + means a space. Write %2B, or use curl -G --data-urlencode",
    ),
    "name in lower case": (
        RawRequest(f"{GOOD}&body=hello"),
        "body: write Body, names are case-sensitive",
    ),
    "name of the Python argument": (
        RawRequest(f"{GOOD}&from_=x"),
        "from_: write From, names are case-sensitive",
    ),
    "name of two words in snake case": (
        RawRequest(f"{GOOD}&status_callback=x"),
        "status_callback: write StatusCallback, names are case-sensitive",
    ),
    "number after a name": (
        RawRequest(f"{GOOD}&MediaUrl0=https://example.com/a.gif"),
        "MediaUrl0: write MediaUrl, and repeat it for each value",
    ),
    "index after a name": (
        RawRequest(f"{GOOD}&MediaUrl[0]=https://example.com/a.gif"),
        "MediaUrl[0]: write MediaUrl, and repeat it for each value",
    ),
    "brackets after a name": (
        RawRequest(f"{GOOD}&MediaUrl%5B%5D=https://example.com/a.gif"),
        "MediaUrl[]: write MediaUrl, and repeat it for each value",
    ),
    "unknown name": (RawRequest(f"{GOOD}&Text=hello"), "Text is not a parameter of a message"),
    "unknown name, no extension": (
        RawRequest(f"{GOOD}&Text=hello", f"{BASE}/Messages"),
        "Text is not a parameter of a message",
    ),
    "unknown name, old resource": (
        RawRequest(f"{GOOD}&Text=hello", f"{BASE}/SMS/Messages.xml"),
        "Text is not a parameter of a message",
    ),
    "parameters in the query": (
        RawRequest("", f"{BASE}/Messages.json?{GOOD}"),
        "To is in the URL's query string: send it in the body",
        "From is in the URL's query string: send it in the body",
        "Body is in the URL's query string: send it in the body",
    ),
    "JSON": (
        RawRequest('{"To": "+15558675310"}', headers={"Content-Type": "application/json"}),
        "the content type is application/json: the API expects a form, application/x-www-form-urlencoded",
    ),
    "multipart form": (
        RawRequest(
            '--x\r\nContent-Disposition: form-data; name="Body"\r\n\r\nhello\r\n--x--\r\n',
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        ),
        "the content type is multipart/form-data: the API expects a form, application/x-www-form-urlencoded",
    ),
    "empty content type": (
        RawRequest(headers={"Content-Type": ""}),
        "the content type is missing: the API expects a form, application/x-www-form-urlencoded",
    ),
    "not UTF-8": (
        RawRequest(b"Body=caf\xe9"),
        "the body is not a UTF-8 form: write each parameter as Name=value, percent-encoded",
    ),
    "JSON accepted, no extension": (
        RawRequest(path=f"{BASE}/Messages", headers={"Accept": "application/json"}),
        "without an extension the response is XML: for JSON, end the path with .json",
    ),
    "method in the body": (
        RawRequest("_method=DELETE", f"{BASE}/Applications.json"),
        "_method belongs in the URL's query string",
    ),
    "method in the body of a message": (
        RawRequest(f"{GOOD}&_method=PUT"),
        "_method belongs in the URL's query string",
    ),
    "unsupported method in the query": (
        RawRequest("", f"{BASE}/Applications.json?_method=PATCH"),
        "_method is PATCH: it must be PUT or DELETE",
    ),
    "two slashes": (RawRequest("", f"{BASE}//Messages.json", "GET"), "the path has two slashes in a row"),
    "no API version": (
        RawRequest("", f"/Accounts/{ACCOUNT_SID}/Messages.json", "GET"),
        "the API version is missing: paths start with /2010-04-01",
    ),
    "unknown extension": (
        RawRequest("", f"{BASE}/Messages.html", "GET"),
        "unknown extension: end the path with .json, .xml, .csv or no extension",
    ),
    "extension in capitals": (
        RawRequest("", f"{BASE}/Messages.JSON", "GET"),
        "unknown extension: end the path with .json, .xml, .csv or no extension",
    ),
    "no credentials": (
        RawRequest(headers={"Authorization": None}),
        "no credentials were sent: use basic authentication with the account SID and token",
    ),
    "bearer token": (
        RawRequest(headers={"Authorization": "Bearer abc"}),
        "these are not valid basic credentials: encode the account SID, a colon and the token in base64",
    ),
    "credentials not in base64": (
        RawRequest(headers={"Authorization": f"Basic {ACCOUNT_SID}:{AUTH_TOKEN}"}),
        "these are not valid basic credentials: encode the account SID, a colon and the token in base64",
    ),
    "API key": (
        RawRequest(headers={"Authorization": basic("SK" + "1" * 32, "secret")}),
        "the emulator does not support API keys: send the account SID and token",
    ),
    "wrong token": (
        RawRequest(headers={"Authorization": basic(ACCOUNT_SID, "wrong")}),
        "no account in this emulator has this SID and token",
    ),
}


@pytest.mark.parametrize(
    ("mistake", "hints"), [(mistake, hints) for mistake, *hints in MISTAKES.values()], ids=MISTAKES
)
def test_request_with_a_mistake_gets_a_hint(
    mistake: RawRequest, hints: list[str], emulator: Emulator, client: Client
) -> None:
    """The error code says what is missing, but not why."""
    headers = {"Authorization": RIGHT, **mistake.headers}
    given = {name: value for name, value in headers.items() if value is not None}
    body = mistake.body.encode() if isinstance(mistake.body, str) else mistake.body
    client.send(mistake.method, mistake.path, body or None, given)

    assert list(emulator.requests[-1].hints) == hints


@pytest.mark.parametrize(
    "correct",
    [
        RawRequest(),
        RawRequest(f"{GOOD}&MediaUrl=https%3A%2F%2Fe.example%2Fa&MediaUrl=https%3A%2F%2Fe.example%2Fb"),
        RawRequest("", f"{BASE}/Messages.json?To=%2B15558675310&DateSent%3E=2020-01-01", "GET"),
        RawRequest("", f"{BASE}/Messages.json", "GET", {"Content-Type": "application/x-www-form-urlencoded"}),
        RawRequest("", f"{BASE}/Messages", "GET", {"Accept": "*/*"}),
        RawRequest("", "/v1/Services", "GET", {"Accept": "application/json"}),
        RawRequest(GOOD, f"{BASE}/Messages.json?trace=1"),
        RawRequest("", "/v1/Nothing", "GET", {"Accept": "application/json"}),
        RawRequest("FriendlyName=one", f"{BASE}/Applications.json", "POST"),
        RawRequest("", f"{BASE}/Applications.json", "POST"),
        RawRequest("", f"{BASE}/Applications/AP1.json?_method=delete", "POST"),
        RawRequest("", f"{BASE}/Messages/SM1.json", "GET"),
    ],
    ids=lambda correct: f"{correct.method} {correct.path} {correct.body}",
)
def test_correct_request_gets_no_hint(correct: RawRequest, emulator: Emulator, client: Client) -> None:
    """Nobody reads hints that are always there."""
    headers = {name: value for name, value in correct.headers.items() if value is not None}
    body = str(correct.body).encode() or None
    client.send(correct.method, correct.path, body, {"Authorization": RIGHT, **headers})

    assert emulator.requests[-1].hints == ()


def test_number_of_hints_is_limited(emulator: Emulator, client: Client) -> None:
    """Nobody reads a thousand hints."""
    body = "&".join(f"name{n}x=1" for n in range(1000))
    client.send("POST", f"{BASE}/Messages.json", body.encode(), {"Authorization": RIGHT})

    assert emulator.requests[-1].hints == tuple(f"name{n}x is not a parameter of a message" for n in range(20))

"""Hints in the log of requests: what a client did wrong, and what to do instead."""

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
class Careless:
    """A request with something wrong in it."""

    body: str | bytes = GOOD
    path: str = f"{BASE}/Messages.json"
    method: str = "POST"
    headers: Mapping[str, str | None] = field(default_factory=dict)


CARELESS = {
    "a + in a form": (
        Careless("To=+15558675310&From=%2B15017122661&Body=hello"),
        "To begins with a space: a + in a form is one. With curl, use --data-urlencode",
    ),
    "a + in the sender": (
        Careless("To=%2B15558675310&From=+15017122661&Body=hello"),
        "From begins with a space: a + in a form is one. With curl, use --data-urlencode",
    ),
    "a + in a number that is taken": (
        Careless("PhoneNumber=+15017122661", f"{BASE}/IncomingPhoneNumbers.json"),
        "PhoneNumber begins with a space: a + in a form is one. With curl, use --data-urlencode",
    ),
    "a + in a query": (
        Careless("", f"{BASE}/IncomingPhoneNumbers.json?PhoneNumber=+15017122661", "GET"),
        "PhoneNumber begins with a space: a + in a query is one. Write it as %2B, with curl -G --data-urlencode",
    ),
    "a name in small letters": (
        Careless(f"{GOOD}&body=hello"),
        "body: it is written Body, and case counts",
    ),
    "a name as Python writes it": (
        Careless(f"{GOOD}&from_=x"),
        "from_: it is written From, and case counts",
    ),
    "a name of two words": (
        Careless(f"{GOOD}&status_callback=x"),
        "status_callback: it is written StatusCallback, and case counts",
    ),
    "a number in a name": (
        Careless(f"{GOOD}&MediaUrl0=https://example.com/a.gif"),
        "MediaUrl0: write MediaUrl, as often as there are values",
    ),
    "an index": (
        Careless(f"{GOOD}&MediaUrl[0]=https://example.com/a.gif"),
        "MediaUrl[0]: write MediaUrl, as often as there are values",
    ),
    "brackets": (
        Careless(f"{GOOD}&MediaUrl%5B%5D=https://example.com/a.gif"),
        "MediaUrl[]: write MediaUrl, as often as there are values",
    ),
    "an unknown name": (Careless(f"{GOOD}&Text=hello"), "Text is no parameter of a message"),
    "an unknown name, without extension": (
        Careless(f"{GOOD}&Text=hello", f"{BASE}/Messages"),
        "Text is no parameter of a message",
    ),
    "an unknown name in 2010": (
        Careless(f"{GOOD}&Text=hello", f"{BASE}/SMS/Messages.xml"),
        "Text is no parameter of a message",
    ),
    "parameters in the query": (
        Careless("", f"{BASE}/Messages.json?{GOOD}"),
        "To stands in the query of the URL: send it in the body",
        "From stands in the query of the URL: send it in the body",
        "Body stands in the query of the URL: send it in the body",
    ),
    "JSON": (
        Careless('{"To": "+15558675310"}', headers={"Content-Type": "application/json"}),
        "the content type is application/json: the API takes forms, application/x-www-form-urlencoded",
    ),
    "a form in parts": (
        Careless(
            '--x\r\nContent-Disposition: form-data; name="Body"\r\n\r\nhello\r\n--x--\r\n',
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        ),
        "the content type is multipart/form-data: the API takes forms, application/x-www-form-urlencoded",
    ),
    "an empty content type": (
        Careless(headers={"Content-Type": ""}),
        "the content type is missing: the API takes forms, application/x-www-form-urlencoded",
    ),
    "bytes that are no UTF-8": (
        Careless(b"Body=caf\xe9"),
        "the body is no form in UTF-8: every parameter is written as Name=value, percent-encoded",
    ),
    "JSON wanted, and no extension": (
        Careless(path=f"{BASE}/Messages", headers={"Accept": "application/json"}),
        "without an extension the answer is XML: for JSON, end the path with .json",
    ),
    "the method in the body": (
        Careless("_method=DELETE", f"{BASE}/Applications.json"),
        "_method belongs into the query of the URL",
    ),
    "the method in the body of a message": (
        Careless(f"{GOOD}&_method=PUT"),
        "_method belongs into the query of the URL",
    ),
    "another method in the query": (
        Careless("", f"{BASE}/Applications.json?_method=PATCH"),
        "_method is PATCH: it is PUT or DELETE",
    ),
    "two slashes": (Careless("", f"{BASE}//Messages.json", "GET"), "the path has two slashes in a row"),
    "no version": (
        Careless("", f"/Accounts/{ACCOUNT_SID}/Messages.json", "GET"),
        "the version is missing: paths begin with /2010-04-01",
    ),
    "an unknown extension": (
        Careless("", f"{BASE}/Messages.html", "GET"),
        "a path ends with .json, .xml, .csv, or without an extension",
    ),
    "an extension in capitals": (
        Careless("", f"{BASE}/Messages.JSON", "GET"),
        "a path ends with .json, .xml, .csv, or without an extension",
    ),
    "no credentials": (
        Careless(headers={"Authorization": None}),
        "no credentials came with it: send the account's sid and token by basic authentication",
    ),
    "a bearer token": (
        Careless(headers={"Authorization": "Bearer abc"}),
        "these credentials are not those of basic authentication: the account's sid, a colon, and its token",
    ),
    "credentials that are not in base64": (
        Careless(headers={"Authorization": f"Basic {ACCOUNT_SID}:{AUTH_TOKEN}"}),
        "these credentials are not those of basic authentication: the account's sid, a colon, and its token",
    ),
    "an API key": (
        Careless(headers={"Authorization": basic("SK" + "1" * 32, "secret")}),
        "the emulator has no API keys: send the account's sid and token",
    ),
    "a wrong token": (
        Careless(headers={"Authorization": basic(ACCOUNT_SID, "wrong")}),
        "no account of this emulator has this sid and this token",
    ),
}


@pytest.mark.parametrize(
    ("careless", "hints"), [(careless, hints) for careless, *hints in CARELESS.values()], ids=CARELESS
)
def test_careless_request_is_told_what_is_wrong(
    careless: Careless, hints: list[str], emulator: Emulator, client: Client
) -> None:
    """The code of a refusal says what is missing, and not why."""
    headers = {"Authorization": RIGHT, **careless.headers}
    given = {name: value for name, value in headers.items() if value is not None}
    body = careless.body.encode() if isinstance(careless.body, str) else careless.body
    client.send(careless.method, careless.path, body or None, given)

    assert list(emulator.requests[-1].hints) == hints


@pytest.mark.parametrize(
    "careful",
    [
        Careless(),
        Careless(f"{GOOD}&MediaUrl=https%3A%2F%2Fe.example%2Fa&MediaUrl=https%3A%2F%2Fe.example%2Fb"),
        Careless("", f"{BASE}/Messages.json?To=%2B15558675310&DateSent%3E=2020-01-01", "GET"),
        Careless("", f"{BASE}/Messages.json", "GET", {"Content-Type": "application/x-www-form-urlencoded"}),
        Careless("", f"{BASE}/Messages", "GET", {"Accept": "*/*"}),
        Careless("", "/v1/Services", "GET", {"Accept": "application/json"}),
        Careless(GOOD, f"{BASE}/Messages.json?trace=1"),
        Careless("", "/v1/Nothing", "GET", {"Accept": "application/json"}),
        Careless("FriendlyName=one", f"{BASE}/Applications.json", "POST"),
        Careless("", f"{BASE}/Applications.json", "POST"),
        Careless("", f"{BASE}/Applications/AP1.json?_method=delete", "POST"),
        Careless("", f"{BASE}/Messages/SM1.json", "GET"),
    ],
    ids=lambda careful: f"{careful.method} {careful.path} {careful.body}",
)
def test_careful_request_is_told_nothing(careful: Careless, emulator: Emulator, client: Client) -> None:
    """Hints that are always there are not read."""
    headers = {name: value for name, value in careful.headers.items() if value is not None}
    body = str(careful.body).encode() or None
    client.send(careful.method, careful.path, body, {"Authorization": RIGHT, **headers})

    assert emulator.requests[-1].hints == ()


def test_log_has_a_few_hints_of_many(emulator: Emulator, client: Client) -> None:
    """Nobody reads the others."""
    body = "&".join(f"name{n}x=1" for n in range(1000))
    client.send("POST", f"{BASE}/Messages.json", body.encode(), {"Authorization": RIGHT})

    assert emulator.requests[-1].hints == tuple(f"name{n}x is no parameter of a message" for n in range(20))

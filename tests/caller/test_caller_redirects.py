"""Redirects: the caller follows them as a browser does, up to Twilio's limit."""

from __future__ import annotations

import traceback

import pytest

from tests.caller.calling import FORM, OK, URL, call, failure, is_signed, moved, wire
from twiml_app.caller.urls import resolve
from twiml_app.webhook import WebhookResponse


@pytest.mark.parametrize(
    ("status", "method"),
    [
        pytest.param(301, "GET", id="301"),
        pytest.param(302, "GET", id="302"),
        pytest.param(303, "GET", id="303"),
        pytest.param(307, "POST", id="307"),
        pytest.param(308, "POST", id="308"),
    ],
)
def test_redirect_is_followed_as_browsers_do(status: int, method: str) -> None:
    """A redirect from http to https silently turns a POST into a GET, which tests must show."""
    transport = wire(moved(status, "/other?x=1"), OK)
    answer = call(transport)
    request = transport.sent[1]
    there = "https://sms.example.com/other?x=1"

    assert request.method == method
    assert request.url == (there if method == "POST" else f"{there}&{FORM.encode()}")
    assert request.body == (FORM.encode().encode() if method == "POST" else b"")
    assert is_signed(request)
    assert answer.url == there


def test_ten_redirects_are_followed_and_no_more() -> None:
    """A loop ends with the error code that Twilio's debugger shows."""
    transport = wire(*[moved(307, "/again")] * 10, OK)
    assert call(transport).response == OK

    endless = wire(moved(302, "/again"))
    error = failure(endless)
    assert (error.code, error.problem) == (11215, "too many redirects")
    assert len(endless.sent) == 11


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("ftp://example.com/", id="another scheme"),
        pytest.param("mailto:me", id="not a host"),
        pytest.param("http://[", id="broken"),
        pytest.param("https://example.com:99999/", id="invalid port"),
    ],
)
def test_redirect_to_another_kind_of_url_is_a_failed_call(location: str) -> None:
    """A bad Location header must not raise anything other than CallError."""
    error = failure(wire(moved(302, location)))

    assert (error.url, error.code) == (URL, 11100)
    assert error.problem == f"redirects to {location!r}, which is not an http(s) URL"


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        pytest.param("ftp://sms:SECRET@h/", "h/", id="another scheme"),
        pytest.param("ftp://sms:SEC@RET@h/x", "h/x", id="at sign in the password"),
        pytest.param("http://sms:SECRET@[::1/x", "[::1/x", id="invalid host"),
        pytest.param("http://sms:SECRET@\u2100.example/x", "\u2100.example/x", id="forbidden host"),
        pytest.param("http://sms:SECRET@h:99999/x", "h:99999/x", id="invalid port"),
    ],
)
def test_error_of_an_invalid_redirect_shows_no_password(target: str, shown: str) -> None:
    """The error is logged and shown in the debugger, including its cause."""
    error = failure(wire(moved(302, target)))

    assert (error.problem, error.code) == (f"redirects to {shown!r}, which is not an http(s) URL", 11100)
    assert "SECRET" not in "".join(traceback.format_exception(error))


def test_redirect_without_a_location_is_the_answer() -> None:
    """There is no URL to follow."""
    assert call(wire(WebhookResponse(status=302))).response.status == 302


@pytest.mark.parametrize(
    ("url", "target", "expected"),
    [
        pytest.param("https://a:b@h/x/y", "z", "https://a:b@h/x/z", id="relative"),
        pytest.param("https://a:b@h/x", "https://h/z", "https://a:b@h/z", id="same host"),
        pytest.param("https://a:b@h/x", "https://c:d@h/z", "https://c:d@h/z", id="with credentials of its own"),
        pytest.param("https://h/x", "?z", "https://h/x?z", id="no credentials"),
        pytest.param("https://a:b@h/x#rc=2", "/z", "https://a:b@h/z", id="overrides are dropped"),
    ],
)
def test_relative_url_is_resolved_with_the_credentials_of_its_host(url: str, target: str, expected: str) -> None:
    """A Redirect back to the application is challenged like any request."""
    assert resolve(url, target) == expected

"""The phone page: who may use it, what its answers allow a browser to do, and what it refuses."""

from __future__ import annotations

import pytest

from tests.emulator.phone_page.page_client import PageClient
from tests.emulator.program import emulator
from twiml_app.emulator import Emulator
from twiml_app.emulator.phone_page.security import is_loopback

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def test_page_and_its_answers_allow_a_browser_nothing_else(page: PageClient) -> None:
    """Nothing is loaded from elsewhere, kept, or shown in a frame of another site."""
    for path in ("/", "state", "static/base.css", "nothing"):
        headers = page.get(path).headers

        assert headers["Content-Security-Policy"] == POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_page_needs_no_password(page: PageClient) -> None:
    """It is the first thing that a newcomer opens."""
    html = page.get("/")

    assert (html.status, html.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b'<script type="application/json" id="state">{"account_sid": "AC' in html.content
    assert page.get("static/base.css").headers["Content-Type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        pytest.param({"Host": "evil.example"}, "'evil.example' is not a name of this machine", id="DNS rebinding"),
        pytest.param({"Host": "api.twilio.com"}, "'api.twilio.com' is not a name of this machine", id="Twilio's host"),
        pytest.param({"Host": None}, "'' is not a name of this machine", id="no Host"),
        pytest.param({"Host": "192.0.2.7:80"}, "'192.0.2.7:80' is not a name of this machine", id="address elsewhere"),
        pytest.param({"Origin": "https://evil.example"}, "pages of https://evil.example may not", id="other site"),
        pytest.param({"Origin": "null"}, "pages of null may not", id="sandboxed page"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, "pages of http://127.0.0.1:1 may not", id="other port"),
        pytest.param({"Origin": None, "Sec-Fetch-Site": "cross-site"}, "pages of other sites", id="link"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, "pages of other sites", id="neighbour"),
        pytest.param({"X-Twiml-Phone": None}, "the header X-Twiml-Phone is missing", id="form of another site"),
    ],
)
def test_requests_of_other_sites_are_refused(
    page: PageClient, twilio: Emulator, headers: dict[str, str | None], problem: str
) -> None:
    """The page needs no password, so every web page could text, read and reset."""
    page.headers = headers
    refused = page.post("segments", body="hi")

    assert (refused.status, refused.error.startswith(f"Access denied: {problem}")) == (403, True), refused.error


@pytest.mark.parametrize("path", ["state", "messages", "events", "poll"])
def test_other_sites_cannot_read(page: PageClient, path: str) -> None:
    """A script of another site could not read the answer, but it could be made to run it."""
    page.headers = {"Sec-Fetch-Site": "cross-site"}

    assert page.get(path).status == 403
    assert page.get("/").status == 200  # a link to the page


@pytest.mark.parametrize(
    ("ask", "status", "problem"),
    [
        pytest.param(lambda page: page.get("nothing"), 404, "there is no such page", id="unknown path"),
        pytest.param(lambda page: page.get("static/../page.py"), 404, "there is no such", id="file elsewhere"),
        pytest.param(lambda page: page.get("static/no.css"), 404, "there is no such file", id="unknown file"),
        pytest.param(lambda page: page.get("media/ME1"), 404, "there is no such media file", id="unknown media"),
        pytest.param(lambda page: page.post("state"), 405, "this method is not allowed here", id="method"),
        pytest.param(lambda page: page.get("messages", limit="many"), 400, "limit must be a number", id="not a number"),
        pytest.param(lambda page: page.get("messages", limit="nan"), 400, "limit must be a number", id="NaN"),
        pytest.param(lambda page: page.get("conversations", limit=501), 400, "limit must be a number", id="too many"),
        pytest.param(lambda page: page.post("segments", body=5), 400, "body must be a string", id="type"),
        pytest.param(lambda page: page.post("segments", body="x" * 20_001), 400, "body must be a string", id="length"),
        pytest.param(
            lambda page: page.post("segments", body="x" * 100_000), 413, "the body can have at most", id="size"
        ),
    ],
)
def test_bad_requests_are_refused_with_one_line(page: PageClient, ask: object, status: int, problem: str) -> None:
    """The page shows it."""
    refused = ask(page)  # type: ignore[operator]

    assert (refused.status, refused.error.startswith(problem)) == (status, True), refused.error


def test_bodies_that_are_not_json_are_refused(page: PageClient) -> None:
    """A form of another site cannot be JSON."""
    page.headers = {"Content-Type": "text/plain"}
    assert page.post("segments", body="hi").status == 415
    page.headers = {"Content-Type": "application/json"}
    assert page._ask("POST", "segments", {}, b"{", "").error == "the body is not JSON"
    assert page._ask("POST", "segments", {}, b"[]", "").error == "the body must be a JSON object"


def test_page_is_not_served_to_a_network() -> None:
    """Everybody there could read and write without a password; the REST API needs one."""
    with emulator(host="0.0.0.0") as twilio:
        refused = PageClient(twilio).get("/")

        assert (refused.status, "only served on this machine" in refused.error) == (403, True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[
            (name, True)
            for name in ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST.", "a.localhost")
        ],
        *[(name, False) for name in ("0.0.0.0", "192.168.0.1", "localhost.example", "::", "", "twilio.com")],
    ],
)
def test_loopback_names_are_those_of_this_machine(name: str, expected: bool) -> None:
    """Every other name can belong to somebody else."""
    assert is_loopback(name) is expected


def test_segments_are_counted_as_they_are_billed(page: PageClient) -> None:
    """The counter of the page shows it."""
    assert page.post("segments", body="hi").json == {"encoding": "GSM-7", "segments": 1, "units": 2}
    assert page.post("segments", body="ж" * 71).json == {"encoding": "UCS-2", "segments": 2, "units": 71}

"""``explain``: why a request was refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.command_line import SETTINGS, run
from twiml_app.app import create_app
from twiml_app.caller.caller import Caller
from twiml_app.caller.forms import inbound_form
from twiml_app.caller.types import OutgoingRequest, Webhook
from twiml_app.cli import main
from twiml_app.cli.explain import read_saved
from twiml_app.config import Settings
from twiml_app.errors import CallError
from twiml_app.testing import Phone
from twiml_app.webhook import WebhookResponse


def saved_request(url: str, token: str, *, credentials: bool = True) -> bytes:
    """Return a signed request as it goes over the wire."""
    sent: list[OutgoingRequest] = []

    def record(request: OutgoingRequest) -> WebhookResponse:
        sent.append(request)
        done = any(name == "Authorization" for name, _ in request.headers)
        return WebhookResponse(status=200 if done else 401, headers=(("WWW-Authenticate", 'Basic realm="x"'),))

    try:
        Caller(record, token=token).call(Webhook(url=url), inbound_form("hi"))
    except CallError:
        assert not credentials
    request = sent[-1]
    host, _, path = request.url.partition("://")[2].partition("/")
    lines = [f"POST /{path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in request.headers)]
    return "\r\n".join([*lines, "", ""]).encode() + request.body


@pytest.mark.parametrize(
    ("url", "options", "status", "says"),
    [
        pytest.param(
            "https://sms:quite-long-enough@x.example/message", ["--scheme", "https"], 0, "accepted", id="good"
        ),
        pytest.param(
            "https://sms:quite-long-enough@x.example/message",
            [],
            1,
            "matches with https: set TWIML_PUBLIC_URL",
            id="http",
        ),
        pytest.param("https://x.example/message", ["--scheme", "https"], 1, "refused      401", id="no credentials"),
        pytest.param(
            "https://sms:wrong@x.example/sms/message",
            [],
            1,
            "do not match any in TWIML_CREDENTIALS",
            id="wrong password",
        ),
    ],
)
def test_explain_gives_the_reason_for_a_refusal(
    tmp_path: Path, url: str, options: list[str], status: int, says: str
) -> None:
    """The sender never learns the reason, so the operator must be able to find it."""
    file = tmp_path / "request.http"
    file.write_bytes(saved_request(url, "token", credentials="@" in url))
    settings = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWILIO_AUTH_TOKEN": "token"}

    result = run("explain", str(file), *options, environment=settings)

    assert (result.exit_code, says in result.output) == (status, True), result.output


@pytest.mark.parametrize(
    ("form", "says"),
    [
        pytest.param(
            "MessageSid=SM1&MessageStatus=failed&ErrorCode=30005", "SM1: failed, ErrorCode 30005", id="status"
        ),
        pytest.param("CallSid=CA1", "voice webhook", id="voice"),
        pytest.param("MessageSid=SM1&From=%2B15005550001&To=%2B15005550006&Body=x", "from +*******0001", id="message"),
    ],
)
def test_explain_names_the_event_of_a_saved_request(tmp_path: Path, form: str, says: str) -> None:
    """An editor may save a request with other line endings, and add one at the end."""
    file = tmp_path / "request.http"
    head = "POST https://x.example/fallback HTTP/1.1\nAuthorization: Basic c21zOnF1aXRlLWxvbmctZW5vdWdo\n\n"
    file.write_text(f"{head}{form}\n")

    result = run("explain", str(file), environment=SETTINGS)

    assert (result.exit_code, says in result.output) == (0, True), result.output


def test_explain_refuses_a_file_that_is_not_a_request(tmp_path: Path) -> None:
    """The most likely mistake is a file with only the body, so the error says what is missing."""
    (tmp_path / "notes.txt").write_text("hello\nthere\n\n")

    result = run("explain", str(tmp_path / "notes.txt"), environment=SETTINGS)

    assert (result.exit_code, "does not begin with a request line" in result.stderr) == (1, True)


def test_explain_last_reports_that_nothing_was_refused(phone: Phone) -> None:
    """The cause is then somewhere else, and nobody has to search the log."""
    phone.text("hello")
    assert (run("explain", "--last").output, run("explain").exit_code) == ("no request was refused\n", 2)


def test_explain_last_gives_the_reason_of_the_last_refusal(phone: Phone) -> None:
    """Nobody saves a request before it is refused, so the journal keeps the latest ones."""
    create_app().test_client().post("/message", data={"Body": "x"}, auth=("sms", "wrong"))

    explained = run("explain", "--last")

    assert (explained.exit_code, "do not match any in TWIML_CREDENTIALS" in explained.output) == (1, True)
    assert re.search(r"^request      \S+Z POST http://localhost/message$", explained.output, re.MULTILINE)
    assert "\nrefused      401\n" in explained.output


def test_explain_without_a_file_is_wrong_usage() -> None:
    """The error must name both ways to give a request."""
    result = run("explain")

    assert (result.exit_code, "give a FILE, or --last" in result.stderr) == (2, True)


def test_explain_of_a_file_that_does_not_exist_is_wrong_usage() -> None:
    """A script must be able to distinguish a wrong file name from a refused request."""
    result = run("explain", "no-such-file")

    assert (result.exit_code, "No such file" in result.stderr) == (2, True)


def test_explain_names_the_paths_if_a_request_went_elsewhere(tmp_path: Path) -> None:
    """A typo in the URL at Twilio is a 404, which no handler and no log line explains."""
    file = tmp_path / "request.http"
    file.write_text("POST /mesage HTTP/1.1\nHost: sms.example.com\n\nBody=x")

    result = run("explain", str(file), environment=SETTINGS)

    assert result.exit_code == 1
    assert "POST /mesage, 6 bytes" in result.output
    assert "404" in result.output
    assert all(path in result.output for path in ("/message", "/status", "/fallback"))


def test_explain_reads_standard_input() -> None:
    """A request can be piped from a proxy's log."""
    request = saved_request("https://sms:quite-long-enough@x.example/message", "")

    result = CliRunner().invoke(main, ["explain", "-"], input=request, env=SETTINGS)

    assert (result.exit_code, "accepted" in result.output, "inbound message" in result.output) == (0, True, True)


@pytest.mark.parametrize(
    ("saved", "body"),
    [
        pytest.param(b"POST /message HTTP/1.1\r\n\r\na=1\r\n", b"a=1", id="without a length"),
        pytest.param(b"POST /message HTTP/1.1\nContent-Length: 3\n\na=1\n\n", b"a=1", id="with a length"),
        pytest.param(b"POST /message HTTP/1.1\r\nContent-Length: x\r\n\r\na=1", b"a=1", id="with a broken length"),
        pytest.param(b"GET /message?a=1 HTTP/1.1\r\nHost: h\r\n\r\n", b"", id="without a body"),
    ],
)
def test_saved_body_ends_where_the_request_did(saved: bytes, body: bytes) -> None:
    """A signature covers every byte, so line endings that an editor added must go."""
    assert read_saved(saved, "https", Settings.read(SETTINGS)).body == body


def test_saved_request_keeps_its_prefix_and_query() -> None:
    """The signature covers the whole URL, also under a prefix and with a request line that names the host."""
    saved = b"POST https://sms.example.com/sms/status?step=2 HTTP/1.1\r\nHost: sms.example.com\r\n\r\n"

    request = read_saved(saved, "https", Settings.read(SETTINGS))

    assert (request.endpoint, request.prefix, request.target) == ("status", "/sms", "/sms/status?step=2")
    assert (request.scheme, request.host, request.method) == ("https", "sms.example.com", "POST")

"""``explain``: why a request was refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from click import ClickException
from click.testing import CliRunner
from flask import Flask

from tests.cli.command_line import SETTINGS, run
from twiml_app import InboundMessage, Router
from twiml_app.app import Twiml, create_app
from twiml_app.caller.caller import Caller
from twiml_app.caller.forms import alert_form, inbound_form
from twiml_app.caller.transports import WsgiTransport
from twiml_app.caller.types import OutgoingRequest, Webhook
from twiml_app.cli import main
from twiml_app.cli.explain import Observer, answer_saved, read_saved
from twiml_app.errors import CallError, ConfigurationError
from twiml_app.logs import EventLine
from twiml_app.testing import Phone
from twiml_app.webhook import FORM_TYPE, Form, WebhookResponse

AUTHORIZED = "Authorization: Basic c21zOnF1aXRlLWxvbmctZW5vdWdo"
TEXT = "From=%2B15005550001&To=%2B15005550006&Body=hi&MessageSid=SM1"


def served_app(settings: Mapping[str, object] | None = None, url_prefix: str = "") -> Flask:
    """Return an application with a handler and a view that must not run."""
    router = Router()

    @router.default
    def answer(message: InboundMessage) -> str:
        raise AssertionError("a handler ran")

    app = Flask("served")
    app.config.update(SETTINGS | {"TWIML_DATABASE_URL": "off", "TWIML_PUBLIC_URL": ""} | dict(settings or {}))
    Twiml(app, router=router, url_prefix=url_prefix)

    @app.post("/delete-everything")
    def delete_everything() -> str:
        raise AssertionError("a view ran")

    return app


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
        pytest.param("https://x.example/message", ["--scheme", "https"], 1, "refused: 401", id="no credentials"),
        pytest.param("https://sms:wrong@x.example/message", [], 1, "do not match any in", id="wrong password"),
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
    head = f"POST https://x.example/fallback HTTP/1.1\n{AUTHORIZED}\n\n"
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
    assert re.search(r"^request: \S+Z POST http://localhost/message$", explained.output, re.MULTILINE)
    assert "\nrefused: 401 unauthorized\n" in explained.output


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
    assert result.output == (
        "request: POST /mesage, 6 bytes\n"
        "refused: 404 not found: the paths are /message, /status, /fallback, /alert\n"
        "answer: 404 Not Found\n"
    )


def test_explain_reads_standard_input() -> None:
    """A request can be piped from a proxy's log."""
    request = saved_request("https://sms:quite-long-enough@x.example/message", "")

    result = CliRunner().invoke(main, ["explain", "-"], input=request, env=SETTINGS)

    assert (result.exit_code, "accepted" in result.output, "inbound message" in result.output) == (0, True, True)


@pytest.mark.parametrize(
    ("line", "headers", "body", "settings"),
    [
        pytest.param("POST /mesage", [AUTHORIZED], TEXT, {}, id="404"),
        pytest.param("POST /message/", [AUTHORIZED], TEXT, {}, id="404, trailing slash"),
        pytest.param("POST /sms/message", [AUTHORIZED], TEXT, {}, id="404, prefix that is not configured"),
        pytest.param("PUT /message", [AUTHORIZED], TEXT, {}, id="405"),
        pytest.param("POST /message", [], TEXT, {}, id="401, first request of a challenge"),
        pytest.param("POST /message", ["Authorization: Basic eDp5"], TEXT, {}, id="401, wrong password"),
        pytest.param("POST /status?in_reply_to=SM1&token=x", [], TEXT, {}, id="401, wrong token"),
        pytest.param("POST /message", [AUTHORIZED], TEXT, {"TWILIO_AUTH_TOKEN": "token"}, id="403, no signature"),
        pytest.param("POST /message", [AUTHORIZED], TEXT, {"TWIML_ACCOUNTS": "AC1"}, id="403, another account"),
        pytest.param("POST /message", [AUTHORIZED], TEXT, {"TWIML_MAX_BODY_BYTES": 10}, id="413, body"),
        pytest.param("POST /message", [AUTHORIZED], TEXT, {"TWIML_MAX_FIELDS": 2}, id="413, fields"),
        pytest.param("POST /message", [AUTHORIZED, "Content-Type: text/plain"], TEXT, {}, id="400"),
        pytest.param("POST /message", [AUTHORIZED, "Host: a b"], TEXT, {}, id="400, host"),
        pytest.param(
            "POST /message",
            [AUTHORIZED, "X-Forwarded-Host: a b", "Host: x.example"],
            TEXT,
            {"TWIML_PROXY_HOPS": 1},
            id="400, host of a proxy",
        ),
        pytest.param("GET /healthz", [], "", {}, id="200, health check"),
        pytest.param("HEAD /message", [AUTHORIZED], "", {}, id="200, without a body"),
        pytest.param("OPTIONS /message", [], "", {}, id="200, without the receiver"),
    ],
)
def test_explain_gives_the_answer_and_the_reason_of_the_server(
    caplog: pytest.LogCaptureFixture, line: str, headers: list[str], body: str, settings: dict[str, object]
) -> None:
    """A diagnosis that differs from the answer of the server misleads, so both come from the same code."""
    saved = read_saved("\r\n".join([f"{line} HTTP/1.1", *headers, "", body]).encode(), "https")
    served = WsgiTransport(served_app(settings))(saved)
    logged = [record.msg.fields["reason"] for record in caplog.records if isinstance(record.msg, EventLine)]
    observed = Observer()

    answer = answer_saved(served_app(settings), saved, observed)

    assert (answer.status, answer.body) == (served.status, served.body)
    assert sorted(answer.header("allow")) == sorted(served.header("allow"))
    assert [each.reason for each in [observed.refused] if each] == logged


def test_explain_answers_a_host_that_is_not_trusted_as_the_server_does() -> None:
    """The line names the problem, and no handler of the application's own error page runs."""
    settings = {"TRUSTED_HOSTS": ["sms.example.com"]}
    saved = read_saved(
        "\r\n".join(["POST /message HTTP/1.1", AUTHORIZED, "Host: x.example", "", TEXT]).encode(), "http"
    )

    answers = [WsgiTransport(served_app(settings))(saved), answer_saved(served_app(settings), saved, Observer())]

    assert [(each.status, each.body) for each in answers] == [(400, b"the host is not served here\n")] * 2


def test_explain_runs_no_handler_and_no_view() -> None:
    """The command only looks: it must not answer a customer again, not even if the request says that it is a replay."""
    request = "\r\n".join(["POST /message HTTP/1.1", AUTHORIZED, "X-Twiml-Replay: 1", "", TEXT])
    observed, app = Observer(), served_app()

    @app.before_request
    def count_requests() -> None:
        raise AssertionError("a hook ran")

    answer = answer_saved(app, read_saved(request.encode(), "http"), observed)

    assert (answer.status, isinstance(observed.event, InboundMessage)) == (200, True)
    with pytest.raises(ClickException, match="the view delete_everything of the application serves it"):
        answer_saved(app, read_saved(b"POST /delete-everything HTTP/1.1\r\n\r\n", "http"), observed)


@pytest.mark.parametrize(
    ("path", "prefix", "public_url", "status"),
    [
        pytest.param("/sms/message", "", "https://x.example/sms", 200, id="outside of the proxy"),
        pytest.param("/message", "", "https://x.example/sms", 200, id="behind the proxy"),
        pytest.param("/sms/message", "/sms", "https://x.example/sms", 200, id="prefix of the application"),
        pytest.param("/eu/sms/message", "/sms", "https://x.example/eu", 200, id="both"),
        pytest.param("/message", "/sms", "https://x.example/sms", 404, id="without the prefix"),
        pytest.param("/us/message", "", "https://x.example/eu", 404, id="another path"),
    ],
)
def test_explain_knows_the_path_of_the_public_url(path: str, prefix: str, public_url: str, status: int) -> None:
    """A request may be saved in front of a proxy or behind it, and the proxy may remove a prefix."""
    request = "\r\n".join([f"POST {path} HTTP/1.1", AUTHORIZED, "", TEXT])
    app = served_app({"TWIML_PUBLIC_URL": public_url}, prefix)

    assert answer_saved(app, read_saved(request.encode(), "http"), Observer()).status == status


@pytest.mark.parametrize(
    ("line", "headers", "says"),
    [
        pytest.param(
            "PUT /message",
            [],
            "refused: 405 method not allowed: the methods are GET, HEAD, OPTIONS, POST\n"
            "answer: 405 Method Not Allowed\n",
            id="method",
        ),
        pytest.param(
            "POST /message",
            [],
            "refused: 401 unauthorized\nanswer: send the credentials of the Message URL\n"
            "reason: no credentials were sent; Twilio sends them with its next request, after this challenge\n",
            id="first request of a challenge",
        ),
        pytest.param("GET /healthz", [], "answered: 200 ok, without an event\n", id="health check"),
    ],
)
def test_explain_prints_the_answer_in_plain_words(tmp_path: Path, line: str, headers: list[str], says: str) -> None:
    """The reader has to act on it without knowing the code."""
    file = tmp_path / "request.http"
    file.write_text("\n".join([f"{line} HTTP/1.1", *headers, "", ""]))

    result = run("explain", str(file), environment=SETTINGS)

    assert result.output.partition("\n")[2] == says


def test_explain_takes_an_application_by_name(tmp_path: Path) -> None:
    """Its configuration has the paths, the secrets and the proxies that decide."""
    file = tmp_path / "request.http"
    file.write_text(f"POST /sms/message HTTP/1.1\n{AUTHORIZED}\n\n{TEXT}")

    found = run("explain", str(file), "--app", "tests.host_app:app", environment=SETTINGS)
    file.write_text(f"POST /message HTTP/1.1\n{AUTHORIZED}\n\n{TEXT}")
    missing = run("explain", str(file), "--app", "tests.host_app:app", environment=SETTINGS)

    assert "accepted: by every check that is configured\nevent: inbound message SM1" in found.output
    assert (
        "404 not found: the paths are /sms/message, /sms/status, /sms/fallback, /sms/alert\nanswer: a page in HTML"
        in missing.output
    )


def test_explain_needs_the_settings_that_serving_needs() -> None:
    """Without credentials the application does not start, and the error is the same."""
    with pytest.raises(ConfigurationError) as refused:
        create_app({"TWIML_DATABASE_URL": "off"})

    result = CliRunner().invoke(main, ["explain", "-"], input=b"POST /message HTTP/1.1\r\n\r\n")

    assert (result.exit_code, result.stderr) == (1, f"Error: {refused.value}\n")


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
    assert read_saved(saved, "https").body == body


def test_saved_request_keeps_its_prefix_and_query() -> None:
    """The signature covers the whole URL, also under a prefix and with a request line that names the host."""
    line = b"POST https://sms.example.com/sms/status?step=2 HTTP/1.1"
    saved = b"\r\n".join([line, b"Host: sms.example.com", AUTHORIZED.encode(), b"", b""])
    observed = Observer()

    answer_saved(served_app({}, "/sms"), read_saved(saved, "https"), observed)

    assert observed.request
    request = observed.request
    assert (request.endpoint, request.prefix, request.target) == ("status", "/sms", "/sms/status?step=2")
    assert (request.scheme, request.host, request.method) == ("https", "sms.example.com", "POST")


@pytest.mark.parametrize(
    ("path", "form", "says"),
    [
        pytest.param("alert", alert_form(11200, sid="NO1"), "event: alert NO1: error 11200", id="alert"),
        pytest.param(
            "alert",
            Form([("Level", "Warning"), ("Payload", "{")]),
            "event: alert : warning without an error code",
            id="alert without a code",
        ),
        pytest.param("message", inbound_form("Loved “hi”"), ", a reaction: love", id="reaction"),
    ],
)
def test_explain_names_alerts_and_reactions(tmp_path: Path, path: str, form: Form, says: str) -> None:
    """They go another way than texts do."""
    file = tmp_path / "request.http"
    file.write_text(f"POST /{path} HTTP/1.1\nContent-Type: {FORM_TYPE}\n{AUTHORIZED}\n\n{form.encode()}")

    assert says in run("explain", str(file), environment=SETTINGS).output

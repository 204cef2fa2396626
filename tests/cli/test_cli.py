"""The command line: what is typed, what is seen, and the exit status."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.postgres_server import new_schema
from tests.servers import ROOT
from twiml_app.caller.caller import Caller
from twiml_app.caller.forms import inbound_form
from twiml_app.caller.types import OutgoingRequest, Webhook
from twiml_app.cli import main
from twiml_app.cli.common import printable
from twiml_app.errors import CallError
from twiml_app.webhook import WebhookResponse

SETTINGS = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_PUBLIC_URL": "https://sms.example.com"}


@pytest.fixture(autouse=True)
def project() -> Iterator[None]:
    """The commands are typed in the folder of a project."""
    before = Path.cwd()
    os.chdir(ROOT)
    yield
    os.chdir(before)


def run(*arguments: str, environment: dict[str, str] | None = None) -> Result:
    """Type a command."""
    return CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)


def test_help_teaches_every_command() -> None:
    """Whoever types --help sees an example to copy."""
    commands = main.commands

    assert {"check", "explain", "journal", "match", "new", "overview", "replay", "routes", "simulate"} <= set(commands)
    for name in commands:
        assert f"twiml-app {name}" in run(name, "--help").output


def test_routes_lists_handlers_with_their_places() -> None:
    """The table is the map of a program."""
    rows = json.loads(run("routes", "--json").output)

    assert {name: row[name] for row in rows if row["handler"] == "handlers.orders.order" for name in list(row)[:3]} == {
        "event": "message",
        "for": '"order <int:count> <item>"',
        "handler": "handlers.orders.order",
    }
    assert "handlers/orders.py:10" in run("routes").output


def test_match_tells_which_handler_and_why_not_the_others() -> None:
    """Nobody has to send a text to find out."""
    result = run("match", "Order 2 Coffee", "--json")

    found = json.loads(result.output)
    assert (result.exit_code, found["handler"], found["arguments"]) == (
        0,
        "handlers.orders.order",
        {"count": 2, "item": "Coffee"},
    )
    assert 'the text does not match "menu"' in str(found["routes"])
    assert "handlers.orders.order(count=2, item='Coffee')" in run("match", "Order 2 Coffee").output


def test_match_says_that_twilio_takes_stop() -> None:
    """A handler that never runs is a riddle otherwise."""
    result = run("match", "stop")
    answering = run("match", "stop", environment={"TWIML_OPT_OUT_NUMBERS": "+15005550006"})

    assert (result.exit_code, "Twilio takes this for STOP" in result.output) == (1, True)
    assert answering.output.startswith("handlers.keywords.help_text()")


def test_match_of_what_nobody_takes_exits_1(tmp_path: Path) -> None:
    """Scripts look at the exit status."""
    (tmp_path / "wordless.py").write_text(
        "from twiml_app import Router\nrouter = Router()\n"
        "@router.message('hi')\ndef hi(message): ...\nrouters = [router]\n"
    )
    os.chdir(tmp_path)

    result = run("match", "bye", environment={"TWIML_HANDLERS": "wordless"})

    assert (result.exit_code, "nothing would be sent" in result.output) == (1, True)


def test_simulate_texts_the_application_in_this_process() -> None:
    """Without any setting: credentials are made up for the call, and are checked."""
    result = run("simulate", "order 2 coffee", "--json")

    answer = json.loads(result.stdout)
    assert answer["status"] == 200
    assert answer["messages"] == [{"text": "Thanks! 2 coffee will be ready in ten minutes.", "segments": 1}]


def test_simulate_sends_pictures_and_fields() -> None:
    """Any parameter can be given, pictures with or without their type."""
    result = run(
        "simulate", "--media", "https://example.com/a.png", "--media", "https://e.com/b?c=d=image/gif", "--get"
    )

    assert "Thanks, 2 received. Here is ours:" in result.stdout
    assert "https://demo.twilio.com/owl.png" in result.stdout


def test_simulate_sends_a_status_callback() -> None:
    """A failed delivery can be tried before it happens."""
    result = run("simulate", "--status", "undelivered", "--error-code", "30005")

    assert result.stdout.startswith("204 (no content), 2 requests")


def test_simulate_of_a_url_without_credentials_says_what_to_send(tmp_path: Path) -> None:
    """Nothing is sent to a stranger: the credentials are those of the URL alone."""
    result = run("simulate", "hi", "--url", "http://127.0.0.1:9/message#ct=100&rc=0")

    assert result.exit_code == 1
    assert "http://127.0.0.1:9/message: no connection to 127.0.0.1" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["simulate", "--field", "x"], "'x' is not NAME=VALUE", id="field without a value"),
        pytest.param(["simulate", "--nope"], "No such option", id="unknown option"),
        pytest.param(["explain", "no-such-file"], "No such file", id="file that is not there"),
    ],
)
def test_wrong_usage_exits_2(arguments: list[str], says: str) -> None:
    """Wrong usage is told apart from a bad answer."""
    result = run(*arguments)

    assert (result.exit_code, says in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("app", "says"),
    [
        pytest.param("no_such_module:app", "cannot be imported", id="no module"),
        pytest.param("tests.servers:ROOT.name", "cannot be imported", id="no attribute"),
        pytest.param("builtins:dict", "is no Flask application", id="no application"),
    ],
)
def test_application_that_cannot_be_found_is_one_line(app: str, says: str) -> None:
    """A trace tells a beginner nothing."""
    result = run("routes", "--app", app)

    assert (result.exit_code, says in result.stderr, "Traceback" in result.stderr) == (1, True, False)


def test_commands_take_an_application_by_name() -> None:
    """A bigger Flask application with the extension is looked at in the same way."""
    result = run("simulate", "hours", "--app", "twiml_app.app:create_app", "--json", environment=SETTINGS)

    assert json.loads(result.stdout)["messages"][0]["text"].startswith("We are open")


def saved_request(url: str, token: str, *, credentials: bool = True) -> bytes:
    """A signed request as it goes over the wire."""
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
            "https://sms:wrong@x.example/sms/message", [], 1, "none of TWIML_CREDENTIALS", id="wrong password"
        ),
    ],
)
def test_explain_says_why_a_saved_request_is_refused(
    tmp_path: Path, url: str, options: list[str], status: int, says: str
) -> None:
    """The reason is never told to the sender, so it must be found by whoever runs the application."""
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
def test_explain_says_what_a_saved_request_is(tmp_path: Path, form: str, says: str) -> None:
    """A request saved by an editor has other line ends, and one too many at the end."""
    file = tmp_path / "request.http"
    head = "POST https://x.example/fallback HTTP/1.1\nAuthorization: Basic c21zOnF1aXRlLWxvbmctZW5vdWdo\n\n"
    file.write_text(f"{head}{form}\n")

    result = run("explain", str(file), environment=SETTINGS)

    assert (result.exit_code, says in result.output) == (0, True), result.output


def test_explain_refuses_what_is_no_request(tmp_path: Path) -> None:
    """One line says what the file should begin with."""
    (tmp_path / "notes.txt").write_text("hello\nthere\n\n")

    result = run("explain", str(tmp_path / "notes.txt"), environment=SETTINGS)

    assert (result.exit_code, "does not begin with a request line" in result.stderr) == (1, True)


def test_check_shows_the_urls_to_paste_and_exits_0_when_all_is_well(postgres_url: str) -> None:
    """The words are those of Twilio's console; the password is left out."""
    result = run("check", environment=SETTINGS | {"TWIML_DATABASE_URL": new_schema(postgres_url)})

    assert result.exit_code == 0
    assert (
        "A message comes in     Webhook  https://sms:***@sms.example.com/message#rc=2&rp=all  HTTP POST"
        in result.output
    )
    assert "Primary handler fails  Webhook  https://sms:***@sms.example.com/fallback  HTTP POST" in result.output


def test_check_exits_1_where_nothing_is_set() -> None:
    """A project without credentials does not start, and check says what to set."""
    result = run("check", "--json")

    found = json.loads(result.output)
    assert (result.exit_code, found["urls"]) == (1, None)
    assert "Set TWIML_CREDENTIALS=user:password" in found["findings"][0]["says"]


def test_check_probes_a_url() -> None:
    """A dead address is an error of the check, in one line."""
    result = run("check", "--url", "http://127.0.0.1:9/message", environment=SETTINGS)

    assert (result.exit_code, "connection" in result.output) == (1, True)


def test_new_makes_a_project_with_credentials_of_its_own(tmp_path: Path) -> None:
    """The credentials are readable by their owner alone, and a folder that is in use is left as it is."""
    folder = tmp_path / "my-number"

    first, second = run("new", str(folder)), run("new", str(folder))

    assert (first.exit_code, "make run" in first.output) == (0, True)
    assert (second.exit_code, "is not empty" in second.stderr) == (1, True)
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == [
        ".env",
        ".gitignore",
        "Makefile",
        "README.md",
        "gunicorn.conf.py",
        "handlers",
        "requirements.txt",
        "templates",
        "tests",
        "wsgi.py",
    ]


def test_check_looks_at_an_application_by_name() -> None:
    """An application with the extension under a prefix has other URLs to paste."""
    result = run("check", "--app", "tests.host_app:app", "--json", environment=SETTINGS)

    assert json.loads(result.output)["urls"]["message"] == "https://sms:***@sms.example.com/sms/message#rc=2&rp=all"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["simulate", "--error-code", "30005"], "belongs to a status callback", id="code without status"),
        pytest.param(["simulate", "hi", "--status", "sent"], "a status callback has no text", id="text with status"),
        pytest.param(["check", "--url", "foo"], "give a Message URL", id="no URL"),
    ],
)
def test_what_would_be_left_out_in_silence_is_wrong_usage(arguments: list[str], says: str) -> None:
    """Whoever types it means something by it."""
    result = run(*arguments)

    assert (result.exit_code, says in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("import no_such_thing", "no_such_thing", id="missing import"),
        pytest.param("def broken(:\n    pass", "SyntaxError", id="syntax"),
        pytest.param(
            "from twiml_app import Router\nRouter().message('<a')", "broken.py:2", id="pattern, with its line"
        ),
    ],
)
def test_broken_handlers_are_one_line_with_a_place(tmp_path: Path, source: str, says: str) -> None:
    """Forty lines of a traceback hide the one that helps."""
    (tmp_path / "broken.py").write_text(f"{source}\n")
    os.chdir(tmp_path)

    result = run("routes", environment={"TWIML_HANDLERS": "broken"})
    sys.modules.pop("broken", None)

    assert (result.exit_code, says in result.stderr, "Traceback" in result.stderr) == (1, True, False), result.stderr


def test_router_that_was_forgotten_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The likeliest mistake of a beginner answers nothing, and looks well."""
    package = tmp_path / "forgetful"
    package.mkdir()
    router = "from twiml_app import Router\nrouter = Router()\n@router.message('{0}')\ndef {0}(message): ...\n"
    for name in ("one", "two", "three"):
        (package / f"{name}.py").write_text(router.format(name))
    (package / "__init__.py").write_text("from . import one, two\nrouters = [one.router]\n")
    os.chdir(tmp_path)

    run("routes", environment={"TWIML_HANDLERS": "forgetful"})

    assert [name for name in ("one", "two", "three") if f"forgetful.{name} has a router" in caplog.text] == [
        "two",
        "three",
    ]


def test_texts_cannot_steer_the_terminal() -> None:
    """Anybody can text an escape sequence to a number."""
    assert printable("a\x1b[31m\nb\x07") == "a\ufffd[31m\nb\ufffd"

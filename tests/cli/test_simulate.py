"""``simulate``: one message or status callback is sent as Twilio sends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chaos.recordings import record
from tests.cli.command_line import SETTINGS, run
from tests.cli.projects import Project, served
from tests.servers import refusing_port
from twiml_app.testing import Phone


def test_simulate_texts_the_application_in_this_process() -> None:
    """It works without any setting: the call uses generated credentials, which are still checked."""
    result = run("simulate", "order 2 coffee", "--json")

    answer = json.loads(result.stdout)
    assert answer["status"] == 200
    assert answer["messages"] == [{"text": "Thanks! 2 coffee will be ready in ten minutes.", "segments": 1}]


STORING = """
from twiml_app import Router, enqueue, send

router = Router()


def note(text):
    pass


@router.dialog("sign up", name="signup", version=1)
def signup(message):
    name = yield "Name?"
    return name


@router.message("remind me", then=note)
def remind(message):
    enqueue(note, "soon")
    send(message.from_, "remember", from_=message.to)
    return "I will."


routers = [router]
"""
CONFIGURED = """
from flask import Flask

from twiml_app import InboundMessage, Router
from twiml_app.app import Twiml
from {handlers} import router

app = Flask(__name__)
app.config.update(TWIML_DATABASE_URL="sqlite:///its-own.db")
Twiml(app, router=Router(router))
"""


@pytest.fixture
def storing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """The settings of a program whose handlers need the journal, in the working directory."""
    module = f"storing_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(STORING)
    (tmp_path / f"configured_{module}.py").write_text(CONFIGURED.format(handlers=module))
    monkeypatch.chdir(tmp_path)
    return {**SETTINGS, "TWIML_HANDLERS": module, "TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}


@pytest.mark.parametrize(("text", "reply"), [("sign up", "Name?"), ("remind me", "I will.")])
def test_simulate_has_a_journal_that_is_thrown_away(
    storing: dict[str, str | None], tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, reply: str
) -> None:
    """A dialog and a message that is sent later can be tried; the journal of the project stays as it is."""
    found = [run("simulate", text, "--json", environment=storing) for _ in range(2)]

    assert [json.loads(each.stdout)["messages"] for each in found] == [[{"text": reply, "segments": 1}]] * 2
    assert "TWIML_DATABASE_URL" not in caplog.text + found[0].stderr
    assert not (tmp_path / "twiml.db").exists()


@pytest.mark.parametrize(
    ("app", "environment", "says"),
    [
        pytest.param("its own", {}, "try it with `twiml-app dev` or in a test", id="configured"),
        pytest.param("", {"TWIML_DATABASE_URL": "off"}, "has no journal; set TWIML_DATABASE_URL", id="off"),
    ],
)
def test_simulate_without_a_journal_says_what_to_do(
    storing: dict[str, str | None],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    app: str,
    environment: dict[str, str],
    says: str,
) -> None:
    """An application that names its journal itself is tried without it."""
    named = ["--app", f"configured_{storing['TWIML_HANDLERS']}"] if app else []

    result = run("simulate", "remind me", *named, environment=storing | environment)

    assert (result.exit_code, says in caplog.text) == (1, True)
    assert not (tmp_path / "its-own.db").exists()


@pytest.mark.parametrize("command", [["match", "sign up"], ["replay", "a.jsonl"]], ids=["match", "replay"])
def test_command_that_stores_nothing_does_not_miss_the_journal(
    storing: dict[str, str | None], tmp_path: Path, caplog: pytest.LogCaptureFixture, command: list[str]
) -> None:
    """Its setting is fine, and the conversations of replays are in memory."""
    record(tmp_path / "a.jsonl", "sign up")

    result = run(*command, environment=storing)

    assert "TWIML_DATABASE_URL" not in caplog.text + result.stderr
    assert [path.name for path in tmp_path.glob("*.db")] == []


def test_simulate_sends_media_files() -> None:
    """A media file may be given with or without its type."""
    result = run(
        "simulate", "--media", "https://example.com/a.png", "--media", "https://e.com/b?c=d=image/gif", "--get"
    )

    assert "Thanks, 2 received. Here is ours:" in result.stdout
    assert "https://demo.twilio.com/owl.png" in result.stdout


def test_simulate_sends_a_status_callback() -> None:
    """Developers want to try a failed delivery before it happens."""
    result = run("simulate", "--status", "undelivered", "--error-code", "30005")

    assert result.stdout.startswith("204 (no content), 2 requests")


def test_simulate_reports_a_url_that_does_not_answer() -> None:
    """The error names the URL and the host, so that a wrong address is obvious."""
    with refusing_port() as port:
        result = run("simulate", "hi", "--url", f"http://127.0.0.1:{port}/message#ct=100&rc=0")

    assert result.exit_code == 1
    assert f"http://127.0.0.1:{port}/message: no connection to 127.0.0.1" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["simulate", "--error-code", "30005"], "needs a status callback", id="code without status"),
        pytest.param(["simulate", "hi", "--status", "sent"], "a status callback has no text", id="text with status"),
        pytest.param(["simulate", "--field", "x"], "'x' is not NAME=VALUE", id="field without a value"),
    ],
)
def test_contradictory_or_incomplete_options_exit_2(arguments: list[str], says: str) -> None:
    """An option that would be ignored silently is a usage error."""
    result = run(*arguments)

    assert (result.exit_code, says in result.stderr) == (2, True)


def test_simulate_calls_a_url_over_http(project: Project) -> None:
    """A deployed application can be tried in the same way; a sid sent twice is a duplicate."""
    texts = []
    with served(project.app()) as url:
        for sid in ("SM1", "SM1", "SM2"):
            answer = project.type("simulate", "menu", "--url", f"{url}/message", "--sid", sid, "--json")
            texts += [each["text"] for each in json.loads(answer.stdout)["messages"]]
            project.change_menu("Tea only")

    assert texts == ["Tea or coffee?", "Tea or coffee?", "Tea only"]


def test_simulate_takes_the_url_from_the_environment(project: Project) -> None:
    """Its password must not be in the list of processes."""
    with served(project.app()) as url:
        variable = {"TWIML_SIMULATE_URL": f"{url}/message"}
        answer = project.type("simulate", "menu", "--sid", "SM1", **variable)
        project.change_menu("Tea only")
        again = project.type("simulate", "menu", "--sid", "SM1", **variable)

    assert "Tea or coffee?" in answer.stdout
    assert "Tea or coffee?" in again.stdout


@pytest.mark.parametrize("options", [[], ["--app", "twiml_app.app:create_app"]])
def test_simulate_does_not_change_the_live_journal(phone: Phone, options: list[str]) -> None:
    """A message that nobody sent must not be counted, exported or answered from the journal."""
    phone.text("hello")
    simulated = run("simulate", "hello", *options)

    assert (simulated.exit_code, "> Hello!" in simulated.stdout) == (0, True)
    assert len(json.loads(run("journal", "list", "--json").output)) == 1


def test_simulate_says_that_a_text_is_a_reaction() -> None:
    """Otherwise nobody would know why nothing is sent."""
    shown, as_json = run("simulate", "Loved “hi”"), run("simulate", "Loved “hi”", "--json")

    assert 'the text is a reaction: ❤️ love, to "hi"' in shown.stdout
    assert "nothing is sent" in shown.stdout
    assert json.loads(as_json.stdout)["reaction"] == {"kind": "love", "emoji": "❤️", "quoted": "hi", "removed": False}

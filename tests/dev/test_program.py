"""What the phone page can do with a project: replay a conversation, and save it as a test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dev.projects import PHONE, developed, save
from tests.file_modes import mode_of
from twiml_app.caller import inbound_form
from twiml_app.dev import Dev
from twiml_app.errors import ConfigurationError
from twiml_app.recordings import Exchange, write_line
from twiml_app.webhook import WebhookResponse

SIDS = [f"SM{number:032x}" for number in range(3)]
HANDLERS = """
from twiml_app import Router
router = Router()
routers = [router]


@router.default
def answer(message):
    import os

    from twilio.rest import Client

    print("a note")
    os.write(1, b'{"of": "another program"} ')
    Client().messages.create(to=message.from_, from_=message.to, body="a side effect")
    return "now: " + message.body
"""


def recording(*texts: str) -> str:
    """Return a recording of texts that were answered with themselves."""
    lines = []
    for sid, text in zip(SIDS, texts, strict=False):
        form = inbound_form(text, from_=PHONE, to="+15017122661", message_sid=sid)
        twiml = f'<?xml version="1.0" encoding="UTF-8"?><Response><Message><Body>{text}</Body></Message></Response>'
        answer = WebhookResponse(status=200, body=twiml.encode(), content_type="text/xml; charset=utf-8")
        url = "http://127.0.0.1:8000/message"
        exchange = Exchange(
            received_at=0, kind="message", endpoint="message", method="POST", url=url, form=form, answer=answer
        )
        lines.append(f"{write_line(exchange)}\n")
    return "".join(lines)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A session, in which handlers use the official client; nothing waits for its program."""
    root = tmp_path_factory.mktemp("project")
    save(root / "handlers.py", HANDLERS)
    with developed(root, waits=False) as session:
        yield session


def test_replay_compares_each_answer_with_that_of_the_code_as_it_is_now(running: Dev) -> None:
    """The page marks what changed after a save; handlers run for real, and reach the emulator only."""
    answers = running.program.replay(recording("one", "now: two"))

    assert [(each.sid, bool(each.differences)) for each in answers] == [(SIDS[0], True), (SIDS[1], True)]
    assert any("now: one" in line for line in answers[0].differences)
    assert [each.body for each in running.emulator.outbox] == ["a side effect"] * 2


def test_replay_of_a_program_that_does_not_load_says_why(running: Dev) -> None:
    """The page shows that in place of the answers."""
    save(running.root / "handlers.py", "def broken(:\n")
    try:
        with pytest.raises(ConfigurationError, match=r"replay: .*handlers\.py:1: SyntaxError: invalid syntax"):
            running.program.replay(recording("one"))
    finally:
        save(running.root / "handlers.py", HANDLERS)


def test_replay_without_a_result_says_how_it_ended(running: Dev) -> None:
    """A line that announces the handlers is not the reason."""
    crashing = "import os\n" + HANDLERS.replace(
        '    return "now', '    os.write(2, b"out of paper")\n    os._exit(3)\n    return "now'
    )
    save(running.root / "handlers.py", crashing)
    try:
        with pytest.raises(ConfigurationError, match="ended with the exit status 3 and no result: out of paper"):
            running.program.replay(recording("one"))
    finally:
        save(running.root / "handlers.py", HANDLERS)


def test_saved_test_and_its_recording_are_in_the_tests_of_the_project(running: Dev) -> None:
    """The recording has texts and numbers of people, so only its owner may read it; nothing is overwritten."""
    saved = running.program.save_test("greets", "def test_it() -> None: ...\n", recording("one"))

    assert saved == Path("tests", "test_greets.py")
    assert (running.root / saved).read_text() == "def test_it() -> None: ...\n"
    assert json.loads((running.root / "tests" / "recordings" / "greets.jsonl").read_text())["form"]["Body"] == "one"
    assert mode_of(running.root / "tests" / "recordings" / "greets.jsonl") == 0o600
    with pytest.raises(ConfigurationError, match=r"there is a file tests/test_greets\.py already"):
        running.program.save_test("test_greets", "", "")


@pytest.mark.parametrize("name", ["", "../escape", "a/b", "Großes", "_a", "a.py", "x" * 61, "a\n"])
def test_name_of_a_test_is_a_plain_one(running: Dev, name: str) -> None:
    """It comes from a browser, and becomes the name of a file."""
    with pytest.raises(ConfigurationError, match="is not a plain name"):
        running.program.save_test(name, "", "")

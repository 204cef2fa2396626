"""Run again, save as test, copy as curl, test or recording; with a real application."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.phone_page.local_program import LocalProgram
from tests.emulator.phone_page.page_client import PNG, PageClient
from tests.emulator.program import CONTACT, NUMBER, Program
from tests.servers import find_program
from twiml_app import InboundMessage, Media, Message, Redirect, Router, StatusCallback
from twiml_app.emulator import Emulator
from twiml_app.recordings import read_file, replay
from twiml_app.served_app import sender
from twiml_app.testing import Phone

WHO = {"contact": CONTACT, "number": NUMBER}


def answering(greeting: str) -> Router:
    """Return a router that greets with these words, and answers in many ways."""
    router = Router()

    @router.message("hi")
    def greet(message: InboundMessage) -> str:
        return greeting

    @router.message("two")
    def two(message: InboundMessage) -> list[str]:
        return ["one \\ \"two\" 'three'", "four\nfive \u202e\U0001f600"]

    @router.message(query={"step": "2"})
    def second(message: InboundMessage) -> str:
        return "second"

    @router.message("steps")
    def first(message: InboundMessage) -> list[Message | Redirect]:
        return [Message("first"), Redirect("?step=2")]

    @router.message("owl")
    def owl(message: InboundMessage) -> Message:
        return Message("Here:", Media("https://example.com/owl.png"))

    @router.message("break")
    def fail(message: InboundMessage) -> str:
        raise ValueError("out of coffee")

    @router.message(media="image/*")
    def receive(message: InboundMessage) -> str:
        return f"{len(message.media)} {message.media[0].content_type}"

    @router.default
    def echo(message: InboundMessage) -> str:
        return f"you say {message.body}"

    @router.status("delivered")
    def arrived(status: StatusCallback) -> None:
        """Nothing has to be done."""

    return router


@pytest.fixture
def local(tmp_path: Path) -> LocalProgram:
    """A program that greets with hello."""
    return LocalProgram(tmp_path, answering("hello"))


@pytest.fixture
def running(local: LocalProgram) -> Iterator[Emulator]:
    """An emulator that knows the program."""
    with local.emulator(NUMBER) as emulator:
        yield emulator


@pytest.fixture
def dev(running: Emulator) -> PageClient:
    """A client of its page."""
    return PageClient(running)


def chat(dev: PageClient, running: Emulator, *texts: str) -> None:
    """Send texts, and let the replies arrive."""
    for text in texts:
        dev.text(text)
        running.settle()


def export(dev: PageClient, kind: str, **who: str) -> str:
    """Return a conversation in another form."""
    return str(dev.get("export", **{"as": kind}, **(who or WHO)).json["text"])


def changed(run: Any) -> list[bool]:
    """Return which answers of a run to texts changed."""
    return [each["changed"] for each in run["answers"] if each["what"] == "message"]


def test_run_again_says_which_answers_changed(dev: PageClient, running: Emulator, local: LocalProgram) -> None:
    """Edit, save, and see what changed in the conversation."""
    chat(dev, running, "hi", "two", "steps", "hi")
    same = dev.post("run", **WHO).json
    assert (same["ran"], same["error"], {each["changed"] for each in same["answers"]}) == (17, "", {False})

    local.reload(answering("bonjour"))
    run = dev.post("run", **WHO).json
    assert changed(run) == [True, False, False, False, True]
    assert run["generation"] == 2
    assert [line.strip() for line in run["answers"][0]["differences"][-2:]] == ["-     hello", "+     bonjour"]


def test_program_that_does_not_load_is_an_error_of_the_run(
    dev: PageClient, running: Emulator, local: LocalProgram
) -> None:
    """The page shows it, and nothing else changes."""
    chat(dev, running, "hi")
    local.reload(problem="SyntaxError: invalid syntax (hello.py, line 3)")

    run = dev.post("run", **WHO).json
    assert (run["ran"], run["error"]) == (0, "SyntaxError: invalid syntax (hello.py, line 3)")
    assert dev.get("state").json["program"] == {
        "state": "failed",
        "detail": "SyntaxError: invalid syntax (hello.py, line 3)",
        "generation": 2,
    }


def test_conversation_runs_again_after_every_reload_if_wanted(
    dev: PageClient, running: Emulator, local: LocalProgram
) -> None:
    """One save is enough; a program that failed to load runs nothing."""
    chat(dev, running, "hi")
    assert dev.post("auto-run", **WHO, on=True).json == {"auto_run": WHO}
    assert dev.get("state").json["auto_run"] == WHO
    after = dev.get("state").json["event"]
    local.reload(problem="SyntaxError")
    local.reload(answering("bonjour"))

    deadline = time.monotonic() + 20
    while "run" not in (kinds := [each["kind"] for each in dev.get("poll", after=after).json["events"]]):
        assert time.monotonic() < deadline, kinds
        time.sleep(0.02)
    events = dev.get("poll", after=after).json["events"]
    assert [each["kind"] for each in events] == ["program", "run"]
    assert (changed(events[1]["run"]), events[1]["run"]["generation"]) == ([True], 3)

    assert dev.post("auto-run", **WHO, on=False).json == {"auto_run": None}


def test_page_warns_that_handlers_run_for_real(dev: PageClient) -> None:
    """A replay may write to a database of the program."""
    state = dev.get("state").json

    assert state["run_warning"].startswith("Handlers run for real: what they do to databases")
    assert (state["program"]["state"], state["program_note"]) == ("running", "")


@pytest.mark.parametrize("path", ["run", "auto-run", "save-test"])
def test_without_a_program_one_line_says_what_is_needed(page: PageClient, path: str) -> None:
    """A plain emulator knows only a URL."""
    refused = page.post(path, **WHO, name="orders", on=True)

    assert (refused.status, refused.error) == (409, page.get("state").json["program_note"])
    assert "twiml-app dev" in refused.error


def test_copied_test_passes_and_fails_when_the_program_changes(
    dev: PageClient, running: Emulator, local: LocalProgram
) -> None:
    """It is complete, and says what the page has shown."""
    chat(dev, running, "hi", "two", "steps", "owl", "break", "STOP", "START")
    dev.upload("texts", {"contact": CONTACT}, *[(f"{n}.png", "image/png", PNG) for n in "ab"])
    source = export(dev, "pytest")
    names: dict[str, Any] = {}
    exec(compile(source, "test_conversation.py", "exec"), names)

    names["test_conversation"](Phone(local.app()))
    local.reload(answering("bonjour"))
    with pytest.raises(AssertionError):
        names["test_conversation"](Phone(local.app()))
    assert source.isprintable() is False  # it has line breaks
    assert all(line.isprintable() for line in source.splitlines())
    assert source.startswith('"""A conversation from the phone page."""\n\nfrom __future__ import annotations\n\n')
    assert '    assert phone.text("hi").texts == ["hello"]\n' in source
    assert '    assert phone.text("steps").texts == ["first", "second"]\n' in source
    assert '    with pytest.raises(TwimlAppError):\n        phone.text("break")\n' in source


def test_copied_recording_replays_without_a_difference(
    dev: PageClient, running: Emulator, local: LocalProgram, tmp_path: Path
) -> None:
    """``twiml-app replay`` reads it, status callbacks included; it has no token."""
    chat(dev, running, "hi", "two")
    file = tmp_path / "conversation.jsonl"
    file.write_text(export(dev, "recording"), encoding="utf-8")
    recorded = read_file(file)

    assert [each.kind for each in recorded if each.kind == "message"] == ["message", "message"]
    assert {each.form["MessageStatus"] for each in recorded if each.kind == "status"} == {"sent", "delivered"}
    assert [each.differences for each in replay(recorded, sender(local.app())) if not each.agrees] == []
    assert "quite-long-enough" not in file.read_text()
    assert "token=ey" not in file.read_text()


def test_texts_that_came_while_the_program_was_broken_are_left_out(
    dev: PageClient, running: Emulator, local: LocalProgram
) -> None:
    """The absence of the program was answered, not its code, also to the fallback request."""
    local.reload(problem="SyntaxError")
    chat(dev, running, "hello broken")
    assert dev.post("save-test", **WHO, name="orders").error.startswith("nothing can be tested yet")
    again = dev.text("hi")["inbound"]["sid"]
    local.reload()
    dev.post(f"messages/{again}/duplicate")
    chat(dev, running, "break", "two")

    run = dev.post("run", **WHO).json
    copied = [dev.get("export", **{"as": kind}, **WHO).json for kind in ("pytest", "recording")]
    saved = dev.post("save-test", **WHO, name="orders").json
    assert [run["left_out"], saved["left_out"], *(each["left_out"] for each in copied)] == [1] * 4
    assert {each["what"] for each in run["answers"]} == {"message", "fallback", "status"}
    assert {each["changed"] for each in run["answers"]} == {False}
    assert all("hello broken" not in each["text"] and '"hi"' in each["text"] for each in copied)
    names: dict[str, Any] = {}
    exec(compile(copied[0]["text"], "test_conversation.py", "exec"), names)
    names["test_conversation"](Phone(local.app()))


def test_text_that_the_program_answered_is_kept_without_its_refused_fallback(tmp_path: Path) -> None:
    """The handler failed, and the program was replaced by a broken one before the fallback request."""
    router = Router()
    local = LocalProgram(tmp_path, router)

    @router.default
    def fail(message: InboundMessage) -> str:
        local.problem = "SyntaxError"
        raise ValueError("out of coffee")

    with local.emulator(NUMBER) as emulator:
        dev = PageClient(emulator)
        chat(dev, emulator, "hi")
        local.reload()
        run = dev.post("run", **WHO).json

    assert [each.status for each in emulator.webhooks] == [401, 500, 503]
    assert (run["left_out"], [each["what"] for each in run["answers"]]) == (0, ["message"])


def test_conversation_is_saved_as_a_test(dev: PageClient, running: Emulator, local: LocalProgram) -> None:
    """With its recording next to it."""
    assert dev.post("save-test", **WHO, name="orders").error.startswith("nothing can be tested yet")
    chat(dev, running, "hi")
    saved = dev.post("save-test", **WHO, name="orders")

    assert (saved.status, saved.json) == (201, {"path": "test_orders.py", "left_out": 0})
    assert (local.folder / "test_orders.py").read_text() == export(dev, "pytest")
    assert (local.folder / "test_orders.jsonl").read_text() == export(dev, "recording")
    assert dev.post("save-test", **WHO, name="orders").error == "name: there is a file test_orders.py already"
    assert dev.post("save-test", **WHO, name="../orders").status == 400


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_copied_curl_works(page: PageClient, twilio: Emulator, program: Program, method: str) -> None:
    """It is authenticated, signed, and not a repetition."""
    program.auth = "basic"
    twilio.add_number(NUMBER, program.url("/message"), method=method)
    sent = page.text('it\'s "50%" & <b>\n$HOME `x`')["inbound"]["sid"]
    command = export(page, "curl", sid=sent)
    find_program("curl")
    done = subprocess.run(["/bin/sh", "-c", command.replace("curl", "curl -s", 1)], capture_output=True, timeout=30)

    first, again = program.at("/message")
    assert b"<Message>hello</Message>" in done.stdout
    assert (again.method, again.signed, again.status) == (method, "HMAC_SHA1", 200)
    parameters = [
        dict(each.form.items()) or {name: value[0] for name, value in each.query.items()} for each in (first, again)
    ]
    assert parameters[0]["Body"] == parameters[1]["Body"]
    assert parameters[0]["MessageSid"] != parameters[1]["MessageSid"]
    assert shlex.split(command)[0] == "curl"


def test_shared_key_signs_the_curl_too(page: PageClient, twilio: Emulator, program: Program) -> None:
    """Its header names the key."""
    twilio.sign_with("CR1", "a-shared-secret-of-32-characters")
    command = export(page, "curl", sid=page.text("hi")["inbound"]["sid"])

    assert "X-Twilio-Webhooks-Signature-Settings: key=CR1,algorithm=HMAC_SHA256" in shlex.split(command)


def test_reply_has_no_curl(page: PageClient) -> None:
    """Only texts are requests that can be sent again."""
    refused = page.get("export", **{"as": "curl"}, sid=page.text("hi")["replies"][0]["sid"])

    assert (refused.status, "not from a phone" in refused.error) == (409, True)
    assert page.get("export", **{"as": "poem"}).status == 400

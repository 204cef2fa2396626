"""Reloading: the program is replaced after a change, and nothing that it does ends the session."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.dev.projects import PHONE, developed, reloaded, save, wait_for, write_handlers
from tests.servers import LIMIT_S
from twiml_app.caller import Caller, HttpTransport, OutgoingRequest, Webhook, inbound_form
from twiml_app.dev import Dev
from twiml_app.errors import CallError
from twiml_app.webhook import WebhookResponse


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A session; every test begins with handlers of its own."""
    root = tmp_path_factory.mktemp("project")
    write_handlers(root, "'begun'")
    with developed(root) as session:
        yield session


def use(running: Dev, returned: str) -> None:
    """Let the program answer with an expression."""
    reloaded(running, lambda: write_handlers(running.root, returned))


def answer_to(running: Dev, text: str) -> WebhookResponse:
    """Call the Message URL once as Twilio does, but with patience, and return the last answer, whatever it is."""
    answers: list[WebhookResponse] = []

    def transport(request: OutgoingRequest) -> WebhookResponse:
        patient = replace(request, connect_timeout_s=LIMIT_S, read_timeout_s=LIMIT_S)
        answers.append(HttpTransport()(patient))
        return answers[-1]

    form = inbound_form(text, from_=PHONE, to=running.number, account_sid=running.account.account_sid)
    with suppress(CallError):
        Caller(transport, token=running.account.auth_token).call(Webhook(url=f"{running.message_url}#rc=0"), form)
    return answers[-1]


def test_saved_change_answers_the_next_text(running: Dev) -> None:
    """That is what a developer saves for; a higher generation tells the page that new code runs."""
    before = running.program.status().generation
    use(running, "'changed: ' + message.body")

    assert running.emulator.phone(PHONE).text("hi").text == "changed: hi"
    assert running.program.status().generation == before + 1


def test_two_saves_of_one_size_in_one_second_are_both_loaded(running: Dev) -> None:
    """Python takes compiled code for that of any file with the same size and second."""

    def save_in_that_second(returned: str) -> None:
        draft = running.root / "instance"
        write_handlers(draft, returned)
        os.utime(draft / "handlers.py", (1_700_000_000, 1_700_000_000))
        (draft / "handlers.py").replace(running.root / "handlers.py")

    for returned in ("'one'", "'two'"):
        reloaded(running, partial(save_in_that_second, returned))

    assert running.emulator.phone(PHONE).text("hi").text == "two"


def test_answer_says_which_handler_ran(running: Dev) -> None:
    """The page shows it next to the message, with its time, which Twilio limits, and with what went wrong."""
    good, bad = answer_to(running, "hi"), answer_to(running, "fail")

    assert good.header("X-Twiml-Handler") == "handlers.answer"
    assert 0 < float(good.header("X-Twiml-Handler-Ms")) < LIMIT_S * 1000
    assert good.header("X-Twiml-Exception") == ""
    assert (bad.status, bad.header("X-Twiml-Handler")) == (500, "handlers.fail")
    assert bad.header("X-Twiml-Exception") == "ZeroDivisionError: division by zero (handlers.py:11)"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("def broken(:\n", "handlers.py", id="syntax error"),
        pytest.param("import os\nos._exit(3)\n", "the process of the program has ended: exit status 3", id="crash"),
    ],
)
def test_broken_program_is_refused_at_once_until_the_next_change(running: Dev, source: str, says: str) -> None:
    """A webhook must not hang, and the session must not end."""
    reloaded(running, lambda: save(running.root / "handlers.py", source), state="failed")
    detail, refused = running.program.status().detail, answer_to(running, "hi")
    use(running, "'mended'")

    assert says in detail
    assert (refused.status, refused.body) == (503, b"the program does not run: see the terminal of twiml-app dev\n")
    assert refused.header("X-Twiml-Program") == "not running"
    assert b"mended" in answer_to(running, "hi").body


@pytest.mark.parametrize(("text", "name"), [("crash", "SIGSEGV"), ("terminate", "SIGTERM")])
def test_crash_in_a_handler_is_shown_and_mended_by_a_change(running: Dev, text: str, name: str) -> None:
    """An extension module may end the process, or somebody else; the session goes on."""
    running.emulator.phone(PHONE).text(text)
    wait_for(lambda: running.program.status().state == "failed")
    detail = running.program.status().detail
    use(running, "'mended'")

    assert detail == f"the process of the program has ended: signal {name}\n"
    assert running.emulator.phone(PHONE).text("hi").text == "mended"


def test_no_request_is_lost_while_the_program_is_replaced(running: Dev) -> None:
    """Requests wait at the socket, which stays open; those in progress are answered to the end."""
    stop, answers = threading.Event(), list[WebhookResponse]()

    def text_on() -> None:
        while not stop.is_set():
            answers.append(answer_to(running, "hi"))

    texting = [threading.Thread(target=text_on) for _ in range(2)]
    for each in texting:
        each.start()
    for number in range(2):
        use(running, f"'{number}'")
    stop.set()
    for each in texting:
        each.join()

    assert {answer.status for answer in answers} == {200}
    assert b"<Body>1</Body>" in answer_to(running, "hi").body


def test_program_that_hangs_while_it_loads_is_refused_after_a_while(tmp_path: Path) -> None:
    """Twilio would wait, and so would everything that texts; the session can be ended all the same."""
    save(tmp_path / "handlers.py", "import time\ntime.sleep(600)\n")
    with developed(tmp_path, waits=False, loading_s=0.01) as session:
        refused = answer_to(session, "hi")

        assert (refused.status, session.program.status().state) == (503, "starting")

"""Dialogs that start, or go on, without a message: started by the program, after work, and when nobody answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.conversations.test_postponed import ACCOUNT
from tests.journal.program import query
from tests.webhook_requests import BASIC
from twiml_app import Conversation, Dialog, DialogStart, InboundMessage, Router, ask, choice, enqueue, start, wait_for
from twiml_app.app import Twiml, state_of
from twiml_app.errors import CannotSend, CannotStore, DialogError, StepFailed
from twiml_app.served_app import emulator_for
from twiml_app.testing import Phone

#: What the work returns, or raises.
MADE: list[Any] = []


def make(name: str) -> Any:
    """Make something, or fail."""
    made = MADE.pop() if MADE else f"a pizza for {name}"
    if isinstance(made, Exception):
        raise made
    return made


router = Router()


@router.dialog("confirm", name="confirm", expires=timedelta(hours=1), follow_up="Still there? Text us again.")
def confirm(event: InboundMessage | DialogStart, day: str = "today") -> Dialog:
    """Ask whether somebody comes."""
    comes = yield from ask(f"Do you come {day}?", bool)
    count = yield from ask("How many?", int)
    return f"{comes}, {count} of {event.contact}"


@router.dialog("order", name="order", busy="It is in the oven.", cancel="never mind")
def order(message: InboundMessage) -> Dialog:
    """Have something made."""
    name = yield "Name?"
    made: str = yield from wait_for(enqueue(make, name))
    size = yield from ask(f"{made}. Which size?", choice("small", "large"))
    return f"{made}, {size}"


@router.dialog("careful", name="careful")
def careful(message: InboundMessage) -> Dialog:
    """Expect that nothing can be made."""
    try:
        made: str = yield from wait_for(enqueue(make, "Ann"))
    except StepFailed as error:
        return f"Sorry: {error}"
    return made


@router.dialog("wrong", name="wrong")
def wrong(message: InboundMessage) -> Dialog:
    """Wait for work of an earlier turn."""
    work = enqueue(make, "Ann")
    yield "Name?"
    yield from wait_for(work)
    return None


@router.message("call me")
def call_me(message: InboundMessage) -> str:
    """Start a dialog from a handler."""
    start(confirm, to=message.contact)
    return "We ask at once."


@router.message("agent", interrupts=True)
def agent(message: InboundMessage, conversation: Conversation) -> str:
    """Hand over."""
    conversation.hand_off()
    return "Somebody will write."


@router.handed_off
def for_a_person(message: InboundMessage, conversation: Conversation) -> None:
    """Hand back."""
    conversation.resume()


@router.default
def other(message: InboundMessage) -> str:
    """Answer what no dialog takes."""
    return "other"


def unregistered(message: InboundMessage) -> Dialog:
    """Ask without being registered."""
    yield "Name?"
    return None


class Asking:
    """An application with these dialogs."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.app = Flask("asking")
        self.app.config.update(BASIC, TWIML_DATABASE_URL=url, TWIML_EARLY_ANSWER_S="0", **settings)
        Twiml(self.app, router=Router(router))
        self.phone = Phone(self.app)

    @property
    def sent(self) -> list[str]:
        """What was sent first."""
        return self.phone.sends

    def start(self, **more: Any) -> None:
        """Start the dialog, and send its question."""
        with self.app.app_context():
            start(confirm, to=self.phone.contact, from_=self.phone.number, **more)
        self.phone.run_work()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement on the journal."""
        engine = state_of(self.app).engine
        assert engine
        return query(engine, statement)


@pytest.fixture(params=["sqlite"])
def asking(tmp_path: Path) -> Iterator[Asking]:
    """An application on an empty journal."""
    MADE.clear()
    made = Asking(f"sqlite:///{tmp_path}/twiml.db", TWIML_PUBLIC_URL="https://sms.example.com", **ACCOUNT)
    yield made
    engine = state_of(made.app).engine
    assert engine
    engine.close()


def test_program_starts_a_dialog(asking: Asking) -> None:
    """Its first question is sent, and the answers are those of any dialog."""
    asking.start(arguments={"day": "on Tuesday"})

    assert asking.sent == ["Do you come on Tuesday?"]
    assert asking.phone.text("yes").text == "How many?"
    assert asking.phone.text("2").text == "True, 2 of +15005550001"
    assert len(asking.sent) == 1


def test_handler_starts_a_dialog_after_its_answer(asking: Asking) -> None:
    """From the number that was texted."""
    assert asking.phone.text("call me").text == "We ask at once."
    asking.phone.run_work()

    assert asking.sent == ["Do you come today?"]
    assert asking.phone.text("no").text == "How many?"


def test_second_start_is_refused(asking: Asking) -> None:
    """One dialog is open: a yes would be for either."""
    asking.start()
    with pytest.raises(DialogError, match="a dialog with this contact is open"):
        asking.start()

    assert asking.sent == ["Do you come today?"]


def test_start_that_finds_a_dialog_open_later_does_nothing(asking: Asking, caplog: pytest.LogCaptureFixture) -> None:
    """The contact was faster than the work."""
    asking.phone.text("call me")
    asking.phone.text("order")
    asking.phone.run_work()

    assert asking.sent == []
    assert 'outcome="not started" problem="order is open"' in caplog.text
    assert asking.phone.text("Ann").texts == []


def test_second_start_waits_for_the_end_of_the_first(asking: Asking) -> None:
    """And begins soon after it."""
    asking.phone.text("order")
    asking.start(if_open="queue")
    assert asking.sent == []
    asking.phone.text("never mind")
    asking.phone.run_work(within_s=20)

    assert asking.sent == ["Do you come today?"]


def test_second_start_replaces_the_first(asking: Asking) -> None:
    """Whatever it was asking."""
    asking.phone.text("order")
    asking.start(if_open="replace")

    assert asking.phone.text("yes").text == "How many?"


@pytest.mark.parametrize(
    "undelivered",
    [
        "UPDATE sends SET state = 'refused'",
        "UPDATE sends SET state = 'failed'",
        "INSERT INTO ledger SELECT 'SM1', 'undelivered', 9, 30003, contact, number, '', 1, 1, 1e12, id FROM sends",
    ],
    ids=["refused", "failed", "undelivered"],
)
def test_first_question_that_does_not_arrive_ends_the_dialog(asking: Asking, undelivered: str) -> None:
    """The contact has not seen it, so the next text is no answer to it."""
    asking.start()
    asking.query("UPDATE sends SET message_sid = 'SM1'")
    asking.query(undelivered)

    assert asking.phone.text("yes").text == "other"
    asking.start()
    assert asking.sent == ["Do you come today?"] * 2


@pytest.mark.parametrize(
    ("more", "error", "says"),
    [
        ({"to": "nobody"}, CannotSend, "give a number"),
        ({"from_": ""}, CannotSend, "set TWIML_FROM"),
        ({"arguments": {"town": "Bonn"}}, DialogError, "does not take these arguments"),
        ({"arguments": {"day": {1}}}, DialogError, "JSON cannot keep"),
    ],
    ids=["to", "from", "arguments", "not JSON"],
)
def test_start_names_what_is_wrong(asking: Asking, more: Any, error: type[Exception], says: str) -> None:
    """Nobody would see an error in the work."""
    with asking.app.app_context(), pytest.raises(error, match=says):
        start(confirm, **{"to": asking.phone.contact, "from_": asking.phone.number} | more)


def test_start_needs_a_dialog_of_the_program_and_a_journal(asking: Asking) -> None:
    """Both are said at once."""
    with asking.app.app_context(), pytest.raises(DialogError, match="register it with"):
        start(unregistered, to=asking.phone.contact)
    with Asking("off").app.app_context(), pytest.raises(CannotStore, match="TWIML_DATABASE_URL"):
        start(confirm, to=asking.phone.contact)


def test_dialog_that_is_started_waits_while_a_person_answers(asking: Asking) -> None:
    """A question in the middle of their talk would confuse both."""
    asking.phone.text("agent")
    asking.start()
    assert asking.sent == []
    asking.phone.text("done")
    asking.phone.run_work(within_s=61)

    assert asking.sent == ["Do you come today?"]


def expire(asking: Asking) -> None:
    """Let an hour pass."""
    (row,) = asking.query("SELECT dialog FROM conversations")
    stored = json.dumps(json.loads(row[0]) | {"expires_at": 1.0})
    asking.query(f"UPDATE conversations SET dialog = '{stored}'")


def test_question_that_nobody_answers_is_followed_up_once(asking: Asking) -> None:
    """A late answer is told that it is late, as always."""
    asking.phone.text("confirm")
    asking.phone.run_work(within_s=3000)
    asking.phone.text("yes")
    asking.phone.run_work(within_s=99_000)
    asking.phone.run_work(within_s=99_000)

    assert asking.sent == ["Still there? Text us again."]
    expire(asking)
    assert asking.phone.text("2").text == "Sorry, that took too long. Please start again."


@pytest.mark.parametrize("ending", [["yes", "2"], ["STOP"], ["agent"]], ids=["finished", "stopped", "interrupted"])
def test_dialog_that_has_ended_is_not_followed_up(asking: Asking, ending: list[str]) -> None:
    """Nothing waits for an answer."""
    asking.phone.text("confirm")
    for body in ending:
        asking.phone.text(body)
    asking.phone.run_work(within_s=99_000)

    assert asking.sent == []


def test_finished_work_resumes_a_dialog(asking: Asking) -> None:
    """Its next question is sent, and texts that arrive meanwhile are told to wait."""
    asking.phone.text("order")
    assert asking.phone.text("Ann").texts == []
    assert asking.phone.text("large").text == "It is in the oven."
    asking.phone.run_work(within_s=1)

    assert asking.sent == ["a pizza for Ann. Which size?"]
    assert asking.phone.text("large").text == "a pizza for Ann, large"


def test_dialog_may_end_after_work(asking: Asking) -> None:
    """Its last reply is sent."""
    asking.phone.text("careful")
    asking.phone.run_work(within_s=1)

    assert asking.sent == ["a pizza for Ann"]
    assert asking.phone.text("hello").text == "other"


@pytest.mark.parametrize(
    ("made", "within_s", "says"),
    [(ValueError("no flour"), 99_000, "ValueError: no flour"), (("a", "tuple"), 1, "which JSON cannot keep")],
    ids=["failed", "not JSON"],
)
def test_work_that_fails_raises_in_the_dialog(asking: Asking, made: Any, within_s: float, says: str) -> None:
    """After its last attempt; what JSON cannot keep is not tried again."""
    MADE[:] = [made] * 20
    asking.phone.text("careful")
    with pytest.raises((ValueError, DialogError)):
        asking.phone.run_work(within_s=within_s)

    assert len(asking.sent) == 1
    assert says in asking.sent[0]


@pytest.mark.parametrize("ending", ["never mind", "STOP"])
def test_dialog_that_has_ended_does_not_go_on_after_its_work(asking: Asking, ending: str) -> None:
    """Nobody waits for it any more."""
    asking.phone.text("order")
    asking.phone.text("Ann")
    asking.phone.text(ending)
    asking.phone.run_work(within_s=1)

    assert asking.sent == []


def test_dialog_waits_for_work_that_was_just_asked_for(asking: Asking) -> None:
    """Work of an earlier turn may have ended before the dialog waits."""
    asking.phone.text("wrong")
    with pytest.raises(Exception, match="500") as failed:
        asking.phone.text("Ann")

    assert "asked for just before" in str(failed.value.__cause__)


@pytest.mark.parametrize(
    ("status", "reply"), [("delivered", "How many?"), ("undelivered", "other"), ("failed", "other")]
)
def test_delivery_of_the_first_question_is_that_of_the_emulator(asking: Asking, status: str, reply: str) -> None:
    """Its status callback decides whether the dialog is open."""
    sending = state_of(asking.app).sending
    assert sending
    asking.phone.contact = "+15558675310"
    with emulator_for(asking.app, number=asking.phone.number) as twilio:
        phone = twilio.phone(asking.phone.contact).will(status, 30003 if status != "delivered" else None)
        asking.start()
        for _ in range(5):
            sending.drain()
            twilio.advance(1)

        assert phone.text("sure").texts == [reply]

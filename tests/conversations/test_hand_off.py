"""A person answers a conversation for some time, and no handler does."""

from __future__ import annotations

import threading

import pytest

from tests.conversations.program import CONTACT, Background, Counting
from tests.journal.other_process import wait_until
from tests.journal.program import Clock
from twiml_app import Conversation, InboundMessage, Router
from twiml_app.errors import RegistrationError
from twiml_app.journal.archive import Filter

AGENT = "+15005550042"


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def program(database_url: str, clock: Clock) -> Counting:
    """A program that hands off at the text ``agent``, and resumes when the handler of the rest says so."""
    program = Counting(database_url, clock)

    def hand_off(message: InboundMessage, conversation: Conversation) -> None:
        if message.body == "agent":
            conversation.hand_off(hours=2)

    @program.router.handed_off
    def for_a_person(message: InboundMessage, conversation: Conversation) -> str | None:
        if message.body != "done":
            return None
        conversation.resume()
        return "bye"

    program.during = hand_off
    return program


def test_messages_reach_only_the_handler_for_them(program: Counting) -> None:
    """A person and a program that both answer confuse everybody."""
    program.text("agent")

    assert [program.text("help"), program.text("stateless"), program.text("done")] == ["", "", "bye"]
    assert [program.text("stateless"), program.text("two")] == ["no state", "agent two"]


def test_other_conversations_are_not_handed_off(program: Counting) -> None:
    """Not even of the same person with another number."""
    program.text("agent")

    assert program.text("one", contact="+15005550002") == "one"
    assert program.text("one", number="+15005550007") == "one"


def test_handlers_answer_again_when_the_time_is_over(program: Counting, clock: Clock) -> None:
    """Somebody forgot to resume."""
    program.text("agent")
    clock.now += 2 * 3600 - 1
    assert program.text("hello") == ""
    clock.now += 1

    assert program.text("stateless") == "no state"


def test_messages_are_kept_in_the_journal(program: Counting) -> None:
    """The person who answers wants to read them."""
    program.text("agent")
    program.text("my order is wrong")
    exchanges = [kept.exchange for kept in program.archive.all(Filter(contact=CONTACT))]

    assert [each.form["Body"] for each in exchanges if each] == ["agent", "my order is wrong"]
    assert exchanges[0] is not None
    assert exchanges[0].effects == ({"kind": "conversation", "state": {"texts": ["agent"]}, "handed_off": True},)


def test_message_that_waited_behind_the_hand_off_reaches_the_person_too(program: Counting) -> None:
    """It arrived before the conversation was handed off."""
    running, may_end = threading.Event(), threading.Event()
    hand_off = program.during

    def hand_off_slowly(message: InboundMessage, conversation: Conversation) -> None:
        running.set()
        may_end.wait()
        hand_off(message, conversation)

    program.during = hand_off_slowly
    first = Background(lambda: program.text("agent"))
    running.wait()
    second = Background(lambda: program.text("two"))
    wait_until(lambda: program.tickets() == 2)
    may_end.set()

    assert (first.wait(), second.wait()) == ("agent", "")


def test_stop_still_works(program: Counting) -> None:
    """Twilio answers it, whoever is talking."""
    program.text("agent")
    program.send("STOP")

    assert [row.outcome for row in program.archive.all(Filter())] == ["replied", "opted out"]


def test_replay_keeps_the_hand_off(program: Counting) -> None:
    """As it keeps the state."""
    program.receiver.detach_journal()

    assert [program.text("agent"), program.text("help"), program.text("done")] == ["agent", "", "bye"]


def test_failing_handler_hands_nothing_off(program: Counting) -> None:
    """Nothing of a failed message is kept."""
    hand_off = program.during

    def fail(message: InboundMessage, conversation: Conversation) -> None:
        hand_off(message, conversation)
        raise ValueError("a bug")

    program.during = fail
    program.text("agent")
    program.during = lambda _message, _conversation: None

    assert program.text("one") == "one"


def test_router_takes_one_handler_of_handed_off_messages() -> None:
    """Two would both answer, or one of them never."""
    one, other = Router(), Router()
    one.handed_off(lambda _message: None)
    other.handed_off(lambda _message: None)

    with pytest.raises(RegistrationError, match="two handlers"):
        Router(one, other)
    assert Router(one).handed_off_route == one.handed_off_route


def test_decorator_takes_no_parentheses() -> None:
    """The error says how to write it."""
    with pytest.raises(RegistrationError, match="no parentheses"):
        Router().handed_off()

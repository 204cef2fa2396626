"""Messages of one conversation are answered one after the other, in their order, by any process."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from tests.conversations.program import CONTACT, NUMBER, Background, Counting
from tests.journal.other_process import script, wait_until
from tests.journal.program import query
from twiml_app import Conversation, InboundMessage
from twiml_app.caller import inbound_form
from twiml_app.errors import StillRunning
from twiml_app.events import parse_event
from twiml_app.journal import Drawn

_HOLDER = """
from tests.conversations.program import Counting
program = Counting(sys.argv[1])
def block(message, conversation):
    print("running", flush=True)
    sys.stdin.readline()
program.during = block
print(program.text(sys.argv[2]), flush=True)
"""


class Gate:
    """Blocks handlers until it is opened, and records when they begin and end."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.running = threading.Event()
        self._may_end = threading.Event()

    def __call__(self, message: InboundMessage, _conversation: Conversation) -> None:
        self.seen.append(f"begin {message.body}")
        self.running.set()
        self._may_end.wait()
        self.seen.append(f"end {message.body}")

    def open(self) -> None:
        """Let handlers end."""
        self._may_end.set()


def has_tickets(program: Counting, count: int) -> bool:
    """Return whether there are so many tickets."""
    return program.tickets() == count


def test_second_message_waits_for_the_first(program: Counting) -> None:
    """Otherwise it would see, and overwrite, the state before the first."""
    gate = program.during = Gate()
    first = Background(lambda: program.text("one"))
    gate.running.wait()
    second = Background(lambda: program.text("two"))
    wait_until(lambda: program.tickets() == 2)
    assert gate.seen == ["begin one"]
    gate.open()

    assert (first.wait(), second.wait()) == ("one", "one two")
    assert gate.seen == ["begin one", "end one", "begin two", "end two"]


def test_messages_that_wait_are_answered_in_the_order_of_their_arrival(program: Counting) -> None:
    """A person who sends three texts means them in this order."""
    gate = program.during = Gate()
    texts = ["one", "two", "three", "four"]
    answers = []
    for count, text in enumerate(texts, 1):
        answers.append(Background(partial(program.text, text)))
        wait_until(partial(has_tickets, program, count))
    gate.open()

    assert [each.wait() for each in answers] == ["one", "one two", "one two three", "one two three four"]


def test_other_conversations_do_not_wait(program: Counting) -> None:
    """One slow handler holds up one person."""
    gate = Gate()
    program.during = lambda message, conversation: gate(message, conversation) if message.body == "slow" else None
    slow = Background(lambda: program.text("slow"))
    gate.running.wait()

    assert program.text("quick", contact="+15005550002") == "quick"
    gate.open()
    assert slow.wait() == "slow"


def test_message_of_another_process_is_waited_for(database_url: str) -> None:
    """Two workers share the conversation."""
    program = Counting(database_url)
    program.text("zero")
    with script(_HOLDER, database_url, "one") as other:
        assert other.read() == "running"
        second = Background(lambda: program.text("two"))
        wait_until(lambda: program.tickets() == 2)
        other.proceed()
        assert other.read() == "zero one"

    assert second.wait() == "zero one two"


def test_turn_of_a_killed_process_is_given_up_at_once(database_url: str) -> None:
    """The person's next message must not wait for a process that is gone."""
    program = Counting(database_url)
    program.text("zero")
    with script(_HOLDER, database_url, "one") as other:
        assert other.read() == "running"
        other.kill()

    assert (program.text("two"), program.tickets()) == ("zero two", 0)


def test_message_that_waits_behind_a_process_goes_on_when_that_is_killed(database_url: str) -> None:
    """It is waiting already when the process dies."""
    program = Counting(database_url)
    with script(_HOLDER, database_url, "one") as other:
        assert other.read() == "running"
        second = Background(lambda: program.text("two"))
        wait_until(lambda: program.tickets() == 2)
        other.kill()

        assert second.wait() == "two"


def test_message_that_would_wait_too_long_gets_503_and_its_retry_is_answered(database_url: str) -> None:
    """Twilio waits for 15 seconds, and then asks the fallback URL."""
    program = Counting(database_url, TWIML_WAIT_S="1")
    gate = program.during = Gate()
    first = Background(lambda: program.text("one"))
    gate.running.wait()
    refused = program.send("two", sid="SM" + "7" * 32)
    gate.open()
    first.wait()

    assert (refused.status, refused.body) == (
        503,
        b"an earlier message of the conversation is still being answered\n",
    )
    assert program.text("two", sid="SM" + "7" * 32) == "one two"
    assert program.tickets() == 0


def test_half_of_the_threads_never_wait(program: Counting) -> None:
    """Other people must be answered, however many texts one person sends."""
    gate = program.during = Gate()
    waiting = []
    for count in range(1, 6):
        waiting.append(Background(lambda: program.text("x")))
        wait_until(partial(has_tickets, program, count))

    assert program.text("one too many") == "503"
    assert program.text("stateless") == "no state"
    gate.open()
    assert [each.wait() for each in waiting] == ["x", "x x", "x x x", "x x x x", "x x x x x"]


def test_ticket_that_could_not_be_removed_is_removed_later(program: Counting) -> None:
    """The journal was away when its request ended."""
    drawn = program.store.draw(CONTACT, NUMBER, wait_s=5)
    assert drawn is not None
    program.store.forget(drawn.ticket)

    assert (program.text("one"), program.tickets()) == ("one", 0)


def test_ticket_of_a_request_that_lost_its_turn_stores_nothing(program: Counting) -> None:
    """A process that was suspended for an hour must not write over what happened meanwhile."""
    program.during = lambda _message, _conversation: query(program.engine, "DELETE FROM conversation_tickets")

    assert (program.text("one"), program.kept()) == ("503", 0)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_tickets_are_committed_in_the_order_of_their_numbers(database_url: str) -> None:
    """A lower number that appeared later would break the mutual exclusion."""
    program, other = Counting(database_url), Counting(database_url)
    inside, may_end = threading.Event(), threading.Event()

    def lock(execute: object) -> None:
        assert program.engine.store.try_lock(execute, f"{CONTACT}\n{NUMBER}")  # type: ignore[arg-type]
        inside.set()
        may_end.wait()

    program.engine.run(lambda _: None)
    holding = Background(lambda: program.engine.run(lock))
    inside.wait()
    assert other.store.draw(CONTACT, NUMBER, wait_s=5) is None
    message = Background(lambda: other.text("one"))
    may_end.set()
    holding.wait()

    assert message.wait() == "one"


def test_waiting_ends_at_the_limit_where_no_ticket_can_be_drawn(database_url: str) -> None:
    """Another process that hangs while it draws one must not hold up this one for good."""
    program = Counting(database_url)
    program.store.draw = lambda *_given, **_more: None  # type: ignore[method-assign]
    message = parse_event(inbound_form("one"))
    assert isinstance(message, InboundMessage)

    with pytest.raises(StillRunning):
        program.keeper.begin(message, wait_s=0.01, stores=True)


def test_drawing_waits_for_another_process_that_draws(database_url: str) -> None:
    """It is tried again shortly."""
    program = Counting(database_url)
    draw, failures = program.store.draw, ["first", "second"]

    def draw_third(contact: str, sender: str, *, wait_s: float) -> Drawn | None:
        return draw(contact, sender, wait_s=wait_s) if not failures or not failures.pop() else None

    program.store.draw = draw_third  # type: ignore[method-assign]

    assert program.text("one") == "one"

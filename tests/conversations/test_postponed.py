"""Messages whose turn does not come in time: work answers them in their turn, and their replies are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests.journal.other_process import script
from tests.journal.program import query
from tests.webhook_requests import BASIC, SIGNED
from twiml_app import Conversation, InboundMessage, Router
from twiml_app.app import Twiml, state_of
from twiml_app.assembly import TwimlState
from twiml_app.errors import AnswerFailed, CallError
from twiml_app.journal import DurableJournal, WorkArchive, WorkFilter
from twiml_app.journal.archive import Archive, Filter
from twiml_app.testing import Phone

#: The key of an account, as Twilio's webhooks name it.
ACCOUNT = {**SIGNED, "TWILIO_ACCOUNT_SID": "AC" + "1" * 32}


class Remembering:
    """An application that replies with all texts of the conversation, and where all threads that may wait do so."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.app = Flask("remembering")
        self.app.config.update(BASIC, TWIML_DATABASE_URL=url, **settings)
        router = Router()
        router.default(self._answer)
        #: Called while the handler runs.
        self.during: Callable[[InboundMessage], object] = lambda _message: None
        Twiml(self.app, router=router)
        self.phone = Phone(self.app)
        assert self.state.engine
        assert self.state.conversations
        self.engine = self.state.engine
        self.store = self.state.conversations
        journal = self.state.receiver.journal
        assert isinstance(journal, DurableJournal)
        while journal.may_wait.acquire(blocking=False):
            pass

    def _answer(self, message: InboundMessage, conversation: Conversation) -> list[str]:
        conversation["texts"] = [*conversation.get("texts", []), message.body]
        self.during(message)
        return [" ".join(conversation["texts"]), f"got {message.body}"]

    @property
    def state(self) -> TwimlState:
        """The state of the extension."""
        return state_of(self.app)

    def hold(self) -> Callable[[], None]:
        """Begin to answer an earlier message, and return what ends that."""
        drawn = self.store.draw(self.phone.contact, self.phone.number, wait_s=1)
        assert drawn
        assert drawn.is_next
        return lambda: self.store.give_up(drawn.ticket)

    def work(self) -> list[tuple[str, str, int]]:
        """Return kind, state and attempts of all work, oldest first."""
        rows = WorkArchive(self.engine).latest(WorkFilter(), 100)[::-1]
        return [(row.kind, row.state, row.attempt) for row in rows]

    def tickets(self) -> int:
        """Return how many messages are being answered or wait."""
        return int(query(self.engine, "SELECT count(*) FROM conversation_tickets")[0][0])


@pytest.fixture
def remembering(database_url: str) -> Iterator[Remembering]:
    """An application that can send."""
    made = Remembering(database_url, **ACCOUNT)
    yield made
    made.engine.close()


ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)


@BOTH
def test_message_that_would_wait_too_long_is_answered_later_in_its_turn(remembering: Remembering) -> None:
    """Twilio gets an empty success, and the contact all replies in the order of the texts."""
    phone, end = remembering.phone, remembering.hold()
    assert [phone.text(body).texts for body in ("one", "two")] == [[], []]
    assert phone.run_work() == 0
    assert remembering.work() == [("message", "waiting", 0)] * 2
    end()
    assert phone.text("three").texts == []
    phone.run_work(within_s=1)

    assert phone.sends == ["one", "got one", "one two", "got two", "one two three", "got three"]
    assert remembering.work() == [("message", "done", 1)] * 3
    assert phone.text("four").text == "one two three four"
    assert remembering.tickets() == 0


@ONE
def test_journal_shows_a_message_that_is_answered_later(remembering: Remembering) -> None:
    """Its outcome, and the work that answers it."""
    remembering.hold()
    remembering.phone.text("one")
    exchange = Archive(remembering.engine).latest(Filter(), 1)[0]

    assert (exchange.outcome, exchange.answer_status) == ("postponed", 200)
    assert exchange.effects == '[{"kind": "message", "function": "twiml_app.conversations:answer_postponed"}]'


@ONE
def test_retried_webhook_of_a_postponed_message_does_nothing(remembering: Remembering) -> None:
    """Twilio may repeat it before and after the work."""
    phone, end = remembering.phone, remembering.hold()
    sid = "SM" + "7" * 32
    phone.text("one", MessageSid=sid)
    assert phone.text("one", MessageSid=sid).texts == []
    end()
    phone.run_work(within_s=1)

    assert phone.text("one", MessageSid=sid).texts == []
    assert phone.sends == ["one", "got one"]
    assert len(remembering.work()) == 1


@ONE
def test_handler_that_fails_later_holds_nobody_up(remembering: Remembering) -> None:
    """It is not run again by itself: its reply would come after those of later texts."""

    def fail(message: InboundMessage) -> None:
        assert message.body != "one"

    phone, end, remembering.during = remembering.phone, remembering.hold(), fail
    phone.text("one")
    phone.text("two")
    end()
    with pytest.raises(AnswerFailed):
        phone.run_work(within_s=1)

    assert phone.sends == ["two", "got two"]
    assert remembering.work() == [("message", "failed", 1), ("message", "done", 1)]
    assert remembering.tickets() == 0


@ONE
def test_message_gets_503_where_its_reply_could_not_be_sent(database_url: str) -> None:
    """Twilio turns to the fallback URL, or tries again."""
    silent = Remembering(database_url)
    end = silent.hold()
    with pytest.raises(CallError) as refused:
        silent.phone.text("one")
    end()

    assert refused.value.status == 503
    assert silent.tickets() == 0
    silent.engine.close()


_KILLED = """
import time
from tests.conversations.test_postponed import ACCOUNT, Remembering
from twiml_app.app import state_of
program = Remembering(sys.argv[1], **ACCOUNT)
def die(message):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "in the handler":
    program.during = die
else:
    insert = program.state.sending.insert
    program.state.sending.insert = lambda execute, message: (insert(execute, message), die(message))
program.phone.run_work(within_s=1)
"""


@pytest.mark.parametrize(
    ("database_url", "when"),
    [("sqlite", "in the handler"), ("postgres", "while it is stored")],
    indirect=["database_url"],
)
def test_postponed_message_survives_a_kill_and_is_answered_once(remembering: Remembering, when: str) -> None:
    """The worker dies; those behind it wait until another one has answered it."""
    phone, end = remembering.phone, remembering.hold()
    phone.text("one")
    end()
    with script(_KILLED, query_url(remembering), when) as killed:
        assert killed.process.wait(60) == -9
    assert phone.text("two").texts == []
    query(remembering.engine, "UPDATE work SET lease_until = 1 WHERE state = 'running'")
    work = remembering.state.work
    assert work
    work.keeper.run_due()
    phone.run_work(within_s=1)

    assert phone.sends == ["one", "got one", "one two", "got two"]


def query_url(remembering: Remembering) -> str:
    """Return the URL of the database."""
    return str(remembering.app.config["TWIML_DATABASE_URL"])


@ONE
def test_attempt_that_was_taken_over_stores_nothing(remembering: Remembering) -> None:
    """A process that was suspended for longer than its lease goes on, while another one answers."""
    phone, end = remembering.phone, remembering.hold()
    phone.text("one")
    end()
    taken_over: list[str] = []

    def take_over(message: InboundMessage) -> None:
        if not taken_over:
            taken_over.append(message.body)
            query(remembering.engine, "UPDATE work SET state = 'waiting'")
            phone.run_work(within_s=1)

    remembering.during = take_over
    phone.run_work(within_s=1)

    assert phone.sends == ["one", "got one"]
    assert phone.text("two").text == "one two"

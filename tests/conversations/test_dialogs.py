"""Dialogs of an application: stored in its journal, and answered through the receiver."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.conversations.program import CONTACT, NUMBER, Background
from tests.journal.program import Clock, bodies, open_journal, query
from tests.webhook_requests import AUTHORIZATION, BASIC, SID, read_settings, webhook
from twiml_app import Conversation, Dialog, InboundMessage, Router, ask, step
from twiml_app.caller import inbound_form, random_sid
from twiml_app.conversations import ConversationKeeper, OpenDialogs, check_dialogs
from twiml_app.errors import ClaimLost
from twiml_app.journal import ConversationStore, DurableJournal
from twiml_app.pending import Effect, Transaction, collection
from twiml_app.receiver import Receiver


class Asking:
    """An application with a dialog; several may share a database, like the workers of one."""

    made: list[Asking] = []  # noqa: RUF012

    def __init__(self, url: str, clock: Callable[[], float], router: Router | None = None, **more: object) -> None:
        self.settings = read_settings(BASIC, TWIML_DATABASE_URL=url.removeprefix("rows+"), **more)
        self.engine = open_journal(url, self.settings)
        self.made.append(self)
        self.store = ConversationStore(self.engine, clock)
        journal = DurableJournal(self.engine, self.settings, clock=clock)
        keeper = ConversationKeeper(self.store, hours=4, may_wait=journal.may_wait, clock=clock)
        self.ordered: list[str] = []
        self.failing = ""
        #: Called while a step runs.
        self.during: Callable[[], object] = lambda: None
        self.router = router or self._registered()
        self.receiver = Receiver(
            self.router,
            self.settings,
            journal=journal,
            conversations=keeper,
            dialogs=OpenDialogs(self.router, self.store, early_s=3.0, clock=clock),
            now=clock,
        )

    def _registered(self) -> Router:
        router = Router()

        @router.dialog("sign up", name="signup", expires=timedelta(hours=1))
        def signup(message: InboundMessage, conversation: Conversation) -> Dialog:
            conversation["count"] = conversation.get("count", 0) + 1
            name = yield "Name?"
            _ask_for_work("before the step")
            order = yield from step(self.order, name)
            if self.failing == "after the step":
                raise ValueError("a bug")
            count = yield from ask(f"How many of {order}?", int)
            return f"{name}: {count} of {order}, {conversation['count']}"

        @router.message("agent", interrupts=True)
        def agent(message: InboundMessage) -> str:
            return "An agent will call."

        @router.message("visits")
        def visits(message: InboundMessage, conversation: Conversation) -> str:
            return str(conversation.get("count", 0))

        @router.message("picky", when=lambda _message: 1 // 0 == 0)
        def picky(message: InboundMessage) -> str:
            return "never"

        return router

    def order(self, name: str) -> str:
        """Order something."""
        self.ordered.append(name)
        self.during()
        _ask_for_work("in the step")
        if self.failing == "in the step":
            raise ValueError("sold out")
        return f"order {len(self.ordered)}"

    def text(self, body: str, sid: str = "", contact: str = CONTACT) -> str:
        """Receive a message, and return its reply, or the status of a failure."""
        form = inbound_form(body, from_=contact, to=NUMBER, message_sid=sid or random_sid("SM"))
        response = self.receiver.handle(webhook(form, headers=AUTHORIZATION))
        return next(iter(bodies(response)), "") if response.status == 200 else str(response.status)

    def worked(self) -> list[str]:
        """Return what was asked for and stored."""
        return [name for (name,) in query(self.engine, "SELECT name FROM meta WHERE value = 'work' ORDER BY name")]

    def open(self) -> list[str]:
        """Return the open dialogs."""
        return [*self.store.open_dialogs()]


def _ask_for_work(name: str) -> None:
    pending = collection()
    assert pending

    def write(execute: Transaction) -> None:
        execute("INSERT INTO meta VALUES (?, 'work')", (name,))

    pending.add(Effect("work", {"name": name}, write, lambda: None))


@pytest.fixture(autouse=True)
def applications() -> Iterator[None]:
    """Close every connection when the test is done."""
    yield
    while Asking.made:
        Asking.made.pop().engine.close()


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def asking(database_url: str, clock: Clock) -> Asking:
    """An application on an empty journal."""
    return Asking(database_url, clock)


def say(asking: Asking, clock: Clock, *texts: str) -> list[str]:
    """Send some texts, one every ten seconds, and return the replies."""
    replies = []
    for body in texts:
        clock.now += 10
        replies.append(asking.text(body))
    return replies


def test_dialog_is_kept_in_the_journal(asking: Asking, clock: Clock) -> None:
    """State, work and the results of steps are stored once."""
    assert say(asking, clock, "sign up", "Ann", "many", "2") == [
        "Name?",
        "How many of order 1?",
        "How many of order 1?",
        "Ann: 2 of order 1, 1",
    ]
    assert say(asking, clock, "visits") == ["1"]
    assert asking.worked() == ["before the step", "in the step"]


def test_another_worker_goes_on(database_url: str, clock: Clock) -> None:
    """Nothing is in the memory of a process."""
    replies = [*say(Asking(database_url, clock), clock, "sign up"), *say(Asking(database_url, clock), clock, "Ann")]

    assert replies == ["Name?", "How many of order 1?"]


def test_open_dialog_comes_before_the_routes(asking: Asking, clock: Clock) -> None:
    """A text that a handler would take is an answer; not even the conditions of routes are asked."""
    assert say(asking, clock, "sign up", "picky", "2") == ["Name?", "How many of order 1?", "picky: 2 of order 1, 1"]
    assert say(asking, clock, "picky") == ["500"]


def test_dialogs_of_two_contacts_are_two(asking: Asking, clock: Clock) -> None:
    """Each has answers of its own."""
    say(asking, clock, "sign up")

    assert asking.text("visits", contact="+15005550002") == "0"


@pytest.mark.parametrize(
    ("body", "reply"), [("agent", "An agent will call."), ("STOP", "")], ids=["interrupted", "stopped"]
)
def test_dialog_is_ended_from_outside(asking: Asking, clock: Clock, body: str, reply: str) -> None:
    """The next text is for the routes again."""
    say(asking, clock, "sign up")

    assert say(asking, clock, body, "visits") == [reply, "1"]
    assert asking.open() == []


@pytest.mark.parametrize("body", ["HELP", "Liked “Name?”"])
def test_dialog_stays_open_while_something_else_is_answered(asking: Asking, clock: Clock, body: str) -> None:
    """Neither HELP nor a reaction is an answer."""
    assert say(asking, clock, "sign up", body, "Ann") == ["Name?", "", "How many of order 1?"]


def test_open_dialog_waits_while_a_person_answers(database_url: str, clock: Clock) -> None:
    """It goes on with its question when the conversation is resumed, and does not hand it off again."""
    router = Router()

    @router.dialog("help me", name="help")
    def ask_a_person(message: InboundMessage, conversation: Conversation) -> Dialog:
        conversation.hand_off()
        rating = yield from ask("A person will write. How did they do, from 1 to 5?", int)
        return f"Thanks for {rating}."

    @router.handed_off
    def pass_on(message: InboundMessage) -> str:
        return f"passed on: {message.body}"

    @router.message("please resume")
    def never(message: InboundMessage) -> str:
        return "never"

    asking = Asking(database_url, clock, router)

    assert say(asking, clock, "help me", "4")[1] == "passed on: 4"
    query(asking.engine, "UPDATE conversations SET handed_off_until = 0")
    assert say(asking, clock, "4", "please resume") == ["Thanks for 4.", "never"]


def test_late_answer_is_told_so(asking: Asking, clock: Clock) -> None:
    """Also after a while in which the state was forgotten."""
    say(asking, clock, "sign up")
    clock.now += 6 * 24 * 3600

    assert say(asking, clock, "Ann", "visits") == ["Sorry, that took too long. Please start again.", "0"]


def test_last_answer_that_arrives_twice_is_ignored(asking: Asking, clock: Clock) -> None:
    """The dialog is over, but its copy is not for the routes."""
    say(asking, clock, "sign up", "Ann", "2")
    clock.now += 1

    assert asking.text("2") == ""
    assert say(asking, clock, "2", "sign up") == ["", "Name?"]


def test_retried_webhook_gets_its_stored_answer(asking: Asking, clock: Clock) -> None:
    """The dialog goes on once."""
    say(asking, clock, "sign up")
    clock.now += 10

    assert [asking.text("Ann", sid=SID), asking.text("Ann", sid=SID)] == ["How many of order 1?"] * 2
    assert len(asking.ordered) == 1


def test_step_survives_a_failure_in_the_same_turn(asking: Asking, clock: Clock) -> None:
    """Its result and the work were committed by themselves; the retry does not repeat them."""
    say(asking, clock, "sign up")
    asking.failing = "after the step"
    clock.now += 10
    assert asking.text("Ann", sid=SID) == "500"
    asking.failing = ""

    assert asking.text("Ann", sid=SID) == "How many of order 1?"
    assert asking.worked() == ["before the step", "in the step"]
    assert len(asking.ordered) == 1


def test_step_that_fails_leaves_the_question_open(asking: Asking, clock: Clock) -> None:
    """Its work is not stored, and the next text answers the same question."""
    say(asking, clock, "sign up")
    asking.failing = "in the step"
    assert say(asking, clock, "Ann") == ["500"]
    asking.failing = ""

    assert say(asking, clock, "Bob", "2") == ["How many of order 2?", "Bob: 2 of order 2, 1"]


def test_first_step_that_fails_leaves_nothing(asking: Asking, database_url: str, clock: Clock) -> None:
    """The dialog has not started, and the state is as it was."""
    router = Router()

    @router.dialog("order", name="order")
    def order(message: InboundMessage, conversation: Conversation) -> Dialog:
        conversation["count"] = conversation.get("count", 0) + 1
        yield from step(asking.order, "Ann")
        return str(conversation["count"])

    @router.default
    def count(message: InboundMessage, conversation: Conversation) -> str:
        return str(conversation.get("count", 0))

    other = Asking(database_url, clock, router)
    asking.failing = "in the step"
    assert say(other, clock, "order", "how many?") == ["500", "0"]
    asking.failing = ""

    assert say(other, clock, "order", "how many?") == ["1", "1"]
    assert asking.worked() == ["in the step"]


def test_second_message_waits_for_the_first(asking: Asking, clock: Clock) -> None:
    """It was written before its question was asked, so it does not answer it."""
    say(asking, clock, "sign up")
    clock.now += 10
    started, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        assert go_on.wait(5)

    asking.during = wait
    first = Background(lambda: asking.text("Ann"))
    assert started.wait(5)
    second = Background(lambda: asking.text("please"))
    go_on.set()

    assert (first.wait(), second.wait()) == ("How many of order 1?", "How many of order 1?")
    assert say(asking, clock, "2") == ["Ann: 2 of order 1, 1"]


def test_turn_that_was_lost_stores_no_step(asking: Asking, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Another process has the conversation now."""
    caplog.set_level(logging.INFO)
    say(asking, clock, "sign up")
    asking.during = lambda: query(asking.engine, "DELETE FROM conversation_tickets")

    assert say(asking, clock, "Ann") == ["503"]
    assert "another process took over the conversation" in caplog.text
    assert asking.worked() == []


def newer() -> Router:
    """Return a program with a newer version of the dialog."""
    router = Router()

    @router.dialog("sign up", name="signup", version=2)
    def signup(message: InboundMessage) -> Dialog:
        name = yield "First name?"
        return f"Hi, {name}"

    return router


def test_deployment_restarts_what_no_worker_can_continue(database_url: str, clock: Clock) -> None:
    """It starts again with the newest version of the worker that gets the message."""
    old, new = Asking(database_url, clock), Asking(database_url, clock, newer())
    say(old, clock, "sign up")

    assert say(new, clock, "Ann") == ["Sorry, something changed on our side. Let us start again."]
    assert say(new, clock, "Ann") == ["Hi, Ann"]


def test_open_dialogs_are_checked_against_a_program(asking: Asking, clock: Clock) -> None:
    """Each question that is gone is named, with the number of people at it."""
    for number in range(3):
        asking.text("sign up", contact=f"+1500555000{number}")
    clock.now += 10
    asking.text("Ann", contact="+15005550000")

    assert check_dialogs(asking.router, asking.open(), clock.now).problems == {}
    assert check_dialogs(newer(), asking.open(), clock.now).problems == {
        "signup version 1, at the question 'text: Name?': its version is not registered": 2,
        "signup version 1, at the question 'int: How many of order 1?': its version is not registered": 1,
    }
    assert check_dialogs(newer(), asking.open(), clock.now + 3700).open == 0
    assert len(asking.ordered) == 1


@pytest.mark.parametrize(
    ("problem", "expected"),
    [(ValueError("a bug"), "it raises ValueError: a bug"), (ClaimLost("gone"), "gone")],
    ids=["any exception", "one of ours"],
)
def test_program_that_raises_is_a_finding(asking: Asking, clock: Clock, problem: Exception, expected: str) -> None:
    """The check goes on with the other dialogs."""
    router = Router()

    @router.dialog("sign up", name="signup")
    def signup(message: InboundMessage) -> Dialog:
        if message:
            raise problem
        yield "Name?"
        return None

    say(asking, clock, "sign up")

    (found,) = check_dialogs(router, asking.open(), clock.now).problems
    assert found == f"signup version 1, at the question 'text: Name?': {expected}"


@pytest.mark.parametrize(
    ("questions", "says"),
    [
        (("Age?", "Name?"), "stored is 'text: Name?', but the program now has 'text: Age?'"),
        (("First name?", "Age?"), "stored is 'text: Name?', but the program now has 'text: First name?'"),
        (("Name?",), "stored is 'text: Age?', but the program now has 'the end'"),
    ],
    ids=["reordered", "renamed", "removed"],
)
def test_check_finds_questions_that_have_changed(
    database_url: str, clock: Clock, questions: tuple[str, ...], says: str
) -> None:
    """Before the deployment, with the number of people who are at each question."""

    def asking_for(*questions: str) -> Router:
        router = Router()

        @router.dialog("sign up", name="signup")
        def signup(message: InboundMessage) -> Dialog:
            for question in questions:  # noqa: UP028 - answers are sent to it
                yield question
            return "Thanks."

        return router

    asking = Asking(database_url, clock, asking_for("Name?", "Age?"))
    say(asking, clock, "sign up", "Ann")

    assert check_dialogs(asking_for(*questions), asking.open(), clock.now).problems == {
        f"signup version 1, at the question 'text: Age?': {says}": 1
    }

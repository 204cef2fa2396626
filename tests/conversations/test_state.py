"""State is stored with the reply or not at all, for one contact and one sender, and forgotten in time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.conversations.program import CONTACT, NUMBER, Background, Counting
from tests.journal.program import Clock, query
from tests.webhook_requests import BASIC, SID
from twiml_app import Conversation, InboundMessage, Router
from twiml_app.app import build_app
from twiml_app.errors import CallError
from twiml_app.journal.archive import Filter
from twiml_app.journal.upkeep import sweep
from twiml_app.testing import Phone

SERVICE = "MG" + "1" * 32


def test_next_message_finds_the_state(program: Counting) -> None:
    """This is what the parameter is for."""
    assert [program.text("one"), program.text("two")] == ["one", "one two"]
    assert program.tickets() == 0


@pytest.mark.parametrize(
    ("contact", "number", "service"),
    [
        pytest.param("+15005550002", NUMBER, "", id="another contact"),
        pytest.param(CONTACT, "+15005550007", "", id="another number"),
        pytest.param("whatsapp:" + CONTACT, "whatsapp:" + NUMBER, "", id="another channel"),
        pytest.param(CONTACT, NUMBER, SERVICE, id="a messaging service"),
    ],
)
def test_another_conversation_has_a_state_of_its_own(
    program: Counting, contact: str, number: str, service: str
) -> None:
    """What one person said must not turn up in the conversation of another."""
    program.text("one")
    fields = {"MessagingServiceSid": service} if service else {}

    assert program.text("two", contact=contact, number=number, **fields) == "two"
    assert program.text("three") == "one three"


def test_numbers_of_one_messaging_service_share_the_conversation(program: Counting) -> None:
    """The service chooses one of its numbers, and the person sees one conversation."""
    program.text("one", MessagingServiceSid=SERVICE)

    assert program.text("two", number="+15005550007", MessagingServiceSid=SERVICE) == "one two"


def test_retried_webhook_changes_the_state_once(program: Counting) -> None:
    """Twilio sends a webhook again whose answer was lost on the way."""
    assert program.text("one", sid=SID) == program.text("one", sid=SID) == "one"
    assert program.text("two") == "one two"


def test_handler_that_fails_changes_nothing(program: Counting) -> None:
    """Its retry must not see a state that is half changed."""

    def fail(_message: InboundMessage, conversation: Conversation) -> None:
        conversation["half"] = True
        raise ValueError("a bug")

    program.text("one")
    program.during = fail
    assert program.text("two", sid=SID) == "500"
    program.during = lambda _message, conversation: conversation.pop("half")  # a KeyError if it were there
    assert program.text("two", sid=SID) == "500"
    program.during = lambda _message, _conversation: None

    assert program.text("two", sid=SID) == "one two"
    assert program.tickets() == 0


def test_handler_whose_thread_ends_releases_the_conversation(program: Counting) -> None:
    """A web server that stops a request with an exception must not lock a person out."""

    def stop(_message: InboundMessage, _conversation: Conversation) -> None:
        raise SystemExit

    program.during = stop
    with pytest.raises(SystemExit):
        program.text("one")
    program.during = lambda _message, _conversation: None

    assert (program.tickets(), program.text("two")) == (0, "two")


def test_nested_change_is_stored(program: Counting) -> None:
    """A list that was appended to is a change like any other."""
    program.during = lambda _message, conversation: conversation.setdefault("sizes", []).append("large")
    program.text("one")
    seen: list[object] = []
    program.during = lambda _message, conversation: seen.append(conversation["sizes"])
    program.text("two")

    assert seen == [["large"]]


def test_state_that_cannot_be_stored_fails_the_handler(program: Counting) -> None:
    """The reply would promise something that nobody remembers."""
    program.during = lambda _message, conversation: conversation["texts"].append(object())

    assert program.text("one") == "500"
    program.during = lambda _message, _conversation: None
    assert program.text("two") == "two"


def test_emptied_state_leaves_no_row(program: Counting) -> None:
    """Most conversations end."""
    program.text("one")
    assert program.kept() == 1
    program.during = lambda _message, conversation: conversation.clear()
    program.send("two")

    assert program.kept() == 0


def test_state_expires_when_no_message_comes(database_url: str) -> None:
    """Nobody continues an order of yesterday."""
    clock = Clock()
    program = Counting(database_url, clock, TWIML_CONVERSATION_HOURS="2")
    program.text("one")
    clock.now += 2 * 3600 - 1
    assert program.text("two") == "one two"
    clock.now += 2 * 3600 - 1
    assert program.text("three") == "one two three"
    clock.now += 2 * 3600

    assert program.text("four") == "four"


def test_expired_state_is_deleted(database_url: str) -> None:
    """Texts of people are not kept for longer than necessary."""
    clock = Clock()
    program = Counting(database_url, clock)
    program.text("one")
    clock.now += 4 * 3600 + 1
    program.engine.run(lambda execute: sweep(execute, clock.now))

    assert program.kept() == 0


def test_erasing_a_person_erases_their_conversations(program: Counting) -> None:
    """On every channel, and nobody else's."""
    program.text("one")
    program.text("one", contact="whatsapp:" + CONTACT, number="whatsapp:" + NUMBER)
    program.text("other", contact="+15005550009")
    program.archive.erase(CONTACT)

    assert (program.kept(), program.text("two"), program.text("more", contact="+15005550009")) == (
        1,
        "two",
        "other more",
    )


def test_person_erased_while_a_handler_runs_stays_erased(program: Counting) -> None:
    """What was erased must not come back with the answer."""
    running, may_end = threading.Event(), threading.Event()

    def block(_message: InboundMessage, _conversation: Conversation) -> None:
        running.set()
        may_end.wait()

    program.text("one")
    program.during = block
    answering = Background(lambda: program.text("two"))
    running.wait()
    program.archive.erase(CONTACT)
    may_end.set()

    assert answering.wait() == "503"
    assert (program.kept(), program.tickets()) == (0, 0)


def test_handler_without_the_parameter_makes_no_query(program: Counting) -> None:
    """Only handlers with state pay for it."""
    program.text("stateless")
    statements: list[str] = []
    begin = program.store.draw
    program.store.draw = lambda *given, **more: statements.append("draw") or begin(*given, **more)  # type: ignore

    assert (program.text("stateless"), statements) == ("no state", [])
    assert (program.text("one"), statements) == ("one", ["draw"])


def test_exchange_shows_the_changed_state(program: Counting) -> None:
    """Somebody who looks at the journal sees why the next reply was what it was."""
    program.text("one")
    program.during = lambda _message, conversation: conversation.update(texts=["one"])
    program.text("two")
    exchanges = [kept.exchange for kept in program.archive.all(Filter())]

    assert [each.effects for each in exchanges if each] == [
        ({"kind": "conversation", "state": {"texts": ["one"]}},),
        (),
    ]


def test_state_is_not_in_the_database_before_the_answer(program: Counting) -> None:
    """Another program that reads the journal sees only what was answered."""
    found: list[int] = []
    program.during = lambda _message, _conversation: found.append(program.kept())
    program.text("one")

    assert (found, program.kept()) == ([0], 1)


def test_long_addresses_are_kept_apart_by_their_first_characters(program: Counting) -> None:
    """A column of an index has a limit, and Twilio's addresses are far below it."""
    assert program.text("one", contact="+1" + "5" * 300) == "one"
    assert query(program.engine, "SELECT length(contact) FROM conversations") == [(255,)]


def test_application_without_a_journal_says_that_handlers_with_state_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A state in memory would be another one in each worker."""
    router = Router()

    @router.default
    def answer(message: InboundMessage, conversation: Conversation) -> None: ...

    app = build_app({**BASIC, "TWIML_DATABASE_URL": "off"}, tmp_path, router=router)

    assert "a handler declares `conversation`" in caplog.text
    assert "answer" in caplog.text
    with pytest.raises(CallError, match="500"):
        Phone(app).text("hello")


def test_application_keeps_state(tmp_path: Path) -> None:
    """A test of a handler texts the real application."""
    router = Router()

    @router.default
    def count(message: InboundMessage, conversation: Conversation) -> str:
        conversation["count"] = conversation.get("count", 0) + 1
        return str(conversation["count"])

    phone = Phone(build_app({**BASIC, "TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}, tmp_path, router=router))

    assert [phone.text("a").text, phone.text("b").text] == ["1", "2"]

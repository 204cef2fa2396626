"""Exactly one answer per event: it is claimed, stored, then sent, and a retry gets the same one."""

from __future__ import annotations

import pytest

from tests.receiver.programs import EMPTY, Memory, Program, name_of, text, twiml
from twiml_app import InboundMessage, Router
from twiml_app.receiver.claims import Claim, StoredReply
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import TWIML_TYPE, WebhookRequest, WebhookResponse


def test_answer_is_stored_before_it_is_sent(program: Program) -> None:
    """A retry gets the stored answer, which must be the one that was sent."""
    ticks = iter([1.0, 1.0, 1.0, 1.25, 1.5])
    journal = Memory()
    answer = program.receiver(journal=journal, clock=lambda: next(ticks)).handle(text("hello"))
    ((method, claim, outcome),) = journal.stored

    assert claim is journal.claimed
    assert (method, outcome.response, outcome.name, outcome.milliseconds) == ("finish", answer, "replied", 250.0)
    assert outcome.handler == name_of(Program, "echo")


def test_repeated_event_gets_the_stored_answer_and_no_handler_runs(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """Twilio retries, and an order must not be taken twice."""
    stored = WebhookResponse(status=200, body=b"<stored/>", content_type=TWIML_TYPE)
    journal = Memory(claimed=StoredReply(stored, "orders.order"))

    assert program.receiver(journal=journal).handle(text("hello")) == stored
    assert (program.called, journal.stored) == ([], [])
    assert "handler=orders.order outcome=repeated" in caplog.text


@pytest.mark.parametrize(
    ("apology", "method", "name"),
    [
        pytest.param("", "fail", "failed", id="500 releases the claim"),
        pytest.param("Sorry", "finish", "apologized", id="an apology is an answer"),
    ],
)
def test_failed_message_can_be_retried_unless_it_was_answered(
    program: Program, apology: str, method: str, name: str
) -> None:
    """A retry runs the handler again; after an apology, the sender would get two answers."""
    journal = Memory()
    program.receiver({"TWIML_APOLOGY": apology}, journal=journal).handle(text("fail"))

    assert [(called, outcome.name) for called, _, outcome in journal.stored] == [(method, name)]


def test_event_that_is_still_being_answered_gets_503(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """With an empty success the answer would be lost, and a second run would do the work twice."""
    answer = program.receiver(journal=Memory(down="running")).handle(text("hello"))

    assert answer == WebhookResponse.line(503, "the first request is still being answered")
    assert program.called == []
    assert 'journal problem="another request is still processing this event"' in caplog.text
    assert 'outcome="still running"' in caplog.text


class Unended(BaseException):
    """Ends a thread or a worker, and is not an Exception."""


def test_claim_is_released_if_a_worker_ends_in_a_handler(program: Program) -> None:
    """A retry must not wait for a thread that is gone."""
    journal, router = Memory(), Router()

    @router.default
    def end(message: InboundMessage) -> str:
        raise Unended

    receiver = Receiver(router, program.receiver({}).settings, journal=journal)
    with pytest.raises(Unended):
        receiver.handle(text("hello"))

    assert [method for method, *_ in journal.stored] == ["fail"]


def test_answer_that_lost_its_claim_is_not_sent(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """Another worker has answered the event, and two different replies must not be sent."""
    answer = program.receiver({}, journal=Memory(down="lost")).handle(text("hello"))

    assert (answer.status, answer.body) == (503, b"another worker is answering this event\n")
    assert "taken over" in caplog.text


@pytest.mark.parametrize("down", ["claim", "finish"])
def test_journal_that_is_down_causes_503_and_is_logged(
    program: Program, caplog: pytest.LogCaptureFixture, down: str
) -> None:
    """An answer that cannot be stored must not be sent, so that Twilio retries."""
    answer = program.receiver(journal=Memory(down=down)).handle(text("hello"))

    assert answer == WebhookResponse.line(503, "the journal cannot be reached")
    assert 'journal problem="the disk is full"' in caplog.text
    assert program.called == ([] if down == "claim" else ["echo hello"])


@pytest.mark.parametrize("down", ["claim", "finish"])
def test_program_may_answer_without_the_journal(program: Program, down: str) -> None:
    """For some programs, answering twice is better than not answering."""
    receiver = program.receiver({"TWIML_STORE_FAILURE": "answer"}, journal=Memory(down=down))

    assert receiver.handle(text("hello")).body == twiml("<Message><Body>you said hello</Body></Message>")


@pytest.mark.parametrize(
    ("count", "limit", "name"),
    [
        pytest.param(2, 3, "replied", id="below the limit"),
        pytest.param(3, 3, "looping", id="at the limit"),
    ],
)
@pytest.mark.parametrize(
    ("request_", "below"),
    [
        pytest.param(text("hello"), "replied", id="reply"),
        pytest.param(text("fail"), "apologized", id="apology"),
        pytest.param(text("hello", endpoint="fallback"), "fallback", id="apology of the fallback URL"),
    ],
)
def test_same_answer_again_and_again_is_silenced(
    program: Program, request_: WebhookRequest, below: str, count: int, limit: int, name: str
) -> None:
    """Two programs that answer each other would never stop, and each message is billed."""
    extra = {"TWIML_LOOP_LIMIT": limit, "TWIML_APOLOGY": "Sorry"}
    first = Memory()
    program.receiver(extra, journal=first).handle(request_)
    journal = Memory(claimed=Claim(recent_digests={first.stored[0][2].digest: count}))
    answer = program.receiver(extra, journal=journal).handle(request_)

    assert journal.stored[0][2].name == (below if name == "replied" else name)
    assert (answer.body == EMPTY) == (name == "looping")

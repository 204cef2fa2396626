"""Answering: every event has one outcome, whatever the handlers return or raise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.receiver.programs import EMPTY, STATUS_SID, Deliveries, Mute, Program, name_of, twiml
from tests.webhook_requests import BASIC, SID, read_settings, webhook
from twiml_app import InboundMessage, Media, Message, MessagingResponse, Redirect, Router, StatusCallback
from twiml_app.caller.forms import CONTACT, NUMBER, inbound_form, status_form
from twiml_app.events import parse_event
from twiml_app.receiver.answering import Answerer
from twiml_app.receiver.auth import StatusUrls
from twiml_app.receiver.claims import Outcome
from twiml_app.receiver.conversing import Conversing
from twiml_app.receiver.hooks import NO_HOOKS
from twiml_app.receiver.notifying import describe, run_handlers
from twiml_app.receiver.responses import empty_response
from twiml_app.webhook import TWIML_TYPE, Endpoint, Form, WebhookResponse


def answerer(router: Router, **settings: object) -> Answerer:
    """Return an answerer with a router and some settings."""
    read = read_settings(BASIC, settings)
    urls = StatusUrls(read.secret_keys, read.status_path)
    return Answerer(router, read, urls, NO_HOOKS, Conversing(router, read, None, None))


def message(body: str = "hello", **fields: str) -> InboundMessage:
    """Return an inbound message."""
    event = parse_event(inbound_form(body, message_sid=SID, fields=fields))
    assert isinstance(event, InboundMessage)
    return event


def status(message_status: str, error_code: int | None = None) -> StatusCallback:
    """Return a status callback."""
    event = parse_event(status_form(STATUS_SID, message_status, error_code=error_code))
    assert isinstance(event, StatusCallback)
    return event


def returning(value: Any, **settings: object) -> Answerer:
    """Return an answerer whose only handler returns a value."""
    router = Router()
    router.default(lambda _: value)
    return answerer(router, **settings)


def digest(value: Any, received: InboundMessage | None = None) -> str:
    """Return the digest of the reply for a value that a handler returns."""
    return returning(value).answer(webhook(), received or message()).digest


def summary(outcome: Outcome) -> tuple[str, str, int]:
    """Return the name, the handler and the status of an outcome."""
    return outcome.name, outcome.handler, outcome.response.status


@pytest.mark.parametrize(
    ("received", "settings", "name", "handler"),
    [
        pytest.param(message("hello"), {}, "replied", "echo", id="reply"),
        pytest.param(message("silent"), {}, "silent", "silent", id="nothing returned"),
        pytest.param(message("STOP"), {}, "opted out", "notified", id="opt-out"),
        pytest.param(message("START"), {}, "replied", "echo", id="opt-in"),
        pytest.param(
            message("STOP"), {"TWIML_OPT_OUT_NUMBERS": NUMBER}, "replied", "echo", id="opt-out, answered here"
        ),
        pytest.param(message("hello"), {"TWIML_BLOCKED": CONTACT}, "blocked", "", id="blocked contact"),
        pytest.param(
            message("fail"), {"TWIML_APOLOGY": "Sorry"}, "apologized", "fail", id="handler that raises, apology"
        ),
        pytest.param(message("long"), {"TWIML_APOLOGY": "Sorry"}, "apologized", "long", id="reply refused, apology"),
    ],
)
def test_outcome_names_what_happened_and_the_handler(
    received: InboundMessage, settings: dict[str, object], name: str, handler: str
) -> None:
    """People search the log and the journal for them."""
    outcome = answerer(Program().router, **settings).answer(webhook(), received)

    assert summary(outcome) == (name, handler and name_of(Program, handler), 200)


@pytest.mark.parametrize("body", ["fail", "long"])
def test_failed_message_is_an_error_without_an_apology(body: str) -> None:
    """Only an error status makes Twilio call the fallback URL."""
    outcome = answerer(Program().router).answer(webhook(), message(body))

    assert summary(outcome) == ("failed", name_of(Program, body), 500)
    assert outcome.digest == ""


def test_message_without_a_matching_handler_is_unhandled() -> None:
    """The answer is an empty success: after an error, Twilio would call the fallback URL."""
    outcome = answerer(Router()).answer(webhook(), message())

    assert summary(outcome) == ("unhandled", "", 200)
    assert outcome.response.body == EMPTY


def test_outcome_of_an_unknown_event_is_its_kind() -> None:
    """The log then shows which URL is wrong at Twilio."""
    voice = parse_event(Form([("CallSid", "CA1"), ("From", "+1")]))

    assert summary(answerer(Router()).answer(webhook(), voice)) == ("voice webhook", "", 200)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        pytest.param("message", WebhookResponse(status=200, body=EMPTY, content_type=TWIML_TYPE), id="message"),
        pytest.param("status", WebhookResponse(status=204), id="status"),
        pytest.param("fallback", WebhookResponse(status=200, body=EMPTY, content_type=TWIML_TYPE), id="fallback"),
    ],
)
def test_empty_success_has_a_document_if_twilio_expects_one(endpoint: Endpoint, expected: WebhookResponse) -> None:
    """Twilio reports an error for a message without TwiML, but expects no document for a status callback."""
    assert empty_response(webhook(endpoint=endpoint)) == expected


@pytest.mark.parametrize(
    ("apology", "sent"),
    [
        pytest.param("Sorry", twiml("<Message><Body>Sorry</Body></Message>"), id="apology"),
        pytest.param("", EMPTY, id="none configured"),
    ],
)
def test_apology_is_the_configured_one(apology: str, sent: bytes) -> None:
    """The fallback URL sends it too, with another outcome."""
    outcome = answerer(Router(), TWIML_APOLOGY=apology).apology("fallback", "a.b")

    assert summary(outcome) == ("fallback", "a.b", 200)
    assert outcome.response.body == sent
    assert bool(outcome.digest) == bool(apology)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("a", "a", True, id="text"),
        pytest.param("a", Message("a"), True, id="text and Message"),
        pytest.param("a", Message("a", to="+1", action="/done"), True, id="attributes"),
        pytest.param("a", [Message("a"), Redirect("/next")], True, id="Redirect after it"),
        pytest.param("a", "b", False, id="another text"),
        pytest.param("a", "a ", False, id="white space"),
        pytest.param("a", Message("a", Media("/1")), False, id="picture"),
        pytest.param(Message("a", Media("/1")), Message("a", Media("/2")), False, id="another picture"),
        pytest.param(["a", "b"], ["b", "a"], False, id="order"),
    ],
)
def test_digest_covers_the_texts_and_media(one: Any, other: Any, same: bool) -> None:
    """Two programs that answer each other send the same texts and pictures again and again."""
    assert (digest(one) == digest(other)) is same


def test_digest_does_not_depend_on_the_message_that_is_answered() -> None:
    """A loop must be detected although each message has another sid and text."""
    assert digest("a", message("x")) == digest("a", message("y", MessageSid="SM" + "6" * 32))


@pytest.mark.parametrize(
    "value", [pytest.param(None, id="nothing"), pytest.param(MessagingResponse(Redirect("/next")), id="Redirect")]
)
def test_reply_that_sends_nothing_has_no_digest(value: Any) -> None:
    """Silence is not a loop, however often it is repeated."""
    assert digest(value) == ""


def test_digest_does_not_show_the_text() -> None:
    """It is stored longer than the text."""
    assert "secret" not in digest("secret")
    assert len(digest("secret")) == len(digest("x" * 1600)) == 32


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.builds(Message, st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@given(ANYTHING)
def test_any_returned_value_has_an_outcome(value: Any) -> None:
    """A handler may return anything, and Twilio waits for an answer."""
    outcome = returning(value).answer(webhook(), message())

    assert (outcome.name, outcome.response.status) in (("replied", 200), ("silent", 200), ("failed", 500))
    assert bool(outcome.digest) == (outcome.name == "replied")


@pytest.mark.parametrize(
    ("received", "name", "handlers", "results"),
    [
        pytest.param(status("delivered"), "handled", ["third"], {"third": "ok"}, id="handled"),
        pytest.param(status("failed", 30003), "handled", ["first"], {"first": "ok"}, id="handled by its error code"),
        pytest.param(
            status("undelivered", 30003),
            "failed",
            ["second"],
            {"first": "ok", "second": "ValueError: a bug", "third": "ok"},
            id="failed",
        ),
        pytest.param(status("sent"), "unhandled", [], {}, id="unhandled"),
    ],
)
def test_outcome_of_a_status_names_the_handlers_that_failed(
    received: StatusCallback, name: str, handlers: list[str], results: dict[str, str]
) -> None:
    """Twilio gets 204 in any case, so only the journal shows the failure."""
    outcome = answerer(Deliveries().router).answer(webhook(endpoint="status"), received)

    assert summary(outcome) == (name, ",".join(name_of(Deliveries, each) for each in handlers), 204)
    assert outcome.results == {name_of(Deliveries, handler): result for handler, result in results.items()}


def test_handlers_that_succeeded_before_do_not_run_again() -> None:
    """A retry of a failed status must not refund the same customer twice."""
    deliveries, received = Deliveries(), status("undelivered", 30003)
    handlers = deliveries.router.status_handlers(received)
    results = run_handlers(handlers, received).results
    deliveries.ran.clear()

    assert run_handlers(handlers, received, results).results == results
    assert deliveries.ran == ["second False"]


def test_each_error_is_reported_with_its_handler() -> None:
    """Several handlers may fail, and each error must name its handler."""
    deliveries, received = Deliveries(), status("undelivered", 30003)
    reported: list[tuple[str, str]] = []
    run_handlers(
        deliveries.router.status_handlers(received),
        received,
        on_exception=lambda error, handler: reported.append((str(error), handler)),
    )

    assert reported == [("a bug", name_of(Deliveries, "second"))]


@pytest.mark.parametrize("order", [pytest.param([True, False], id="first"), pytest.param([False, True], id="second")])
def test_failure_is_kept_if_two_handlers_share_a_name(order: list[bool]) -> None:
    """If the success of the other replaced it, a retry would skip the failed handler."""
    ran: list[bool] = []

    def make(*, fails: bool) -> Any:
        def handler(status: StatusCallback) -> None:
            ran.append(fails)
            if fails:
                raise ValueError("a bug")

        return handler

    results = run_handlers([make(fails=each) for each in order], status("delivered")).results

    assert [*results.values()] == ["ValueError: a bug"]
    assert ran == order


@pytest.mark.parametrize(
    ("error", "described"),
    [
        pytest.param(ValueError("a bug"), "ValueError: a bug", id="text"),
        pytest.param(KeyError("x"), "KeyError: 'x'", id="key"),
        pytest.param(ValueError(), "ValueError: ", id="no text"),
        pytest.param(Mute(), "Mute", id="text that raises"),
    ],
)
def test_error_is_described_by_its_type_and_text(error: Exception, described: str) -> None:
    """The description is stored in the journal, and must not raise again."""
    assert describe(error) == described

"""Suggestions: a handler that is pasted from the log must work, and it is logged once."""

from __future__ import annotations

import logging
import textwrap
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twiml_app import InboundMessage, Router, StatusCallback
from twiml_app.receiver.suggestions import MAX_STATUS_CHARACTERS, MAX_SUGGESTIONS, Suggestions, suggest
from twiml_app.webhook import Form


def message(body: str = "") -> InboundMessage:
    """Return a message."""
    return InboundMessage(form=Form(), body=body, from_="+15005550001", to="+15005550006")


def status(message_status: str = "", error_code: int | None = None) -> StatusCallback:
    """Return a status callback."""
    return StatusCallback(
        form=Form(), message_status=message_status, error_code=error_code, from_="+15005550006", to="+15005550001"
    )


def pasted(suggestion: str) -> Router:
    """Return the router of a module with the pasted suggestion."""
    _, _, source = suggestion.partition("\n\n")
    names: dict[str, Any] = {"router": Router(), "InboundMessage": InboundMessage, "StatusCallback": StatusCallback}
    exec(textwrap.dedent(source), names)
    router: Router = names["router"]
    return router


def test_suggested_handler_answers_the_message() -> None:
    """People with an empty project see this first, and it must work unchanged."""
    found = pasted(suggest(message("Hi"))).match(message("Hi"))

    assert found is not None
    assert found.route.handler(message("Hi")) == "Hello!"


@pytest.mark.parametrize(
    ("received", "prints"),
    [
        pytest.param(status("delivered"), " delivered None", id="status"),
        pytest.param(status("failed", 30003), " failed 30003", id="error code"),
        pytest.param(status("", 0), "  0", id="code zero"),
    ],
)
def test_suggested_handler_matches_the_status(
    received: StatusCallback, prints: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is logged for this event, so it must match it."""
    for handler in pasted(suggest(received)).status_handlers(received):
        handler(received)

    assert capsys.readouterr().out == f"{prints}\n"


@pytest.mark.filterwarnings("ignore:.* is not a MessageStatus")
@settings(deadline=None)
@given(st.text(max_size=10) | st.sampled_from(["class", "partially delivered", '"', "ﬁ", "print", "{x}"]))
def test_suggested_handler_is_valid_and_matches_for_any_status(message_status: str) -> None:
    """Twilio may add statuses, and a gateway may garble them."""
    assert len(pasted(suggest(status(message_status))).status_handlers(status(message_status))) == 1


def test_suggestion_contains_no_personal_data() -> None:
    """More people read logs than messages."""
    for event in (message("my password is 4711"), status("delivered"), status("failed", 30003)):
        assert not [private for private in ("4711", "+1500") if private in suggest(event)]


def test_each_suggestion_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A busy number without a handler would fill the log."""
    caplog.set_level(logging.INFO)
    suggestions = Suggestions()
    events: list[InboundMessage | StatusCallback] = [
        message("a"),
        status("delivered"),
        status("failed", 30003),
        status("undelivered", 30003),
        message("b"),
    ]
    for event in [*events, *events]:
        suggestions.offer(event)

    assert caplog.messages == [suggest(event) for event in events[:3]]


@pytest.mark.parametrize("message_status", ["accepted", "queued", "sending", "sent", "partially_delivered"])
def test_step_on_the_way_is_suggested_only_with_an_error_code(
    message_status: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Every reply is "sent" first: a handler for that would be the first thing that a newcomer is asked to write."""
    caplog.set_level(logging.INFO)
    suggestions = Suggestions()
    suggestions.offer(status(message_status))
    assert caplog.messages == []

    suggestions.offer(status(message_status, 30018))
    assert caplog.messages == [suggest(status(message_status, 30018))]


def test_number_and_length_of_suggestions_are_limited(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever may send callbacks could fill memory and log with statuses that Twilio does not have."""
    caplog.set_level(logging.INFO)
    suggestions = Suggestions()
    suggestions.offer(status("x" * (MAX_STATUS_CHARACTERS + 1)))
    assert caplog.messages == []

    for number in range(2 * MAX_SUGGESTIONS):
        suggestions.offer(status(f"status_{number}"))
    assert caplog.messages == [suggest(status(f"status_{number}")) for number in range(MAX_SUGGESTIONS)]

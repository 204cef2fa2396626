"""Suggestions: what is pasted from the log must work, and the log must not fill with it."""

from __future__ import annotations

import logging
import textwrap
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twiml_app import InboundMessage, Router, StatusCallback
from twiml_app.receiver.suggestions import Suggestions, suggest
from twiml_app.webhook import Form


def message(body: str = "") -> InboundMessage:
    """Return a message of a person."""
    return InboundMessage(form=Form(), body=body, from_="+15005550001", to="+15005550006")


def status(message_status: str = "", error_code: int | None = None) -> StatusCallback:
    """Return a status callback of a person's message."""
    return StatusCallback(
        form=Form(), message_status=message_status, error_code=error_code, from_="+15005550006", to="+15005550001"
    )


def pasted(suggestion: str) -> Router:
    """Return the router of a module in which a suggestion was pasted."""
    _, _, source = suggestion.partition("\n\n")
    names: dict[str, Any] = {"router": Router(), "InboundMessage": InboundMessage, "StatusCallback": StatusCallback}
    exec(textwrap.dedent(source), names)
    router: Router = names["router"]
    return router


def test_suggested_handler_answers_the_message() -> None:
    """The first thing that somebody with an empty project sees must work as it stands."""
    found = pasted(suggest(message("Hi"))).match(message("Hi"))

    assert found is not None
    assert found.route.handler(message("Hi")) == "Hello!"


@pytest.mark.parametrize(
    ("received", "prints"),
    [
        pytest.param(status("delivered"), " delivered None", id="status"),
        pytest.param(status("failed", 30003), " failed 30003", id="error code"),
        pytest.param(status("", 0), "  0", id="code of zero"),
    ],
)
def test_suggested_handler_takes_the_status(
    received: StatusCallback, prints: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is logged for that very event, so it must take it."""
    for handler in pasted(suggest(received)).status_handlers(received):
        handler(received)

    assert capsys.readouterr().out == f"{prints}\n"


@pytest.mark.filterwarnings("ignore:.* is no MessageStatus")
@settings(deadline=None)
@given(st.text(max_size=10) | st.sampled_from(["class", "partially delivered", '"', "ﬁ", "print", "{x}"]))
def test_suggested_handler_is_python_that_takes_the_event_whatever_the_status(message_status: str) -> None:
    """Twilio may add statuses, and a gateway may garble them: what is suggested stays a handler."""
    assert len(pasted(suggest(status(message_status))).status_handlers(status(message_status))) == 1


def test_nothing_of_a_person_is_in_a_suggestion() -> None:
    """The log is read by more people than the messages."""
    for event in (message("my password is 4711"), status("delivered"), status("failed", 30003)):
        assert not [private for private in ("4711", "+1500") if private in suggest(event)]


def test_each_suggestion_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A busy number without a handler would fill the disk."""
    caplog.set_level(logging.INFO)
    suggestions = Suggestions()
    events: list[InboundMessage | StatusCallback] = [
        message("a"),
        status("sent"),
        status("failed", 30003),
        status("undelivered", 30003),
        message("b"),
    ]
    for event in [*events, *events]:
        suggestions.offer(event)

    assert caplog.messages == [suggest(event) for event in events[:3]]

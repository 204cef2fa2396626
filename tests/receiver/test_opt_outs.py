"""What happens after STOP: who gets no reply, and which handlers are notified."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook_requests import BASIC
from twiml_app import InboundMessage, Router
from twiml_app.caller.forms import CONTACT, NUMBER, inbound_form
from twiml_app.config import Settings
from twiml_app.events import parse_event
from twiml_app.receiver.opt_outs import opt_out_handlers, silence_for


def message(body: str, **fields: str) -> InboundMessage:
    """Return an inbound message."""
    event = parse_event(inbound_form(body, fields=fields))
    assert isinstance(event, InboundMessage)
    return event


@pytest.mark.parametrize(
    ("received", "settings", "silence"),
    [
        pytest.param(message("hello"), {}, "", id="any message"),
        pytest.param(message("STOP"), {}, "opted out", id="opt-out"),
        pytest.param(message("ARRETE", OptOutType="STOP"), {}, "opted out", id="opt-out of Advanced Opt-Out"),
        pytest.param(message("START"), {}, "", id="opt-in"),
        pytest.param(message("HELP"), {}, "", id="help"),
        pytest.param(message("STOP"), {"TWIML_OPT_OUT_NUMBERS": NUMBER}, "", id="number that answers opt-outs itself"),
        pytest.param(
            message("STOP"),
            {"TWIML_OPT_OUT_NUMBERS": "12345"},
            "opted out",
            id="another number answers opt-outs itself",
        ),
        pytest.param(message("hello"), {"TWIML_BLOCKED": CONTACT}, "blocked", id="blocked"),
        pytest.param(message("hello"), {"TWIML_BLOCKED": "+19"}, "", id="another contact is blocked"),
        pytest.param(
            message("STOP"),
            {"TWIML_BLOCKED": CONTACT, "TWIML_OPT_OUT_NUMBERS": NUMBER},
            "blocked",
            id="blocked, number that answers opt-outs itself",
        ),
    ],
)
def test_contact_who_opted_out_or_is_blocked_gets_no_reply(
    received: InboundMessage, settings: dict[str, Any], silence: str
) -> None:
    """Carriers fine senders that text somebody who has opted out."""
    assert silence_for(received, Settings.read(BASIC | settings)) == silence


@pytest.mark.parametrize(
    ("received", "notified"),
    [
        pytest.param(message("stop"), ["stopped"], id="stop"),
        pytest.param(message("ARRETE", OptOutType="STOP"), ["stopped"], id="stop of Advanced Opt-Out"),
        pytest.param(message("unstop"), ["back"], id="start"),
        pytest.param(message("info"), ["back"], id="help"),
        pytest.param(message("stop it"), [], id="more than the word"),
    ],
)
def test_handlers_of_the_word_are_notified(received: InboundMessage, notified: list[str]) -> None:
    """A program keeps its own list of people who opted out."""
    router = Router()

    @router.opt_out
    def stopped(_: InboundMessage) -> None:
        raise NotImplementedError

    @router.opt_out("START", "HELP")
    def back(_: InboundMessage) -> None:
        raise NotImplementedError

    assert [handler.__name__ for handler in opt_out_handlers(router, received)] == notified

"""Recorded exchanges, for the tests that replay them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.webhook_requests import SID
from twiml_app.caller.forms import inbound_form
from twiml_app.recordings.format import Exchange
from twiml_app.webhook import TWIML_TYPE, WebhookResponse

EMPTY = WebhookResponse(status=200, content_type=TWIML_TYPE, body=b"<Response/>")


def exchange(number: int = 0, *, at: float = 0.0, answer: WebhookResponse = EMPTY, **changes: Any) -> Exchange:
    """Return a recorded exchange; its number is its text."""
    made = Exchange(
        received_at=at,
        kind="message",
        endpoint="message",
        method="POST",
        url="https://sms.example.com/message",
        form=inbound_form(str(number), message_sid=SID),
        answer=answer,
    )
    return replace(made, **changes)

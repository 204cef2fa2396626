"""Recorded exchanges for the tests of the plugin."""

from __future__ import annotations

from twiml_app.caller.forms import inbound_form
from twiml_app.recordings.format import Exchange
from twiml_app.webhook import TWIML_TYPE, WebhookResponse

SID = "SM" + "5" * 32


def answered(text: str, sid: str = SID) -> WebhookResponse:
    """Make an answer with a text."""
    url = f"https://sms.example.com/status?in_reply_to={sid}&amp;token=scrubbed"
    document = f'<Response><Message action="{url}" statusCallback="{url}"><Body>{text}</Body></Message></Response>'
    return WebhookResponse(status=200, content_type=TWIML_TYPE, body=document.encode())


def exchange(body: str, answer: str, *, sid: str = SID, from_: str = "+15005550001") -> Exchange:
    """Make a recorded exchange."""
    return Exchange(
        received_at=0.0,
        kind="message",
        endpoint="message",
        method="POST",
        url="https://sms.example.com/message",
        form=inbound_form(body, message_sid=sid, from_=from_),
        answer=answered(answer, sid),
        handler="handlers.menu",
    )

"""The answers that several modules of the receiver share."""

from __future__ import annotations

from ..twiml import MessagingResponse
from ..webhook import TWIML_TYPE, WebhookRequest, WebhookResponse

EMPTY = MessagingResponse().to_bytes()


def twiml_response(document: bytes = EMPTY) -> WebhookResponse:
    """Return an answer with a TwiML document; the empty document sends nothing."""
    return WebhookResponse(status=200, body=document, content_type=TWIML_TYPE)


def empty_response(request: WebhookRequest) -> WebhookResponse:
    """Return the empty success for the URL: 204 for the URLs of statuses and alerts, else an empty document."""
    return WebhookResponse(status=204) if request.endpoint in ("status", "alert") else twiml_response()


def unavailable_response() -> WebhookResponse:
    """Return the 503 that makes Twilio call the fallback URL or retry."""
    return WebhookResponse.line(503, "the journal cannot be reached")

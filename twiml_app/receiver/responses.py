"""The answers that more than one part of the receiver gives."""

from __future__ import annotations

from ..twiml import MessagingResponse
from ..webhook import TWIML_TYPE, WebhookRequest, WebhookResponse

EMPTY = MessagingResponse().to_bytes()


def twiml_response(document: bytes = EMPTY) -> WebhookResponse:
    """Return the answer that carries a document; the empty one sends nothing."""
    return WebhookResponse(status=200, body=document, content_type=TWIML_TYPE)


def empty_response(request: WebhookRequest) -> WebhookResponse:
    """Return the success that says nothing: what it is depends on the URL."""
    return WebhookResponse(status=204) if request.endpoint == "status" else twiml_response()


def unavailable_response() -> WebhookResponse:
    """Return the refusal that asks Twilio to try the fallback URL, or again."""
    return WebhookResponse.line(503, "the journal cannot be reached")

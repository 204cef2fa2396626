"""Webhook requests for tests: as they reach the receiver, with and without authentication."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twiml_app.caller.forms import inbound_form
from twiml_app.config import Settings
from twiml_app.credentials import Credentials, basic_header
from twiml_app.signature import HEADER, sign
from twiml_app.webhook import FORM_TYPE, Endpoint, Form, WebhookRequest

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = "AC" + "0" * 32
OTHER_ACCOUNT = "AC" + "1" * 32
SID = "SM" + "5" * 32
BASIC = {"TWIML_CREDENTIALS": "sms:quite-long-enough"}
SIGNED = {"TWILIO_AUTH_TOKEN": TOKEN}
AUTHORIZATION = {"authorization": basic_header(Credentials("sms", "quite-long-enough"))}
HOST = "sms.example.com"
URL = f"https://{HOST}/message"


def read_settings(*parts: Mapping[str, object], **more: object) -> Settings:
    """Read settings from several mappings, the later over the earlier."""
    return Settings.read({name: value for part in (*parts, more) for name, value in part.items()})


def webhook(
    form: Form | Iterable[tuple[str, str]] | None = None,
    *,
    endpoint: Endpoint = "message",
    method: str = "POST",
    target: str = "",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    content_type: str = FORM_TYPE,
) -> WebhookRequest:
    """Make a request to the application's public URL, by default with the form of a message "hello"."""
    sent = (
        inbound_form("hello", message_sid=SID) if form is None else Form(form.pairs if isinstance(form, Form) else form)
    )
    if method != "POST":
        encoded, body = sent.encode(), b""
        target = (target or f"/{endpoint}") + (f"?{encoded}" if encoded else "")
    return WebhookRequest(
        endpoint=endpoint,
        method=method,
        scheme="https",
        host=HOST,
        target=target or f"/{endpoint}",
        headers={"content-type": content_type, **(headers or {})},
        body=sent.encode().encode() if body is None else body,
    )


def signed(request: WebhookRequest, *, token: str = TOKEN) -> WebhookRequest:
    """Sign a request as Twilio does."""
    form = (
        Form.read(request.body.decode("utf-8", "surrogateescape"), max_fields=500) if request.method == "POST" else ()
    )
    pairs = form.pairs if isinstance(form, Form) else form
    return request._replace(headers={**request.headers, HEADER.lower(): sign(request.called_url(), pairs, token)})


def authorized(request: WebhookRequest) -> WebhookRequest:
    """Add the basic credentials."""
    return request._replace(headers={**request.headers, **AUTHORIZATION})

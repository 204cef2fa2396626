"""Faults of webhooks: calls that arrive twice or never, whose answer is lost, or that are not authenticated."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from ..caller import Call, Caller, CookieJar, OutgoingRequest, Session, Transport, Webhook, without_userinfo
from ..errors import CallError
from ..webhook import Form, WebhookResponse
from .fault_kinds import FAULT_KINDS

#: The faults that happen to a call.
WEBHOOK_KINDS = tuple(kind.name for kind in FAULT_KINDS.values() if kind.place == "webhook")

_LOSE_AN_ANSWER = ("webhook-retry", "webhook-late", "webhook-cut")
_CONNECTION_FAILURE = 11205
_WRONG_TOKEN = "0" * 32
_WRONG_USERINFO = "wrong:wrong"


class _FirstAnswer:
    """A transport that does not pass on the first answer of a call, after the challenge if there is one."""

    def __init__(self, transport: Transport, kind: str) -> None:
        self._transport = transport
        self._kind = kind
        self._is_over = False

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        response = self._transport(request)
        if self._is_over or response.status == 401:
            return response
        self._is_over = True
        if self._kind == "webhook-retry":
            return self._transport(request)
        if self._kind == "webhook-late":
            raise TimeoutError(f"no answer in time (the fault {self._kind})")
        raise ConnectionResetError(f"the connection broke before the answer (the fault {self._kind})")


class FaultyCalls:
    """Calls webhooks with a fault."""

    def __init__(self, transport: Transport, cookies: CookieJar) -> None:
        self._transport = transport
        self._cookies = cookies

    def call(self, kind: str, webhook: Webhook, form: Form, *, session: Session, key: tuple[str, str]) -> Call:
        """Call a URL with a fault of this kind; ``key`` is the secret that signs, and its id.

        Raises: CallError.
        """
        if kind == "webhook-drop":
            problem = f"no connection (the fault {kind})"
            raise CallError(problem, url=without_userinfo(webhook.url), code=_CONNECTION_FAILURE)
        webhook = replace(webhook, url=_url(kind, webhook.url))
        caller = self._caller(kind, *key)
        if kind != "webhook-duplicate":
            return caller.call(webhook, form, session=session)
        try:
            return caller.call(webhook, form, session=session)
        finally:
            with suppress(CallError):
                caller.call(webhook, form, session=session)

    def _caller(self, kind: str, token: str, key_id: str) -> Caller:
        transport = _FirstAnswer(self._transport, kind) if kind in _LOSE_AN_ANSWER else self._transport
        if kind == "webhook-no-signature":
            token = key_id = ""
        if kind == "webhook-wrong-signature":
            token = _WRONG_TOKEN
        return Caller(transport, token=token, key_id=key_id, cookies=self._cookies)


def _url(kind: str, url: str) -> str:
    """Return the URL to call, with the credentials that are sent."""
    userinfo = {"webhook-wrong-credentials": _WRONG_USERINFO, "webhook-no-credentials": ""}.get(kind)
    if userinfo is None:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{userinfo}@{host}" if userinfo else host).geturl()

"""Checks of a Message URL from outside."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ..caller import Caller, OutgoingRequest, Transport, Webhook, without_userinfo
from ..config import Settings
from ..errors import CallError
from ..receiver import REALM
from ..served_app import ServedApp
from ..webhook import Form
from .findings import Finding


def probe(url: str, settings: Settings, transport: Transport) -> Iterator[Finding]:
    """Call a Message URL from outside, and yield the findings; no handler runs, as the requests are not messages.

    The URL may contain credentials; otherwise those of the settings are used.
    """
    bare = without_userinfo(url)
    if bare.startswith("http://"):
        yield Finding("warning", "scheme", "http: give Twilio an https URL")
    yield from _probe_challenge(bare, settings, transport)
    yield _probe_answer(url, settings, transport)
    if settings.requires_signature:
        yield _probe_forgery(url, settings, transport)


def _probe_challenge(url: str, settings: Settings, transport: Transport) -> Iterator[Finding]:
    """Check the challenge: if it has no realm, Twilio never sends the credentials."""
    if not settings.credentials:
        return
    request = OutgoingRequest(method="POST", url=url, headers=(), body=b"", connect_timeout_s=5, read_timeout_s=15)
    try:
        answer = transport(request)
    except OSError as error:
        yield Finding("error", "connection", f"{error}")
        return
    challenge = answer.header("www-authenticate")
    if answer.status != 401:
        yield Finding("error", "challenge", f"a request without credentials is answered with {answer.status}, not 401")
    elif not challenge.lower().startswith("basic realm="):
        yield Finding("error", "challenge", "the 401 has no WWW-Authenticate realm: a gateway renames or drops it")
    elif f'"{REALM}"' not in challenge:
        yield Finding("warning", "challenge", f"the challenge is not this application's: {challenge}")
    else:
        yield Finding("ok", "challenge", "the 401 arrives with its realm")


def _probe_answer(url: str, settings: Settings, transport: Transport) -> Finding:
    target, webhook = _served_at(url, settings)
    form = Form([("AccountSid", target.account_sid), ("Probe", "twiml-app check")])
    try:
        answer = target.caller(transport).call(webhook, form).response
    except CallError as error:
        return Finding("error", "answer", f"{error.problem} ({_where_to_look(error, settings)})")
    media_type = answer.content_type.partition(";")[0].strip().lower()
    if media_type not in ("text/xml", "application/xml"):
        return Finding(
            "error", "answer", f"the content type is {media_type or 'missing'}, not text/xml: a proxy changes it"
        )
    return Finding("ok", "answer", f"an authenticated request is answered with {answer.status} and {media_type}")


def _where_to_look(error: CallError, settings: Settings) -> str:
    """Return where to look for the reason why a request had no success."""
    if not error.status:
        return "does the application run, and does the proxy in front of it reach it?"
    if error.status == 404:
        return f"the path of the URL must end in {settings.message_path}, and a proxy in front must keep it"
    if error.status in (401, 403):
        return "if the application refused it, twiml-app explain --last says why"
    return "the log of the application says why"


def _probe_forgery(url: str, settings: Settings, transport: Transport) -> Finding:
    """Check that a signature made with another token is refused."""
    target, webhook = _served_at(url, settings)
    try:
        Caller(transport, token="forged").call(webhook, Form([("AccountSid", target.account_sid)]))  # noqa: S106
    except CallError as error:
        if error.status == 403:
            return Finding("ok", "forgery", "a wrong signature is refused")
        return Finding("error", "forgery", error.problem)
    return Finding("error", "forgery", "a wrong signature is accepted: the URL is not served with these settings")


def _served_at(url: str, settings: Settings) -> tuple[ServedApp, Webhook]:
    target = ServedApp(url.partition("#")[0], settings)
    return target, Webhook(url=url) if "@" in urlsplit(url).netloc else target.webhook("")

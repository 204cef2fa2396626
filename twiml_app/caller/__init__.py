"""Plays Twilio calling a webhook: signature, challenge, cookies, redirects, retries, fallback URL."""

from .caller import Caller
from .forms import ACCOUNT_SID, CONTACT, NUMBER, alert_form, inbound_form, random_sid, status_form
from .session import CookieJar, Session
from .transports import HttpTransport, RoutedTransport, TimedStream, WsgiTransport
from .types import (
    CERTIFICATE_EXPIRED,
    CERTIFICATE_FOR_ANOTHER,
    CERTIFICATE_WITHOUT_PATH,
    Call,
    OutgoingRequest,
    Overrides,
    Transport,
    Webhook,
)
from .urls import is_http_url, resolve, target_of, without_secret, without_userinfo

__all__ = [
    "ACCOUNT_SID",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_FOR_ANOTHER",
    "CERTIFICATE_WITHOUT_PATH",
    "CONTACT",
    "NUMBER",
    "Call",
    "Caller",
    "CookieJar",
    "HttpTransport",
    "OutgoingRequest",
    "Overrides",
    "RoutedTransport",
    "Session",
    "TimedStream",
    "Transport",
    "Webhook",
    "WsgiTransport",
    "alert_form",
    "inbound_form",
    "is_http_url",
    "random_sid",
    "resolve",
    "status_form",
    "target_of",
    "without_secret",
    "without_userinfo",
]

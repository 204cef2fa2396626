"""The URLs to give to Twilio, and how they are shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..config import Settings
from ..served_app import ServedApp
from ..webhook import base_of

#: Makes Twilio retry after any failure, within its 15 seconds; a retry gets the stored answer,
#: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
RETRY_FRAGMENT = "#rc=2&rp=all"

_PASSWORD = re.compile(r"((?:^|[?&;\s])(?:password|passwd|pwd|secret|token|key)=)[^&;\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ConsoleUrls:
    """The URLs to paste into Twilio's console, by the names that they have there."""

    message: str
    fallback: str
    #: The webhook of the debugger.
    alert: str


def console_urls(settings: Settings, prefix: str = "", *, show_secrets: bool = False) -> ConsoleUrls:
    """Return the URLs to give to Twilio; the password is masked unless ``show_secrets``."""
    target = ServedApp(base_of(settings.public_url or "https://YOUR-HOST", prefix), settings)
    webhook = target.webhook(settings.message_path, settings.fallback_path)
    urls = [webhook.url + RETRY_FRAGMENT, webhook.fallback_url, target.webhook(settings.alert_path).url]
    return ConsoleUrls(*(url if show_secrets else mask_url(url) for url in urls))


def mask_url(url: str) -> str:
    """Return a URL with its password masked, wherever it is and whatever characters are in it."""
    scheme, separator, rest = url.partition("://")
    userinfo, at, host = rest.rpartition("@")
    masked = f"{scheme}://{userinfo.partition(':')[0]}:***@{host}" if separator and at else url
    return _PASSWORD.sub(r"\1***", masked)

"""The webhook of the debugger: each new entry is posted to the URL of the account, as Twilio does.

https://www.twilio.com/docs/usage/troubleshooting/debugging-event-webhooks
"""

from __future__ import annotations

import threading
from functools import partial

from ..caller import is_http_url
from ..errors import ConfigurationError
from .context import Context
from .resources import DebuggerEntry
from .schedule import Schedule
from .webhooks import Webhooks

#: How many entries may wait to be posted; later ones are only in the debugger.
MAX_WAITING = 1000


class Alerts:
    """Posts entries of the debugger to a URL; none is posted while it is empty."""

    def __init__(self, context: Context, schedule: Schedule, webhooks: Webhooks) -> None:
        self._context = context
        self._schedule = schedule
        self._webhooks = webhooks
        self._url = ""
        self._waiting = 0
        self._lock = threading.Lock()

    def send_to(self, url: str) -> None:
        """Post new entries to this URL, which may contain credentials; an empty one switches it off.

        Raises: ConfigurationError.
        """
        require_debugger_url(url)
        self._url = url

    def note(self, entry: DebuggerEntry) -> None:
        """Post a new entry as soon as the clock allows."""
        url = self._url
        if not url:
            return
        with self._lock:
            if self._waiting >= MAX_WAITING:
                return
            self._waiting += 1
        self._schedule.at(self._context.clock.now(), partial(self._post, url, entry))

    def clear(self) -> None:
        """Forget what waits: the schedule has dropped it."""
        with self._lock:
            self._waiting = 0

    def _post(self, url: str, entry: DebuggerEntry) -> None:
        with self._lock:
            self._waiting = max(0, self._waiting - 1)
        self._webhooks.post_alert(url, entry)


def require_debugger_url(url: str) -> None:
    """Check that a URL of the debugger's webhook can be called, or is empty.

    Raises: ConfigurationError.
    """
    if url and not is_http_url(url):
        raise ConfigurationError("debugger_url", "it must begin with http:// or https:// and include a host")

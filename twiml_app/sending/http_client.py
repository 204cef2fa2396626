"""The connections of the official library: to ``TWIML_API_URL``, always with a timeout."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from twilio.http.http_client import TwilioHttpClient


class ToApi(TwilioHttpClient):  # type: ignore[misc]
    """Sends every request to one base URL; TWILIO_EDGE and TWILIO_REGION, which would change its host, do nothing."""

    def __init__(self, url: str, logger: logging.Logger, timeout_s: float) -> None:
        super().__init__(timeout=timeout_s, logger=logger)
        self._url = url
        self._used_at = 0.0
        #: The Retry-After header of the last answer; empty without one.
        self.retry_after = ""

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """Send a request."""
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        self.retry_after = ""
        response = super().request(method, f"{self._url}{parts.path}{query}", *args, **options)
        self.retry_after = (response.headers or {}).get("Retry-After", "")
        return response

    def close_if_idle(self, now: float, most_s: float) -> None:
        """Close connections that were not used for a while: a request on one that is being closed may get lost."""
        if now - self._used_at > most_s:
            self.session.close()
        self._used_at = now

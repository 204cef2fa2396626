"""The official Python client, pointed at the emulator for every Twilio product."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client


class _ToEmulator(TwilioHttpClient):  # type: ignore[misc]
    """Sends the requests for all of Twilio's hosts to the emulator; edge and region are ignored."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(**options)
        self._url = url

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """Send a request."""
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, f"{self._url}{parts.path}{query}", *args, **options)


def make_client(url: str, account_sid: str, auth_token: str, ca_file: Path | None) -> Client:
    """Return a client for an account of the emulator at this URL."""
    http_client = _ToEmulator(url)
    # Proxies and certificates from the environment are meant for the real Twilio.
    http_client.session.trust_env = False
    if ca_file:
        http_client.session.verify = str(ca_file)
    return Client(account_sid, auth_token, http_client=http_client)

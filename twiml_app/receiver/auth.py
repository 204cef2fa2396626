"""Basic credentials, their challenge, and the signed status URLs that need no credentials."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import urlencode

from itsdangerous import Signer

from ..credentials import Credentials
from ..events import REPLY_PARAMETER, TOKEN_PARAMETER

REALM = "twiml_app"
CHALLENGE = ("WWW-Authenticate", f'Basic realm="{REALM}"')

#: Longer than any realistic pair, and short enough to decode quickly.
_MAX_HEADER_CHARACTERS = 2048


class BasicAuth:
    """Checks an Authorization header against the configured pairs, in constant time.

    Twilio first asks without credentials, and repeats the request when it is challenged with a realm,
    https://www.twilio.com/docs/usage/security#http-authentication.
    """

    def __init__(self, credentials: Iterable[Credentials]) -> None:
        self._digests = [_pair_digest(f"{pair.user}:{pair.password}".encode()) for pair in credentials]

    def accepts(self, header: str) -> bool:
        """Return whether the header carries one of the pairs; no header makes this raise."""
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic" or len(encoded) > _MAX_HEADER_CHARACTERS:
            return False
        try:
            given = _pair_digest(base64.b64decode(encoded.strip(), validate=True))
        except (binascii.Error, ValueError):
            return False
        # Every pair is compared, so that the time does not reveal which one was nearly right.
        return bool(sum([hmac.compare_digest(given, known) for known in self._digests]))


def _pair_digest(pair: bytes) -> bytes:
    """Hash a pair, so that a comparison takes the same time for any length."""
    return hashlib.sha256(pair).digest()


class StatusUrls:
    """Makes and checks the status URLs of replies.

    A token in the URL replaces the basic credentials, so that no document contains a password. It has no timestamp: a
    status may be days late, and a repeated request must get the same reply as the first one.
    """

    def __init__(self, secret_keys: Iterable[str], path: str) -> None:
        # itsdangerous signs with the last key and verifies with each of them.
        oldest_first = list(reversed([*secret_keys]))
        self._signer = Signer(oldest_first, salt="twiml_app.status", digest_method=hashlib.sha256)
        self._path = path

    def url(self, base_url: str, message_sid: str) -> str:
        """Return the status URL for the reply to a message."""
        token = self._signer.get_signature(message_sid).decode()
        return f"{base_url}{self._path}?{urlencode({REPLY_PARAMETER: message_sid, TOKEN_PARAMETER: token})}"

    def accepts(self, message_sid: str, token: str) -> bool:
        """Return whether the token was made for the message."""
        return self._signer.verify_signature(message_sid.encode("utf-8", "replace"), token.encode("utf-8", "replace"))

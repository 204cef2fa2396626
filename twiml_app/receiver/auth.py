"""Basic credentials, their challenge, and the signed status URLs that need no credentials."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache

from itsdangerous import Signer
from itsdangerous.signer import SigningAlgorithm

from ..credentials import Credentials
from ..events import REPLY_PARAMETER, SEND_PARAMETER, TOKEN_PARAMETER
from ..webhook import quote_value

REALM = "twiml_app"
CHALLENGE = ("WWW-Authenticate", f'Basic realm="{REALM}"')

#: Longer than any realistic pair, and short enough to decode quickly.
_MAX_HEADER_CHARACTERS = 2048

#: How long a status URL is accepted. Twilio queues a reply for four hours at most; carriers report within days.
TOKEN_DAYS = 14
#: The day, whether recipient and sender are covered, and the signature.
_TOKEN = re.compile(r"(([0-9]{1,6})(t?)(f?))\.([A-Za-z0-9_-]{43})")
#: A signature; the last character of any other spelling has bits that a decoder ignores.
_SEND_TOKEN = re.compile("[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
#: Punctuation that people write between digits, and Twilio removes.
_PUNCTUATION = str.maketrans("", "", " \t\r\n().-/")
#: A messaging service, or a number in national format: Twilio reports another address.
_UNKNOWN_SENDER = re.compile(r"mg[0-9a-f]{32}|[0-9]{9,}")
_NOT_FITTING = (
    "the token of the status URL was made for another message, recipient or sender, or with another key: keep the old"
    " key in SECRET_KEY_FALLBACKS, or the old pair in TWIML_CREDENTIALS"
)


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


class _HmacSha256(SigningAlgorithm):
    """The algorithm that itsdangerous uses too; the state that a key leads to is kept, as every reply is signed."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Return the signature."""
        keyed = _keyed(key).copy()
        keyed.update(value)
        return keyed.digest()


@lru_cache(maxsize=100)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def _signer(secret_keys: Iterable[str], salt: str) -> Signer:
    """Return a signer: it signs with the first key and verifies with each of them; the keys are derived only once."""
    given = Signer(list(reversed([*secret_keys])), salt=salt, digest_method=hashlib.sha256)
    keys = [given.derive_key(key) for key in given.secret_keys]
    return Signer(keys, key_derivation="none", algorithm=_HmacSha256())


class SendUrls:
    """Makes and checks the status URLs of messages that the program sends first.

    The URL contains the random id of the send, and a token that replaces the basic credentials. The journal knows the
    rest: which message the send became, and for how long it is kept.
    """

    def __init__(self, secret_keys: Iterable[str], path: str) -> None:
        self._signer = _signer(secret_keys, "twiml_app.send")
        self._path = path

    def url(self, base_url: str, send_id: str) -> str:
        """Return the status URL of a send."""
        token = self._signer.get_signature(send_id).decode()
        return f"{base_url}{self._path}?{SEND_PARAMETER}={quote_value(send_id)}&{TOKEN_PARAMETER}={token}"

    def problem(self, send_id: str, token: str) -> str:
        """Return why a token is not that of a send; an empty string if it is."""
        if not _SEND_TOKEN.fullmatch(token):
            return "the token of the status URL is not one of this application"
        fits = self._signer.verify_signature(send_id.encode("utf-8", "replace"), token)
        return "" if fits else _NOT_FITTING


class StatusUrls:
    """Makes and checks the status URLs of replies.

    A token in the URL replaces the basic credentials, so that no document contains a password. It is signed for the
    inbound message, the recipient and the sender of the reply, and the day; ``clock`` returns seconds since 1970.
    """

    def __init__(self, secret_keys: Iterable[str], path: str, *, clock: Callable[[], float] = time.time) -> None:
        self._signer = _signer(secret_keys, "twiml_app.status")
        self._path = path
        self._clock = clock

    def url(self, base_url: str, message_sid: str, *, to: str, from_: str) -> str:
        """Return the status URL for a reply to a message; an empty ``from_`` is a sender that is not known yet."""
        recipient, sender = _recipient(to), _sender(from_)
        stamp = f"{self._today()}{'t' if recipient else ''}{'f' if sender else ''}"
        signature = self._signer.get_signature(_document(stamp, recipient, sender, message_sid)).decode()
        sid = quote_value(message_sid)
        return f"{base_url}{self._path}?{REPLY_PARAMETER}={sid}&{TOKEN_PARAMETER}={stamp}.{signature}"

    def problem(self, message_sid: str, token: str, *, to: str, from_: str) -> str:
        """Return why a token does not fit a status callback with these addresses; an empty string if it does."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return "the token of the status URL is not one of this application"
        stamp, day, covers_to, covers_from, signature = found.groups()
        document = _document(
            stamp, _recipient(to) if covers_to else "", _sender(from_) if covers_from else "", message_sid
        )
        if not self._signer.verify_signature(document, signature):
            return _NOT_FITTING
        if not -1 <= self._today() - int(day) <= TOKEN_DAYS:  # clocks of two machines differ around midnight
            return f"the token of the status URL is older than {TOKEN_DAYS} days"
        return ""

    def _today(self) -> int:
        return int(self._clock() // 86400)


def _document(stamp: str, recipient: str, sender: str, message_sid: str) -> bytes:
    """Return what is signed: only the sid, which comes last, may contain a line break."""
    return f"{stamp}\n{recipient}\n{sender}\n{message_sid}".encode("utf-8", "replace")


def _recipient(address: str) -> str:
    """Return the address as a status callback names it too; empty for a number in national format."""
    plain = _plain(address)
    return plain if plain.startswith("+") or ":" in address else ""


def _sender(address: str) -> str:
    """Return the address as a status callback names it too; empty for a messaging service, which chooses a number."""
    plain = _plain(address)
    return "" if _UNKNOWN_SENDER.fullmatch(plain) else plain


def _plain(address: str) -> str:
    """Return an address without its channel, which may change, and without punctuation."""
    name = address.rpartition(":")[2]
    return name if name.removeprefix("+").isdecimal() else name.translate(_PUNCTUATION).lower()

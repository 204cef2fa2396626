"""X-Twilio-Signature: sign and verify requests, over the exact URL that was called.

The rules are those of https://www.twilio.com/docs/usage/security#validating-signatures-from-twilio; where the official
libraries differ from them or from one another, each of their signatures is accepted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qs

HEADER = "X-Twilio-Signature"
#: Names the key and the algorithm, unless they are the auth token and HMAC-SHA1: ``key=…,algorithm=HMAC_SHA256``.
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"

Algorithm = Literal["HMAC_SHA1", "HMAC_SHA256"]
_DIGESTS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}

Pairs = Iterable[tuple[str, str]]


def sign(url: str, form: Pairs, token: str, *, algorithm: Algorithm = "HMAC_SHA1") -> str:
    """Return the signature of a request: over the URL as called, and the form of a POST (empty for a GET)."""
    return _sign(_bytes(url) + form_bytes(form), token, algorithm)


def verify(
    url: str,
    form: Pairs,
    signature: str,
    tokens: Sequence[str],
    *,
    body: bytes | None = None,
    algorithm: Algorithm = "HMAC_SHA1",
) -> bool:
    """Return whether one of the tokens signed the request; empty tokens never match.

    Pass a ``body`` that is not a form: the URL then carries its SHA-256 as ``bodySHA256``.
    """
    if body is not None and not _body_hash_matches(url, body):
        return False
    given = _bytes(signature)
    pairs = form_bytes(form)
    usable = [token for token in ([tokens] if isinstance(tokens, str) else tokens) if token]
    return _is_signed(url, pairs, given, usable, algorithm) or any(
        _is_signed(variant, pairs, given, usable, algorithm) for variant in url_variants(url)
    )


def _is_signed(url: str, pairs: bytes, given: bytes, tokens: Sequence[str], algorithm: Algorithm) -> bool:
    document = _bytes(url) + pairs
    return any([hmac.compare_digest(_bytes(_sign(document, token, algorithm)), given) for token in tokens])  # noqa: C419


def form_bytes(form: Pairs) -> bytes:
    """Return the form as it is signed.

    Names in byte order, each followed by its value; for a repeated name, each distinct value once, in order.
    """
    given = list(form)
    first = dict(given)
    try:  # code points sort as their UTF-8 bytes do
        if len(first) == len(given):
            return "".join([name + first[name] for name in sorted(first)]).encode()
        return "".join([name + value for name, value in sorted(set(given))]).encode()
    except UnicodeEncodeError:
        encoded = {(_bytes(name), _bytes(value)) for name, value in given}
        return b"".join([name + value for name, value in sorted(encoded)])


def url_variants(url: str) -> Iterator[str]:
    """Yield the variants of a URL whose signature is accepted, the likeliest first.

    Twilio drops user and password before it signs, but its libraries do not; it is inconsistent about the port; and
    an apostrophe in the query may have been signed as ``%27``. Nothing else is re-encoded.
    """
    scheme, separator, rest = url.partition("://")
    cut = min((place for mark in "/?#" if (place := rest.find(mark)) >= 0), default=len(rest))
    authority, target = rest[:cut], rest[cut:]
    for each in _target_variants(target):
        for host in _authority_variants(scheme, authority):
            yield f"{scheme}{separator}{host}{each}"


def _target_variants(target: str) -> Iterator[str]:
    yield target
    path, mark, query = target.partition("?")
    if "'" in query:
        yield path + mark + query.replace("'", "%27")


def _authority_variants(scheme: str, authority: str) -> Iterator[str]:
    userinfo, at, host = authority.rpartition("@")
    name, colon, port = host.rpartition(":")
    with_port = bool(colon) and port.isdigit()
    other = name if with_port else f"{host}:{443 if scheme.lower() == 'https' else 80}"
    yield host
    yield other
    if at:
        yield f"{userinfo}@{host}"
        yield f"{userinfo}@{other}"


def read_signature_settings(header: str) -> tuple[str, str]:
    """Return the key id and the algorithm of the settings header; without one, an empty id and HMAC_SHA1."""
    if not header:
        return "", "HMAC_SHA1"
    parts = dict(_pair(part) for part in header.split(","))
    return parts.get("key", ""), parts.get("algorithm", "").upper() or "HMAC_SHA1"


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip(), value.strip()


def _sign(document: bytes, token: str, algorithm: Algorithm) -> str:
    keyed = _keyed(token, algorithm).copy()
    keyed.update(document)
    return base64.b64encode(keyed.digest()).decode()


@lru_cache(maxsize=100)
def _keyed(token: str, algorithm: Algorithm) -> hmac.HMAC:
    """Return the state that a key leads to; setting it up takes as long as signing a form."""
    return hmac.new(_bytes(token), digestmod=_DIGESTS[algorithm])


def _body_hash_matches(url: str, body: bytes) -> bool:
    given = parse_qs(url.partition("?")[2].partition("#")[0]).get("bodySHA256", [""])[0]
    return hmac.compare_digest(_bytes(given), hashlib.sha256(body).hexdigest().encode())


def _bytes(text: str) -> bytes:
    """Encode a string; bytes that were received as invalid UTF-8 become the same bytes again."""
    return text.encode("utf-8", "surrogateescape")

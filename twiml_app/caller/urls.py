"""URLs as Twilio reads, calls and shows them."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from ..errors import CallError
from .types import INVALID_URL

_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def is_http_url(url: str) -> bool:
    """Return whether a URL can be called: http or https, with a host and a valid port."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def without_secret(text: str) -> str:
    """Return the part of an invalid URL that may be shown: everything after the last ``@``."""
    return text.rpartition("@")[2]


def target_of(parts: SplitResult) -> str:
    """Return path and query as in the first line of a request."""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def without_userinfo(url: str) -> str:
    """Return a URL as it is called and signed: without credentials and fragment."""
    parts = urlsplit(url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path or "/", parts.query, ""))
    return quote(bare, safe=_ASCII)


def resolve(url: str, target: str) -> str:
    """Return the URL that a redirect points to; on the same host it keeps the credentials."""
    joined = urljoin(url, target)
    origin, location = urlsplit(url), urlsplit(joined)
    userinfo, at, host = origin.netloc.rpartition("@")
    if at and (location.scheme, location.netloc) == (origin.scheme, host):
        return urlunsplit(location._replace(netloc=f"{userinfo}@{host}"))
    return joined


def require_http(url: str) -> None:
    """Check that a URL can be called.

    Raises: CallError, if it is not an http(s) URL.
    """
    if not is_http_url(url):
        raise CallError("give an http or https URL", url=without_secret(url), code=INVALID_URL)

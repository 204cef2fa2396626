"""Who may use the phone page: only pages that this emulator served, on this machine.

The page needs no password, so nothing that another web page makes the browser send may reach it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from ...errors import ApiError
from ..quoting import shown

#: The header that the page sends when it changes something; other sites cannot send it without being asked about first.
PROOF_HEADER = "X-Twiml-Phone"

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]@/\s]+)(?::[0-9]{1,5})?")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: The headers of every answer.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: Media come from anyone: opened alone, nothing in them may run.
MEDIA_POLICY = "sandbox; default-src 'none'"


def is_loopback(name: str) -> bool:
    """Return whether a host name means this machine, for whoever uses it."""
    name = name.lower().strip("[]").removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_strangers(headers: Mapping[str, str], *, scheme: str, is_writing: bool, is_page: bool) -> None:
    """Refuse a request for a name that is not this machine's (DNS rebinding), or that another site has made.

    ``is_page`` is for the page itself, to which other sites may have links.

    Raises: ApiError.
    """
    host = headers.get("Host", "")
    found = _HOST.fullmatch(host)
    if not found or not is_loopback(found[1]):
        raise _denied(f"{shown(host)!r} is not a name of this machine: use 127.0.0.1 or localhost")
    site = headers.get("Sec-Fetch-Site", "same-origin")
    if site not in ("same-origin", "none") and not (is_page and not is_writing):
        raise _denied("pages of other sites may not use this page")
    origin = headers.get("Origin", "")
    if origin and origin != f"{scheme}://{host}":
        raise _denied(f"pages of {shown(origin)} may not use this page")
    if is_writing and not headers.get(PROOF_HEADER):
        raise _denied(f"the header {PROOF_HEADER} is missing")


def _denied(problem: str) -> ApiError:
    return ApiError(20006, f"Access denied: {problem}", status=403)

"""The user and password of HTTP basic authentication, and what makes a pair weak."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

_SHORT_PASSWORD = 12
#: A shorter user stands in a random password by chance.
_TELLING_USER = 3
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")
_GUESSABLE = ("password", "passwort", "secret", "twilio", "123456", "qwerty", "letmein", "changeme", "admin")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password of HTTP basic authentication."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.user!r}, '***')"


def basic_header(credentials: Credentials) -> str:
    """Return the Authorization header that carries a pair."""
    return "Basic " + base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()


def weaknesses(credentials: Credentials) -> list[str]:
    """Return what makes a pair easy to guess, or unsafe in a URL, in words."""
    found = []
    if len(credentials.password) < _SHORT_PASSWORD:
        found.append(f"the password of {credentials.user} is shorter than {_SHORT_PASSWORD} characters")
    user, password = credentials.user.lower(), credentials.password.lower()
    if (len(user) >= _TELLING_USER and user in password) or any(word in password for word in _GUESSABLE):
        found.append(f"the password of {credentials.user} is easy to guess")
    for what, text in (("user", user), ("password of", password)):
        if not _UNRESERVED.fullmatch(text):
            found.append(f"the {what} {credentials.user} has characters that Twilio may not send from a URL")
    return found

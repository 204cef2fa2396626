"""The user and password of HTTP basic authentication, and checks for weak ones."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

_SHORT_PASSWORD = 12
#: A shorter user may be part of a random password by chance.
_MIN_USER = 3
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
    """Return the Authorization header for a user and password."""
    return "Basic " + base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()


def weaknesses(credentials: Credentials) -> list[str]:
    """Return why a user and password are easy to guess, or unsafe in a URL."""
    found = []
    if len(credentials.password) < _SHORT_PASSWORD:
        found.append(f"the password of {credentials.user} is shorter than {_SHORT_PASSWORD} characters")
    user, password = credentials.user.lower(), credentials.password.lower()
    if (len(user) >= _MIN_USER and user in password) or any(word in password for word in _GUESSABLE):
        found.append(f"the password of {credentials.user} is easy to guess")
    for what, text in (("user", user), ("password of", password)):
        if not _UNRESERVED.fullmatch(text):
            found.append(f"the {what} {credentials.user} has characters that Twilio may not send from a URL")
    return found
